package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/report"
	"github.com/plinth-build/plinth/internal/starter"
)

func (a *app) initCommand() *cobra.Command {
	var registry string
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Start a catalog",
		Long: `Start a catalog in DIR, or in this folder: plinth.yaml, a base image made of
Debian packages, an image with a Dockerfile on top of it, and a .gitignore.

In a folder that has images with Dockerfiles, only plinth.yaml and .gitignore are
written, and the registry is the one under which the Dockerfiles name each other.

No file is overwritten, and if anything goes wrong nothing is left behind.`,
		Example: `  plinth init
  plinth init bases --registry registry.acme.example/base`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly(1, "at most one folder")(cmd, args)
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
	cmd.Flags().StringVar(&registry, "registry", "", "where releases will go, and the prefix of the images' names (default: the one in the Dockerfiles, otherwise "+starter.DefaultRegistry+")")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("registry") && registry == "" {
			return usage(cmd, "cannot use \"\" for --registry: it is empty")
		}
		dir := cmp.Or(a.dir, ".")
		if len(args) == 1 {
			if a.dir != "" {
				return usage(cmd, "cannot use --catalog and a folder together")
			}
			dir = args[0]
		}
		return a.init(filepath.Clean(dir), registry)
	}
	return cmd
}

func (a *app) init(dir, registry string) error {
	found, err := starter.Look(dir)
	if err != nil {
		return err
	}
	files, err := starter.Files(found, registry)
	if err != nil {
		return err
	}
	if err := starter.Write(dir, files); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Made in %s:\n", dir)
	var rows [][]string
	for _, f := range files {
		rows = append(rows, []string{"  " + f.Path, purpose(f.Path)})
	}
	writeRows(&b, rows)
	good := len(found.Folders) == 0 || describe(&b, dir, found)
	nextSteps(&b, dir, found, good)
	_, err = fmt.Fprint(a.out, b.String())
	return err
}

// purpose says what a new file is for.
func purpose(path string) string {
	return map[string]string{
		catalog.ConfigFile:         "settings of all images",
		starter.IgnoreFile:         "keeps what plinth stores out of git",
		"0000-python/image.yaml":   "a base image made of Debian packages",
		"0100-hello/Dockerfile":    "an image that stands on it",
		"0100-hello/.dockerignore": "what its build may see",
		"0100-hello/hello.py":      "what is in it",
	}[path]
}

func writeRows(b *strings.Builder, rows [][]string) {
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	for _, r := range rows {
		fmt.Fprintln(b, strings.TrimRight(fmt.Sprintf("%-*s  %s", width, r[0], r[1]), " "))
	}
}

// describe tells what the images that were there before are as a catalog, and
// whether that can be built.
func describe(b *strings.Builder, dir string, found starter.Found) bool {
	if len(found.Prefixes) > 0 {
		fmt.Fprintf(b, "\nThe Dockerfiles name each other under %s.\n", strings.Join(found.Prefixes, ", "))
	}
	c, err := catalog.Load(dir)
	var g *graph.Graph
	if err == nil {
		g, err = graph.Build(c)
	}
	if err != nil {
		fmt.Fprintf(b, "\nFound %s, with %s to be mended first:\n", report.Plural(len(found.Folders), "image folder"), report.Plural(len(diag.Flatten(err)), "mistake"))
		var text strings.Builder
		report.Errors(&text, err)
		b.WriteString(text.String())
		return false
	}
	fmt.Fprintf(b, "\nFound %s:\n", report.Plural(len(g.Targets), "image"))
	b.WriteString(graph.Tree(g.Targets, asciiOnly()))
	behind := 0
	for _, t := range g.Targets {
		for _, up := range t.Upstreams {
			if up.Behind {
				behind++
			}
		}
	}
	if behind > 0 {
		fmt.Fprintf(b, "\n%s an image of this catalog with a tag or digest: that is the published one, not\nthe one that is built here. Leave the tag out to stand on the latter.\n",
			map[bool]string{true: "1 reference names", false: fmt.Sprintf("%d references name", behind)}[behind == 1])
	}
	return true
}

// nextSteps tells what to type from the folder that the user is in.
func nextSteps(b *strings.Builder, dir string, found starter.Found, good bool) {
	where := ""
	if !findsRoot(dir) {
		where = " -C " + starter.Quote(dir)
	}
	build := "plinth build" + where
	if os.Geteuid() != 0 {
		build = "sudo " + build
	}
	rows := [][]string{
		{"  plinth update" + where, "# pins packages and images from outside in plinth.lock"},
		{"  " + build, "# builds all images"},
	}
	if !good {
		rows = append([][]string{{"  plinth list" + where, "# says what is left to be mended"}}, rows...)
	}
	if found.Ignore == starter.StateMissing {
		rows = append([][]string{{"  echo " + catalog.DefaultState + "/ >> " + starter.Quote(filepath.Join(dir, starter.IgnoreFile)), "# keeps what plinth stores out of git"}}, rows...)
	}
	b.WriteString("\nNext:\n")
	writeRows(b, rows)
}

// findsRoot says whether commands without --catalog find the catalog in dir.
func findsRoot(dir string) bool {
	wd, err := os.Getwd()
	if err != nil {
		return false
	}
	root, err := catalog.FindRoot(wd)
	if err != nil {
		return false
	}
	a, err1 := os.Stat(root)
	b, err2 := os.Stat(dir)
	return err1 == nil && err2 == nil && os.SameFile(a, b)
}
