package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/git"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/report"
)

// commits is what git knows of the catalog. In a catalog outside of git it knows nothing.
type commits struct {
	repo   *git.Repo // nil outside of git
	byDir  map[string]git.Commit
	byLock map[string]git.Commit // by target: what changed its part of plinth.lock
	source string
	epoch  string // SOURCE_DATE_EPOCH in seconds, "" if the user gave none
}

// commits asks git about the folders of the targets. The repository is read
// once for all of them.
func (s *session) commits(ctx context.Context, targets []*graph.Target) (*commits, error) {
	c := &commits{epoch: s.epoch}
	repo, err := git.Open(ctx, s.catalog.Root)
	if err != nil {
		return nil, diag.Errorf(diag.Position{}, "%w", err)
	}
	if repo == nil {
		return c, nil
	}
	c.repo = repo
	var dirs []string
	for _, t := range targets {
		dirs = append(dirs, folders(t)...)
	}
	if c.byDir, err = repo.Last(ctx, filepath.Join(s.state, "cache", "commits"), dirs); err != nil {
		return nil, diag.Errorf(diag.Position{}, "%w", err)
	}
	if c.byLock, err = lockCommits(ctx, repo, filepath.Join(s.state, "cache", "lock-commits"), s.lock, targets); err != nil {
		return nil, err
	}
	c.source = repo.Source(ctx)
	return c, nil
}

// folders are those that hold the inputs of a target alone: its own, and for a
// flavour that of its image too, whose settings it has.
func folders(t *graph.Target) []string {
	out := []string{t.Dir, t.Image.Dir}
	for _, c := range t.Contexts {
		out = append(out, c.Dir)
	}
	return out
}

// of is the last commit that touched a target's own inputs: its folders, and
// what plinth.lock pins for it.
func (c *commits) of(t *graph.Target) git.Commit {
	var last git.Commit
	dirty, unknown := false, false
	all := []git.Commit{c.byLock[t.Name]}
	for _, dir := range folders(t) {
		all = append(all, c.byDir[dir])
	}
	for _, at := range all {
		dirty, unknown = dirty || at.Dirty, unknown || at.Unknown
		if at.Time.After(last.Time) {
			last = at
		}
	}
	last.Dirty, last.Unknown = dirty, unknown
	return last
}

// labels are what git says of a target, in the words of the OCI image
// specification. A label of which the truth is not known is left out.
func (c *commits) labels(t *graph.Target) map[string]string {
	out := map[string]string{}
	commit := c.of(t)
	if revision := commit.String(); revision != "" {
		out[ocispec.AnnotationRevision] = revision
		out[ocispec.AnnotationCreated] = commit.Time.Format(time.RFC3339)
	}
	if seconds, err := strconv.ParseInt(c.epoch, 10, 64); err == nil {
		out[ocispec.AnnotationCreated] = time.Unix(seconds, 0).UTC().Format(time.RFC3339)
	}
	if c.source != "" {
		out[ocispec.AnnotationSource] = c.source
	}
	return out
}

// cutOff are the targets whose last commit is not in a shallow clone.
func (c *commits) cutOff(targets []*graph.Target) []*graph.Target {
	var out []*graph.Target
	for _, t := range targets {
		if c.of(t).Unknown {
			out = append(out, t)
		}
	}
	return out
}

// warnCutOff says once that a shallow clone hides commits: labels are missing
// then, and ids differ from those of a machine that has all of the history.
func (s *session) warnCutOff(w io.Writer, targets []*graph.Target) {
	lost := s.known.cutOff(targets)
	if len(lost) == 0 {
		return
	}
	fmt.Fprintf(w, "warning: the git history is cut off before the last commit of %s, which get no revision label\n  hint: fetch all of it: git fetch --unshallow\n",
		report.Plural(len(lost), "target"))
}
