package cli

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plinth-build/plinth/internal/diag"
)

var updateReference = flag.Bool("update", false, "write the pages of docs/reference anew")

func reference(t *testing.T) map[string]string {
	t.Helper()
	pages, err := Reference()
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func TestReferenceIsCurrent(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "reference")
	pages := reference(t)
	if *updateReference {
		for name, text := range pages {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		found = append(found, f.Name())
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != pages[f.Name()] {
			t.Errorf("docs/reference/%s is not what the program says; write it anew with: go test ./internal/cli -run Reference -update", f.Name())
		}
	}
	if want := []string{"commands.md", "config.md", "exit-codes.md"}; !slices.Equal(found, want) {
		t.Errorf("docs/reference holds %v, want %v", found, want)
	}
}

func TestReferenceNamesEveryCommandAndFlag(t *testing.T) {
	page := reference(t)["commands.md"]
	commands := 0
	check := func(c *cobra.Command, f *pflag.Flag) {
		if f.Name != "help" && !strings.Contains(page, "`--"+f.Name+"` | ") {
			t.Errorf("commands.md does not name --%s of %s", f.Name, c.CommandPath())
		}
	}
	root := (&app{}).root()
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { check(root, f) })
	for _, c := range root.Commands() {
		commands++
		if !strings.Contains(page, "\n## "+c.CommandPath()+"\n") {
			t.Errorf("commands.md has no section on %s", c.CommandPath())
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { check(c, f) })
	}
	if commands < 8 {
		t.Errorf("only %d commands were found", commands)
	}
}

func TestReferenceSaysTheSameOnEveryMachine(t *testing.T) {
	for _, line := range strings.Split(reference(t)["commands.md"], "\n") {
		if strings.Contains(line, "--jobs`") {
			if want := "(default: one for each processor, at least 2) |"; !strings.HasSuffix(line, want) {
				t.Errorf("%q does not end with %q", line, want)
			}
			return
		}
	}
	t.Error("commands.md has no row for --jobs")
}

// Every constant of type diag.ExitCode is told, once.
func TestReferenceNamesEveryExitCode(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "diag", "diag.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == "ExitCode" {
			declared = append(declared, spec.Values[0].(*ast.BasicLit).Value)
		}
		return true
	})
	var told []string
	for line := range strings.Lines(reference(t)["exit-codes.md"]) {
		if f := strings.Split(line, "|"); len(f) == 4 && strings.Trim(f[1], " -") != "" {
			told = append(told, strings.TrimSpace(f[1]))
		}
	}
	if len(declared) < 8 || !slices.Equal(told[1:], declared) {
		t.Errorf("exit-codes.md has %v, the program %v", told, declared)
	}
	if want := "the first of 130, 143, 64, 1, 4, 3, 2 counts"; !strings.Contains(reference(t)["exit-codes.md"], want) {
		t.Errorf("exit-codes.md does not say %q", want)
	}
	if diag.Code(nil) != diag.ExitOK {
		t.Error("no error is not exit 0")
	}
}

func TestReferenceShowsNestedKeys(t *testing.T) {
	page := reference(t)["config.md"]
	for _, want := range []string{
		"\n| `registry` | text | Required. Where releases go,",
		"\n| `refresh` | `always`, `daily`, `weekly`, `monthly`, `never` | ",
		"\n| `debian.releases.*.sources[].uri` | text | Required. Address of the archive,",
		"\n| `matrix` | map to list of text or number | Axes with their values: one target is built for each combination,",
		"\n| `files[].owner` | text or number | Owner as uid:gid in numbers.",
		"\n| `files` | list | Files to add to the image. |\n",
		"\n| `docs` | true/false | ",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("config.md lacks %q", want)
		}
	}
	if plinth, image := strings.Index(page, "## plinth.yaml"), strings.Index(page, "## image.yaml"); plinth < 0 || image < plinth {
		t.Errorf("plinth.yaml is at %d, image.yaml at %d", plinth, image)
	}
}
