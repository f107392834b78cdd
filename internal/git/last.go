package git

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plinth-build/plinth/internal/wholefile"
)

// To find the last commit of a folder that nobody touched for years, git has to
// read years of history. So what was found is kept with the commit that was
// checked out then; the next time only newer commits are read.

// memory is what the cache file holds.
type memory struct {
	Head    string                 `json:"head"`
	Shallow bool                   `json:"shallow"`
	Commits map[string]commitEntry `json:"commits"` // by folder; without a hash: no commit touches it
}

type commitEntry struct {
	Hash string `json:"hash,omitempty"`
	Time int64  `json:"time,omitempty"` // seconds since 1970
}

// Last finds the last commit that touched each of the folders (slash paths
// relative to the catalog), and whether they differ from what is checked out.
// What it learns is kept in cacheFile, which need not be there.
func (r *Repo) Last(ctx context.Context, cacheFile string, dirs []string) (map[string]Commit, error) {
	dirs = slices.Compact(slices.Sorted(slices.Values(dirs)))
	if len(dirs) == 0 {
		return map[string]Commit{}, nil
	}
	dirty, err := r.dirty(ctx, dirs)
	if err != nil {
		return nil, fmt.Errorf("cannot find out which folders are as they were committed: %w", err)
	}
	commits, err := r.commits(ctx, cacheFile, dirs)
	if err != nil {
		return nil, fmt.Errorf("cannot find the last commits: %w", err)
	}
	cut, err := r.cut(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot find out where the history is cut off: %w", err)
	}
	out := make(map[string]Commit, len(dirs))
	for _, dir := range dirs {
		c := commits[dir]
		c.Dirty, c.Unknown = dirty[dir], cut[c.Hash]
		out[dir] = c
	}
	return out, nil
}

func (r *Repo) commits(ctx context.Context, cacheFile string, dirs []string) (map[string]Commit, error) {
	if r.head == "" {
		return nil, nil
	}
	old := loadMemory(cacheFile)
	if old.Shallow != r.shallow || !r.isAncestor(ctx, old.Head) {
		old = memory{}
	}
	var fresh, known []string // folders to search in all of history, and in its new part
	for _, dir := range dirs {
		if _, ok := old.Commits[dir]; ok {
			known = append(known, dir)
		} else {
			fresh = append(fresh, dir)
		}
	}
	found := map[string]Commit{}
	for _, search := range []struct {
		from string
		dirs []string
	}{{"", fresh}, {old.Head, known}} {
		if len(search.dirs) == 0 || search.from == r.head {
			continue
		}
		part, err := r.log(ctx, search.from, search.dirs)
		if err != nil {
			return nil, err
		}
		for dir, c := range part {
			found[dir] = c
		}
	}
	now := memory{Head: r.head, Shallow: r.shallow, Commits: map[string]commitEntry{}}
	for _, dir := range dirs {
		if c, ok := found[dir]; ok {
			now.Commits[dir] = commitEntry{c.Hash, c.Time.Unix()}
			continue
		}
		entry := old.Commits[dir]
		now.Commits[dir] = entry
		if entry.Hash != "" {
			found[dir] = Commit{Hash: entry.Hash, Time: time.Unix(entry.Time, 0).UTC()}
		}
	}
	if old.Head != r.head || len(fresh) > 0 {
		saveMemory(cacheFile, now)
	}
	return found, nil
}

// isAncestor says whether the commit is in the history of what is checked out.
func (r *Repo) isAncestor(ctx context.Context, commit string) bool {
	if commit == "" || commit == r.head {
		return commit != ""
	}
	_, err := r.run(ctx, "merge-base", "--is-ancestor", commit, r.head)
	return err == nil
}

// cut is the commits whose parents are missing: everything seems to be new in them.
func (r *Repo) cut(ctx context.Context) (map[string]bool, error) {
	if !r.shallow {
		return nil, nil
	}
	file, err := r.run(ctx, "rev-parse", "--path-format=absolute", "--git-path", "shallow")
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(strings.TrimSuffix(file, "\n"))
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, hash := range strings.Fields(string(data)) {
		out[hash] = true
	}
	return out, nil
}

// loadMemory reads a cache file; one that cannot be read is as good as none.
func loadMemory(file string) memory {
	var m memory
	data, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(data, &m) != nil {
		return memory{}
	}
	return m
}

// saveMemory writes the cache file whole or not at all. That it could not be
// written costs time on the next run and nothing else.
func saveMemory(file string, m memory) {
	if file == "" {
		return
	}
	data, err := json.Marshal(m)
	if err != nil {
		return
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return
	}
	_ = wholefile.Bytes(file, data)
}
