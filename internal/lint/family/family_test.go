package family

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lint"
)

// load makes a catalog of files, by path.
func load(t *testing.T, files map[string]string) *Family {
	t.Helper()
	root := t.TempDir()
	files = maps.Clone(files)
	if files["plinth.yaml"] == "" {
		files["plinth.yaml"] = "registry: r.example/base\n"
	}
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := catalog.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	return New(g, true)
}

// after is the state of the image that a target's Dockerfile makes.
func after(t *testing.T, f *Family, path string, target string) *lint.Effective {
	t.Helper()
	for _, c := range f.Contexts(path) {
		if slices.Contains(c.Targets, target) {
			return lint.NewDoc(f.File(path), nil, nil, c).Final().After()
		}
	}
	t.Fatalf("%s is not built from %s", target, path)
	return nil
}

var tree = map[string]string{
	"plinth.yaml":                      "registry: r.example/base\nlabels: {vendor: acme}\n",
	"0000-os/image.yaml":               "packages: [base-files]\nuser: \"65532\"\nworkdir: /srv\nenv: {LANG: C.UTF-8}\nports: [80]\nlabels: {team: os}\n",
	"0100-run/Dockerfile":              "ARG REGISTRY=r.example/base\nFROM ${REGISTRY}/os\nENV HOME=/home/app LANG=en\nHEALTHCHECK --interval=30s CMD [\"/check\"]\nSHELL [\"/bin/bash\", \"-c\"]\nLABEL a=b\n",
	"0200-app/Dockerfile":              "FROM r.example/base/run AS build\nUSER 0\nFROM r.example/base/run\nCOPY --from=build /x /x\n",
	"0200-app/image.yaml":              "flavours: [loud]\n",
	"flavours/loud/Dockerfile":         "ARG BASE\nFROM ${BASE}\nUSER root\n",
	"0200-up/Dockerfile":               "FROM docker.io/library/nginx@sha256:" + strings.Repeat("0", 64) + "\nENV X=1\n",
	"0300-multi/Dockerfile":            "ARG who\nFROM r.example/base/run\nARG who\nUSER ${who}\n",
	"0300-multi/image.yaml":            "matrix: {who: [alice, root]}\n",
	"0400-child/Dockerfile":            "FROM r.example/base/multi-root\n",
	"0500-staged/Dockerfile":           "FROM r.example/base/run AS one\nUSER one\nFROM r.example/base/run AS two\nUSER two\n",
	"0500-staged/image.yaml":           "target: one\n",
	"0600-child-of-stage/Dockerfile":   "FROM r.example/base/staged\n",
	"0600-child-of-upstage/Dockerfile": "FROM r.example/base/up\n",
}

func TestInherited(t *testing.T) {
	f := load(t, tree)
	run := after(t, f, "0100-run/Dockerfile", "run")
	if !run.Known || run.User.S != "65532" || run.User.From != "os" || run.Workdir.S != "/srv" || run.Env["LANG"] != "en" {
		t.Errorf("run has %+v", run)
	}
	if run.Labels["team"] != "os" || run.Labels["vendor"] != "acme" || run.Labels["a"] != "b" || !slices.Equal(run.Expose, []string{"80/tcp"}) {
		t.Errorf("run has labels %v and ports %v", run.Labels, run.Expose)
	}
	app := after(t, f, "0200-app/Dockerfile", "app")
	if app.User.S != "65532" || app.Env["HOME"] != "/home/app" || app.Shell[0] != "/bin/bash" || app.Healthcheck.From != "run" || app.Healthcheck.In != nil {
		t.Errorf("app has %+v", app)
	}
	loud := after(t, f, "flavours/loud/Dockerfile", "app-loud")
	if loud.User.S != "root" || loud.User.From != "" || loud.Healthcheck.From != "run" {
		t.Errorf("the flavour has %+v", loud)
	}
	up := after(t, f, "0600-child-of-upstage/Dockerfile", "child-of-upstage")
	if up.Known || up.Env["X"] != "1" || up.User.Set {
		t.Errorf("the child of an upstream's child has %+v", up)
	}
}

func TestMatrixAndStages(t *testing.T) {
	f := load(t, tree)
	for target, want := range map[string]string{"multi-alice": "alice", "multi-root": "root"} {
		if got := after(t, f, "0300-multi/Dockerfile", target).User.S; got != want {
			t.Errorf("%s runs as %q, want %q", target, got, want)
		}
	}
	if child := after(t, f, "0400-child/Dockerfile", "child"); child.User.S != "root" || child.User.From != "multi-root" {
		t.Errorf("the child of the matrix runs as %+v", child.User)
	}
	if child := after(t, f, "0600-child-of-stage/Dockerfile", "child-of-stage"); child.User.S != "one" {
		t.Errorf("the child of a stage runs as %+v", child.User)
	}
}

func TestContexts(t *testing.T) {
	f := load(t, tree)
	c := f.Contexts("0300-multi/Dockerfile")
	if len(c) != 2 || c[0].Args["who"] != "alice" || !c[0].Locked || c[0].Refresh != "weekly" {
		t.Errorf("got %d places, the first is %+v", len(c), c[0])
	}
	if !slices.Contains(c[0].Labels, "vendor") || !slices.Contains(c[0].Labels, "org.opencontainers.image.revision") {
		t.Errorf("labels that are filled in: %v", c[0].Labels)
	}
	if f.Contexts("nowhere/Dockerfile") != nil {
		t.Error("a file that is not in the catalog has a place in it")
	}
	if flavour := f.Contexts("flavours/loud/Dockerfile"); len(flavour) != 1 || flavour[0].Flavour != "loud" {
		t.Errorf("the flavour is at %+v", flavour)
	}
	if files := f.Files(); len(files) != 9 || files[0] != "0100-run/Dockerfile" || !slices.IsSorted(files) {
		t.Errorf("files are %v", files)
	}
}

func TestReplace(t *testing.T) {
	f := load(t, tree)
	if got := after(t, f, "0200-app/Dockerfile", "app").User.S; got != "65532" {
		t.Fatalf("app runs as %q", got)
	}
	f.Replace("0100-run/Dockerfile", []byte("FROM r.example/base/os\nUSER other\n"))
	for path, target := range map[string]string{"0200-app/Dockerfile": "app", "0100-run/Dockerfile": "run"} {
		if got := after(t, f, path, target).User.S; got != "other" {
			t.Errorf("after an edit %s runs as %q", target, got)
		}
	}
	want := []string{"0100-run/Dockerfile", "0200-app/Dockerfile", "0300-multi/Dockerfile", "0400-child/Dockerfile", "0500-staged/Dockerfile", "0600-child-of-stage/Dockerfile", "flavours/loud/Dockerfile"}
	if got := f.Dependents("0100-run/Dockerfile"); !slices.Equal(got, want) {
		t.Errorf("dependents are %v, want %v", got, want)
	}
	if got := f.Dependents("0400-child/Dockerfile"); !slices.Equal(got, []string{"0400-child/Dockerfile"}) {
		t.Errorf("dependents of a leaf are %v", got)
	}
}

func TestMerge(t *testing.T) {
	rule, other := &lint.Rule{Code: "A"}, &lint.Rule{Code: "B"}
	at := func(r *lint.Rule, line int) *lint.Finding {
		return &lint.Finding{Rule: r, Line: line, Span: lint.Span{From: line, To: line + 1}}
	}
	contexts := []*lint.Context{{Targets: []string{"x"}}, {Targets: []string{"y", "z"}}}
	got := Merge([][]*lint.Finding{{at(rule, 2), at(other, 1)}, {at(rule, 2), at(rule, 3)}}, contexts)
	var text []string
	for _, x := range got {
		text = append(text, x.Rule.Code+strings.Repeat("'", x.Line)+strings.Join(x.Targets, "+"))
	}
	if want := []string{"B'x", "A''", "A'''y+z"}; !slices.Equal(text, want) {
		t.Errorf("got %q, want %q", text, want)
	}
}

// TestPackageImages checks what an image has that is a list of packages, over another one.
func TestPackageImages(t *testing.T) {
	f := load(t, map[string]string{
		"0000-small/image.yaml":    "packages: [base-files]\nuser: \"1\"\nworkdir: /srv\nenv: {A: small, B: small}\ncmd: [sleep]\nstop-signal: SIGINT\nports: [80]\n",
		"0000-full/image.yaml":     "mode: full\npackages: [base-files]\n",
		"0100-on-small/image.yaml": "from: small\npackages: [tzdata]\nenv: {A: child}\nentrypoint: [run]\nports: [81]\n",
		"0100-same/image.yaml":     "from: small\npackages: [tzdata]\n",
	})
	state := func(name string) *lint.Effective {
		for _, t := range f.graph.Targets {
			if t.Name == name {
				return f.State(t)
			}
		}
		t.Fatalf("there is no %s", name)
		return nil
	}
	small, full, child, same := state("small"), state("full"), state("on-small"), state("same")
	if !small.Known || !small.NoShell || small.User.S != "1" || small.Cmd.S != "sleep" || small.StopSignal.S != "SIGINT" || small.StopSignal.From != "small" {
		t.Errorf("small has %+v", small)
	}
	if full.NoShell || full.User.Set || full.Workdir.Set || full.StopSignal.Set || full.Cmd.Set || full.Entrypoint.Set {
		t.Errorf("full has %+v", full)
	}
	if child.User.From != "small" || child.Workdir.S != "/srv" || child.Env["A"] != "child" || child.Env["B"] != "small" || small.Env["A"] != "small" {
		t.Errorf("the child has %+v", child)
	}
	if child.Entrypoint.S != "run" || child.Cmd.Set || !child.NoShell || !slices.Equal(child.Expose, []string{"80/tcp", "81/tcp"}) {
		t.Errorf("the child has %+v", child)
	}
	if same.Cmd.S != "sleep" || same.Entrypoint.Set || same.StopSignal.S != "SIGINT" {
		t.Errorf("the child that says nothing has %+v", same)
	}
}
