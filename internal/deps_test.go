// Package internal holds no code, only this test of how the tree hangs together.
package internal

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/plinth-build/plinth"

// layers says which packages of this module each package may import. It is a
// statement of policy: a change here is a change of the architecture, and is
// to be read as one in a review.
//
// A row is "package: what it may import ; what its tests may import besides".
// It names rows above it only, so there are no cycles, and siblings that are
// to know nothing of each other stand without each other's name. A name ending
// in a slash is all rows under it, "*" is all rows above.
const layers = `
	# Words that everything speaks.
	diag:
	sched:
	wholefile:
	lock: diag wholefile
	ociref: diag
	secret: diag
	yamldoc: diag

	# The catalog: files, values, graph. Nothing here touches an image.
	dockerfile: diag ociref
	catalog: diag yamldoc ociref dockerfile
	graph: diag ociref dockerfile catalog
	buildctx: diag
	git: wholefile
	starter: diag ociref dockerfile catalog ; graph

	# Lint: files and the catalog's facts, no engine and no network.
	dockerfile/syntax:
	shellscript: dockerfile/syntax
	dockerfile/checks: dockerfile/syntax
	lint: dockerfile/syntax shellscript
	lint/rules: dockerfile/syntax dockerfile/checks shellscript lint
	lint/baseline: diag wholefile lint
	lint/waiver: diag lint
	lint/fixer: diag dockerfile dockerfile/syntax lint
	lint/custom: dockerfile/syntax shellscript lint
	lint/find:
	lsp: dockerfile/syntax lint
	lint/family: catalog graph dockerfile/syntax lint
	lint/hadolintyaml: diag yamldoc lint
	lint/shellcheck: dockerfile/syntax shellscript lint

	# What is kept on disk, and what registries say.
	store: diag ociref wholefile
	registry: diag ociref lock
	prune: diag lock store
	doctor: diag ociref git store
	export: diag wholefile ; store

	# Layers as such, wherever they are.
	layer: diag wholefile

	# Package images. They know the lock's words, not the catalog's files.
	debian/version:
	debian/xz:
	debian/debtest: ; debian/xz
	debian/deb: debian/xz ; debian/debtest
	debian/sandbox:
	debian/apt: diag lock wholefile debian/version debian/xz ; debian/debtest
	debian/pool: diag lock store wholefile debian/deb ; debian/debtest
	debian/image: diag lock store debian/version debian/deb debian/pool debian/sandbox ; debian/apt debian/debtest

	# What to do, and doing it.
	plan: diag lock ociref catalog graph buildctx store
	update: diag lock ociref catalog graph plan debian/apt ; debian/debtest
	fleet: diag lock graph plan sched store wholefile ; catalog buildctx
	engine/enginetest/sh:
	engine/enginetest: engine/enginetest/sh
	engine: diag ; engine/enginetest
	build: diag ociref layer store engine secret ; engine/enginetest

	# What a user sees. The command line is where the parts are wired together.
	report/live:
	report/text: report/live
	report/rulepage: dockerfile/syntax lint report/text ; lint/rules report/live
	report/findings: lint lint/baseline lint/waiver report/live report/text report/rulepage ; dockerfile/syntax
	report: diag graph plan update fleet report/live ; catalog ociref store
	cli: * ; *
	cmd/plinth: cli debian/sandbox ; *
`

// dependencies says which packages may import a heavy dependency, by path
// prefix; the longest prefix counts. Tests may import any but BuildKit's.
const dependencies = `
	github.com/moby/buildkit: engine build dockerfile/checks
	github.com/moby/buildkit/frontend/dockerfile: dockerfile dockerfile/syntax dockerfile/checks lint build
	# lint compares with it in its tests
	github.com/moby/buildkit/frontend/dockerfile/shell: dockerfile dockerfile/syntax lint
	github.com/containerd/containerd: store engine build
	github.com/google/go-containerregistry: registry build
	github.com/ProtonMail/go-crypto: debian/apt debian/debtest
	github.com/goccy/go-yaml: yamldoc catalog lint/hadolintyaml
	github.com/github/go-spdx: lint/rules
	github.com/spf13/cobra: cli
	github.com/sourcegraph/jsonrpc2: lsp
	cel.dev/cel-go: lint/custom
	mvdan.cc/sh: shellscript lint/rules
`

// helpers are the packages that only tests import.
var helpers = []string{"debian/debtest", "engine/enginetest"}

// inits are the init functions that may be, with the reason.
var inits = map[string]string{}

// exits are the packages besides the programs' own that may end the process, with the reason.
var exits = map[string]string{
	"debian/sandbox": "it is the first process of a namespace, where nothing else of plinth runs",
}

// maxLines is where a file becomes too long to be read in one go.
const maxLines = 600

// row is one line of a table.
type row struct{ imports, tests []string }

// goFile is a parsed file of this module.
type goFile struct {
	name  string // relative to the module's root, with slashes
	pkg   string // the package's path as the tables name it
	test  bool
	lines int
	ast   *ast.File
	fset  *token.FileSet
}

// imports returns the file's imports with their positions.
func (f goFile) imports(t *testing.T) map[string]string {
	out := map[string]string{}
	for _, spec := range f.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		out[p] = f.fset.Position(spec.Pos()).String()
	}
	return out
}

func TestImports(t *testing.T) {
	rows, order := readLayers(t)
	used := map[string]bool{}
	for _, f := range goFiles(t) {
		if isAcceptance(f.pkg) {
			continue
		}
		used[f.pkg] = true
		r, ok := rows[f.pkg]
		if !ok {
			t.Errorf("%s: package %s is not in the table of layers", f.name, f.pkg)
			continue
		}
		for imported, pos := range f.imports(t) {
			rest, ours := strings.CutPrefix(imported, module+"/")
			if !ours {
				continue
			}
			rest = strings.TrimPrefix(rest, "internal/")
			if rest == f.pkg || slices.Contains(r.imports, rest) || f.test && slices.Contains(r.tests, rest) {
				continue
			}
			t.Errorf("%s: %s may not import %s", pos, f.pkg, rest)
		}
	}
	for _, pkg := range order {
		if !used[pkg] {
			t.Errorf("the table of layers has a row for %s, and there is no such package", pkg)
		}
	}
}

func TestHeavyDependencies(t *testing.T) {
	allowed := map[string][]string{}
	for _, line := range tableLines(dependencies) {
		prefix, users, _ := strings.Cut(line, ":")
		allowed[prefix] = strings.Fields(users)
	}
	longest := func(imported string) string {
		best := ""
		for prefix := range allowed {
			if len(prefix) > len(best) && (imported == prefix || strings.HasPrefix(imported, prefix+"/")) {
				best = prefix
			}
		}
		return best
	}
	used := map[string]bool{}
	for _, f := range goFiles(t) {
		for imported, pos := range f.imports(t) {
			prefix := longest(imported)
			if prefix == "" || isAcceptance(f.pkg) {
				continue
			}
			used[prefix] = used[prefix] || !f.test
			if f.test && !strings.HasPrefix(prefix, "github.com/moby/buildkit") {
				continue
			}
			if !slices.Contains(allowed[prefix], f.pkg) {
				t.Errorf("%s: %s may not import %s; only %s may", pos, f.pkg, imported, strings.Join(allowed[prefix], ", "))
			}
		}
	}
	for prefix := range allowed {
		if !used[prefix] {
			t.Errorf("the table of dependencies has a row for %s, and nothing imports it", prefix)
		}
	}
}

// isAcceptance says whether the package is a program of the acceptance scripts;
// those compare with other programs and import what they like.
func isAcceptance(pkg string) bool { return strings.HasPrefix(pkg, "test/") }

// Test helpers must not end up in the program.
func TestHelpersStayInTests(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test || slices.Contains(helpers, f.pkg) {
			continue
		}
		for imported, pos := range f.imports(t) {
			if imported == "testing" || slices.Contains(helpers, strings.TrimPrefix(imported, module+"/internal/")) {
				t.Errorf("%s: %s is for tests only", pos, imported)
			}
		}
	}
}

// The Makefile leaves the packages that link the engine out of the race
// detector; the list there is the one that follows from the imports.
func TestMakefileNamesEnginePackages(t *testing.T) {
	links := map[string]bool{"engine": true}
	rows, _ := readLayers(t)
	files := goFiles(t)
	for range rows {
		for _, f := range files {
			for imported := range f.imports(t) {
				rest, ours := strings.CutPrefix(imported, module+"/internal/")
				if ours && links[rest] {
					links[f.pkg] = true
				}
			}
		}
	}
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^ENGINE_PACKAGES := (.+)$`).FindSubmatch(makefile)
	if m == nil {
		t.Fatal("the Makefile sets no ENGINE_PACKAGES")
	}
	pattern := regexp.MustCompile(`/(` + string(m[1]) + `)$`)
	for pkg := range rows {
		full := module + "/internal/" + pkg
		if strings.HasPrefix(pkg, "cmd/") {
			full = module + "/" + pkg
		}
		if got := pattern.MatchString(full); got != links[pkg] {
			t.Errorf("%s links the engine: %v; the Makefile's ENGINE_PACKAGES says %v", pkg, links[pkg], got)
		}
	}
}

func TestOnlyMainExits(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test || f.ast.Name.Name == "main" || exits[f.pkg] != "" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			switch call := x.Name + "." + sel.Sel.Name; call {
			case "os.Exit", "syscall.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln":
				t.Errorf("%s: %s: only a program's main ends the process", f.fset.Position(n.Pos()), call)
			}
			return true
		})
	}
}

func TestNoInit(t *testing.T) {
	found := map[string]bool{}
	for _, f := range goFiles(t) {
		for _, decl := range f.ast.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || fn.Name.Name != "init" {
				continue
			}
			found[f.name] = true
			if inits[f.name] == "" {
				t.Errorf("%s: an init function; list what there is where it is used", f.fset.Position(fn.Pos()))
			}
		}
	}
	for name, reason := range inits {
		if !found[name] {
			t.Errorf("%s may have an init function (%s) and has none", name, reason)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.lines > maxLines {
			t.Errorf("%s has %d lines; above %d a reader gets lost", f.name, f.lines, maxLines)
		}
	}
}

// A path of the machine that a file was written on means nothing on another.
func TestNoMachinePaths(t *testing.T) {
	machine := regexp.MustCompile(`(^|[^[:alnum:]])/(work|farm)/`)
	files := 0
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", ".tools", ".plinth", "bin"}, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if strings.ContainsRune(string(data[:min(len(data), 8000)]), 0) {
			return nil // not a text
		}
		files++
		for i, line := range strings.Split(string(data), "\n") {
			if m := machine.FindString(line); m != "" {
				t.Errorf("%s:%d: a path of one machine: %s", name, i+1, line[:min(len(line), 120)])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Errorf("only %d text files were found", files)
	}
}

// tableLines returns a table's lines without comments and empty ones.
func tableLines(table string) []string {
	var out []string
	for line := range strings.Lines(table) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, strings.Replace(line, ": ", ":", 1))
		}
	}
	return out
}

// readLayers reads the table of layers and checks its form.
func readLayers(t *testing.T) (rows map[string]row, order []string) {
	t.Helper()
	rows = map[string]row{}
	expand := func(pkg string, names []string) (out []string) {
		for _, name := range names {
			switch {
			case name == "*":
				out = append(out, order...)
			case strings.HasSuffix(name, "/"):
				for _, above := range order {
					if strings.HasPrefix(above, name) {
						out = append(out, above)
					}
				}
			case slices.Contains(order, name):
				out = append(out, name)
			default:
				t.Fatalf("row %s names %s, which has no row above it", pkg, name)
			}
		}
		return out
	}
	for _, line := range tableLines(layers) {
		pkg, rest, ok := strings.Cut(line, ":")
		if _, twice := rows[pkg]; !ok || twice {
			t.Fatalf("cannot read the row %q", line)
		}
		imports, tests, _ := strings.Cut(rest, ";")
		rows[pkg] = row{expand(pkg, strings.Fields(imports)), expand(pkg, strings.Fields(tests))}
		order = append(order, pkg)
	}
	return rows, order
}

// goFiles parses the Go files of the module, test data left out.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	packages := map[string]bool{}
	for _, top := range []string{"cmd", "internal", "test"} {
		err := fs.WalkDir(os.DirFS(".."), top, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "testdata" {
				return fs.SkipDir
			}
			dir := path.Dir(name)
			if d.IsDir() || path.Ext(name) != ".go" || dir == "internal" {
				return nil
			}
			f := goFile{name: name, pkg: strings.TrimPrefix(dir, "internal/"), test: strings.HasSuffix(name, "_test.go"), fset: token.NewFileSet()}
			data, err := os.ReadFile(filepath.Join("..", name))
			if err != nil {
				return err
			}
			f.lines = strings.Count(string(data), "\n")
			if f.ast, err = parser.ParseFile(f.fset, name, data, parser.SkipObjectResolution); err != nil {
				return fmt.Errorf("cannot parse: %w", err)
			}
			packages[f.pkg] = true
			files = append(files, f)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(packages) < 5 {
		t.Fatalf("only these packages were found: %v", slices.Sorted(maps.Keys(packages)))
	}
	return files
}
