package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/lsp"
	"github.com/plinth-build/plinth/internal/report"
	"github.com/plinth-build/plinth/internal/report/rulepage"
)

func (a *app) lspCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lsp",
		Short: "Serve an editor with findings, explanations and fixes",
		Long: `Serve an editor by the Language Server Protocol over standard input and output:
findings while somebody types, what a rule means, the names of the catalog's images
after FROM, and fixes. docs/lint.md says how to set up editors.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := &workspace{app: a, open: map[string]string{}}
			if err := w.load(); err != nil {
				return err
			}
			return lsp.Serve(cmd.Context(), Version, cmd.InOrStdin(), a.out, w)
		},
	}
}

// workspace is lsp.Workspace over the catalog that the working folder is in.
type workspace struct {
	app   *app
	files *lintFiles
	setup *lintSetup
	open  map[string]string // texts by path
}

// load reads the catalog and the settings. A catalog with errors is as good as none.
func (w *workspace) load() error {
	files := &lintFiles{}
	if err := files.openCatalog(w.app); err != nil {
		return err
	}
	setup, err := files.setup(&lintFlags{})
	if err != nil {
		return err
	}
	w.files, w.setup = files, setup
	return nil
}

// Open implements lsp.Workspace.
func (w *workspace) Open(path, text string) {
	w.open[path] = text
	w.replace(path, []byte(text))
}

// Close implements lsp.Workspace.
func (w *workspace) Close(path string) {
	delete(w.open, path)
	if data, err := os.ReadFile(path); err == nil {
		w.replace(path, data)
	}
}

func (w *workspace) replace(path string, data []byte) {
	if rel, ok := w.rel(path); ok && w.files.family.File(rel) != nil {
		w.files.family.Replace(rel, data)
	}
}

// rel is a path as the catalog knows it; false outside of one.
func (w *workspace) rel(path string) (string, bool) {
	if w.files.family == nil {
		return "", false
	}
	rel, err := filepath.Rel(w.files.catalog.Root, path)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// Check implements lsp.Workspace.
func (w *workspace) Check(path string) []*lint.Finding {
	f := w.files.file(path)
	f.data = []byte(w.open[path])
	clear(w.files.listings) // files come and go while it runs
	clear(w.files.ignored)
	docs, contexts := w.files.docs(f, w.setup.linter.Options())
	return checkDocs(w.setup.linter, docs, contexts)
}

// Dependents implements lsp.Workspace.
func (w *workspace) Dependents(path string) (out []string) {
	rel, ok := w.rel(path)
	if !ok {
		return nil
	}
	for _, d := range w.files.family.Dependents(rel) {
		if d != rel {
			out = append(out, filepath.Join(w.files.catalog.Root, filepath.FromSlash(d)))
		}
	}
	return out
}

// Images implements lsp.Workspace: all that FROM can name, those that would make a circle
// not included.
func (w *workspace) Images(path string) (out []lsp.Image) {
	rel, ok := w.rel(path)
	if !ok {
		return nil
	}
	g := w.files.graph
	var own []*graph.Target
	for _, t := range g.Targets {
		if t.DockerfilePath == rel {
			own = append(own, t)
		}
	}
	circle := map[*graph.Target]bool{}
	for _, t := range append(g.Descendants(own...), own...) {
		circle[t] = true
	}
	for _, t := range g.Targets {
		if t.Flavour == "" && !circle[t] {
			out = append(out, lsp.Image{Ref: w.files.catalog.Config.Registry + "/" + t.Name, Title: titleOf(t), Description: w.describe(t)})
		}
	}
	return out
}

func titleOf(t *graph.Target) string {
	if t.Title != "" {
		return t.Title
	}
	return t.Name
}

// describe says in Markdown what somebody who stands on an image wants to know.
func (w *workspace) describe(t *graph.Target) string {
	var lines []string
	if d := t.Labels["org.opencontainers.image.description"]; d != "" {
		lines = append(lines, d, "")
	}
	if base := t.Base(); base != nil {
		lines = append(lines, "- stands on "+base.Name)
	}
	if e := w.files.family.State(t); e.Known || e.User.Set {
		user := e.User.S
		if user == "" {
			user = "root"
		}
		lines = append(lines, "- runs as "+user)
	}
	if len(t.Ports) > 0 {
		lines = append(lines, "- ports "+strings.Join(t.Ports, ", "))
	}
	if n := len(w.files.graph.Descendants(t)); n > 0 {
		lines = append(lines, "- "+report.Plural(n, "target")+" on it")
	}
	return strings.Join(lines, "\n")
}

// Explain implements lsp.Workspace.
func (w *workspace) Explain(r *lint.Rule) string {
	text := "**" + r.Code + "** " + r.Title + "\n\n" + r.Why
	if r.Good != "" {
		text += "\n\n```dockerfile\n" + r.Good + "\n```"
	}
	if url := rulepage.URL(r); url != "" {
		text += "\n\n[" + r.Code + "](" + url + ")"
	}
	return text
}
