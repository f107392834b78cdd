package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/export"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/plan"
	"github.com/plinth-build/plinth/internal/report"
	"github.com/plinth-build/plinth/internal/store"
)

// The formats of an export.
const (
	ociLayout     = "oci"
	ociArchive    = "oci-archive"
	dockerArchive = "docker-archive"
)

func (a *app) exportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export SELECTOR… --dest PATH",
		Short: "Copy built images to a file or folder",
		Long: `Copy built images out of the store, under the names and tags that they are
going to have in the registry. PATH is

  NAME.tar   an archive that docker load and podman load read, and that is an
             OCI archive as well
  -          the same on standard output
  NAME       a folder with an OCI layout; images that are in it already stay

An image must be built as the catalog says now. Digests stay as they are.

` + selectorHelp,
		Example: `  plinth export debian12-java17 --dest java17.tar
  plinth export debian12-java17 --dest - | docker load
  plinth export 'debian12-*' --dest layout/`,
		ValidArgsFunction: a.completeTargets,
	}
	dest := cmd.Flags().String("dest", "", "where to write: a file, a folder, or - for standard output")
	kind := cmd.Flags().String("type", "", "oci (a folder), oci-archive or docker-archive (one file that is both); default: by the name of --dest")
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(toCompletions([]string{ociLayout, ociArchive, dockerArchive}), cobra.ShellCompDirectiveNoFileComp))
	number := buildNumberFlag(cmd)
	chosen := a.choiceFlags(cmd)
	secrets := addSecretFlags(cmd)
	a.setFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		isDir := *dest != "-" && !strings.HasSuffix(*dest, ".tar")
		switch {
		case len(args) == 0 && len(chosen.flavours) == 0 && chosen.since == "":
			return usage(cmd, "cannot export without a target")
		case *dest == "":
			return usage(cmd, "cannot export without --dest")
		case *kind == "":
		case *kind != ociLayout && *kind != ociArchive && *kind != dockerArchive:
			return usage(cmd, "cannot use %q for --type: it must be one of: %s, %s, %s", *kind, ociLayout, ociArchive, dockerArchive)
		case *kind == ociLayout && *dest == "-":
			return usage(cmd, "cannot write a folder to standard output")
		default:
			isDir = *kind == ociLayout
		}
		return a.export(cmd.Context(), selection{choice: chosen.with(args), secrets: secrets}, *dest, isDir, *number)
	}
	return cmd
}

// buildNumberFlag adds --build-number to a command.
func buildNumberFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("build-number", "", "number of the CI's build, {{.BuildNumber}} in tags")
}

func (a *app) export(ctx context.Context, sel selection, dest string, isDir bool, number string) error {
	s, err := a.session()
	if err != nil {
		return err
	}
	st := store.View(s.storeDir())
	planner, targets, err := s.planner(ctx, st, sel, a.now())
	if err != nil {
		return err
	}
	chosen, err := sel.targets(ctx, s.graph)
	if err != nil {
		return err
	}
	results, err := current(planner.Plan(targets), chosen)
	if err != nil {
		return err
	}
	var images []export.Image
	var problems diag.List
	for _, t := range chosen {
		image, err := s.image(ctx, t, results[t], number, a.now())
		problems.AddErr(err)
		images = append(images, image)
	}
	if err := problems.Err(); err != nil {
		return err
	}
	if isDir {
		err = export.Layout(dest, st, images)
	} else if dest == "-" {
		out := bufio.NewWriterSize(a.out, 1<<20)
		err = errors.Join(export.Archive(out, st, images), out.Flush())
		return explained(err, "standard output")
	} else {
		err = export.File(dest, st, images)
	}
	if err != nil {
		return explained(err, dest)
	}
	printExported(a.out, images, dest)
	return nil
}

// explained keeps an error that says all, and tells of others where they happened.
func explained(err error, dest string) error {
	var known *diag.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return diag.Errorf(diag.Position{}, "cannot write %s: %w", dest, err)
}

func printExported(w io.Writer, images []export.Image, dest string) {
	for _, image := range images {
		for _, tag := range image.Tags {
			fmt.Fprintf(w, "%s:%s  %s\n", image.Repository, tag, image.Manifest.Digest)
		}
	}
	fmt.Fprintf(w, "%s in %s\n", report.Plural(len(images), "image"), dest)
}

// current are the results of the chosen targets; that one is not built as the
// catalog says now is an error.
func current(steps []plan.Step, chosen []*graph.Target) (map[*graph.Target]store.Result, error) {
	byTarget := map[*graph.Target]plan.Step{}
	for _, step := range steps {
		byTarget[step.Target] = step
	}
	out := map[*graph.Target]store.Result{}
	var problems diag.List
	for _, t := range chosen {
		step := byTarget[t]
		if step.Action != plan.Reuse {
			problems.Add(diag.Errorf(diag.Position{}, "cannot export %s: it has to be built first: %s", t.Name, plan.Summary(step.Reasons)).
				Hint("build it: plinth build %s", t.Name))
			continue
		}
		out[t] = step.Result
	}
	return out, problems.Err()
}

// image is a target as others are going to know it.
func (s *session) image(ctx context.Context, t *graph.Target, r store.Result, number string, now time.Time) (export.Image, error) {
	data := s.known.tagData(t, now)
	data.BuildNumber = number
	tags, err := t.ExpandTags(data)
	image := export.Image{
		Manifest: r.Manifest, Repository: s.catalog.Config.Registry + "/" + t.Name, Tags: tags, Annotations: map[string]string{},
	}
	for key, value := range map[string]string{
		ocispec.AnnotationVersion: t.Version, branchAnnotation: s.known.branchName(ctx), buildNumberAnnotation: number,
	} {
		if value != "" {
			image.Annotations[key] = value
		}
	}
	return image, err
}

// What the image specification has no key for.
const (
	branchAnnotation      = "build.plinth.branch"
	buildNumberAnnotation = "build.plinth.build-number"
)

// tagData is what git knows for the templates of tags.
func (c *commits) tagData(t *graph.Target, now time.Time) graph.TagData {
	const short = 12
	at := c.labels(t)[ocispec.AnnotationCreated]
	when, err := time.Parse(time.RFC3339, at)
	if err != nil {
		when = now
	}
	commit := c.of(t).String()
	hash, rest, dirty := strings.Cut(commit, "-")
	hash = hash[:min(short, len(hash))]
	if dirty {
		hash += "-" + rest
	}
	return graph.TagData{Date: when.UTC().Format("20060102"), Commit: hash}
}

// branchName is the branch that is checked out, "" if there is none.
func (c *commits) branchName(ctx context.Context) string {
	if c.repo == nil {
		return ""
	}
	return c.repo.Branch(ctx)
}
