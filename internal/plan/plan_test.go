package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/buildctx"
	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/store"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// memory is a View that holds what a test built.
type memory struct {
	results   map[string]store.Result
	damaged   map[string]error
	snapshots map[string]Snapshot
}

func newMemory() *memory {
	return &memory{map[string]store.Result{}, map[string]error{}, map[string]Snapshot{}}
}

func (m *memory) Lookup(id string) (store.Result, error) { return m.results[id], m.damaged[id] }

func (m *memory) LoadTarget(name string, v any) bool {
	s, ok := m.snapshots[name]
	if ok {
		*v.(*Snapshot) = s
	}
	return ok
}

// world is a catalog on disk with a lock and a memory.
type world struct {
	t    *testing.T
	root string
	lock *lock.File
	mem  *memory
	opts Options
}

func newWorld(t *testing.T, files map[string]string) *world {
	w := &world{t: t, root: t.TempDir(), lock: lock.New(), mem: newMemory(), opts: Options{Now: noon}}
	w.write("plinth.yaml", "registry: registry.acme.example/base\n")
	for name, content := range files {
		w.write(name, content)
	}
	return w
}

func (w *world) write(name, content string) {
	w.t.Helper()
	path := filepath.Join(w.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) graph() *graph.Graph {
	w.t.Helper()
	c, err := catalog.Load(w.root)
	if err != nil {
		w.t.Fatal(err)
	}
	g, err := graph.Build(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

func (w *world) planner() (*Planner, []*graph.Target, error) {
	w.t.Helper()
	g := w.graph()
	p := New(w.root, w.lock, w.mem, buildctx.LoadStatCache(filepath.Join(w.t.TempDir(), "stat")), w.opts)
	return p, g.Targets, p.Prepare(g.Targets)
}

// build runs a plan as package fleet does, with made-up digests: a target's
// image is a function of content(target), so that early cut-off can be seen.
// It returns what was built, with the first reason.
func (w *world) build(content func(name string) string) []string {
	w.t.Helper()
	p, targets, err := w.planner()
	if err != nil {
		w.t.Fatal(err)
	}
	var built []string
	contents := map[string]string{}
	for _, t := range targets {
		step := p.Decide(t, contents)
		result := step.Result
		if step.Action == Build {
			built = append(built, t.Name+" ("+Summary(step.Reasons)+")")
			result = store.Result{ID: step.ID, Target: t.Name, Content: content(t.Name), Manifest: descriptor("sha256:" + step.ID)}
			w.mem.results[step.ID] = result
			delete(w.mem.damaged, step.ID)
			w.mem.snapshots[t.Name] = p.Snapshot(step, w.mem.snapshots[t.Name], result, noon, time.Second)
		}
		contents[t.Name] = result.Content
	}
	return built
}

func (w *world) steps() []string {
	w.t.Helper()
	p, targets, err := w.planner()
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, s := range p.Plan(targets) {
		line := fmt.Sprintf("%s %s", s.Target.Name, s.Action)
		if len(s.Reasons) > 0 {
			line += " (" + Summary(s.Reasons) + ")"
		}
		out = append(out, line)
	}
	return out
}

func want(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

var family = map[string]string{
	"0000-base/Dockerfile":    "FROM scratch\nCOPY files /\n",
	"0000-base/files/a":       "a",
	"0100-java/Dockerfile":    "ARG V=1\nFROM base\nCOPY files /\n",
	"0100-java/files/setup":   "one",
	"0100-java/.dockerignore": "ignored\n",
	"0200-tomcat/Dockerfile":  "FROM java\n",
}

func same(name string) string { return name + "-1" }

func TestFirstBuildThenNothing(t *testing.T) {
	w := newWorld(t, family)
	want(t, "first", w.build(same), []string{"base (never built here)", "java (never built here)", "tomcat (never built here)"})
	want(t, "second", w.build(same), nil)
	want(t, "plan", w.steps(), []string{"base reuse", "java reuse", "tomcat reuse"})
}

func TestCommentInRootStopsAtTheSameDigest(t *testing.T) {
	w := newWorld(t, family)
	w.build(same)
	w.write("0000-base/Dockerfile", "# why\nFROM scratch\nCOPY files /\n")
	want(t, "plan", w.steps(), []string{"base build (Dockerfile changed)",
		"java depends (parent base is going to be built)", "tomcat depends (parent java is going to be built)"})
	want(t, "built", w.build(same), []string{"base (Dockerfile changed)"})
}

func TestChangeInTheMiddleReachesDescendants(t *testing.T) {
	w := newWorld(t, family)
	w.build(same)
	w.write("0100-java/files/setup", "two")
	want(t, "plan", w.steps(), []string{"base reuse", "java build (context: files/setup changed)",
		"tomcat depends (parent java is going to be built)"})
	got := w.build(func(n string) string { return n + "-2" })
	want(t, "built", got, []string{"java (context: files/setup changed)", "tomcat (parent java changed)"})

	p, targets, err := w.planner()
	if err != nil {
		t.Fatal(err)
	}
	var chain []string
	for _, l := range p.Why(targets[2], p.Plan(targets)) {
		if l.Step != nil || l.Last == nil {
			t.Errorf("%s: step %v, last %v; everything is up to date", l.Target, l.Step, l.Last)
		}
		chain = append(chain, fmt.Sprintf("%d %s: %s", l.Depth, l.Target, Summary(l.Reasons)))
	}
	want(t, "why", chain, []string{"0 tomcat: parent java changed", "1 java: context: files/setup changed"})
}

func TestWhyNamesTheBuildThatMovedTheParent(t *testing.T) {
	w := newWorld(t, family)
	w.build(same)
	w.write("0100-java/files/setup", "two")
	second := func(n string) string { return n + "-2" }
	w.build(second)
	w.write("0100-java/Dockerfile", "ARG V=1\nFROM base\n# a comment\nCOPY files /\n")
	want(t, "built", w.build(second), []string{"java (Dockerfile changed)"})
	p, targets, err := w.planner()
	if err != nil {
		t.Fatal(err)
	}
	var chain []string
	for _, l := range p.Why(targets[2], p.Plan(targets)) {
		chain = append(chain, l.Target+": "+Summary(l.Reasons))
	}
	want(t, "of the child", chain, []string{"tomcat: parent java changed", "java: context: files/setup changed"})
	if l := p.Why(targets[1], p.Plan(targets)); len(l) != 1 || Summary(l[0].Reasons) != "Dockerfile changed" {
		t.Errorf("of java itself: %+v", l)
	}
}

func TestWhyOfWhatIsGoingToHappen(t *testing.T) {
	w := newWorld(t, family)
	w.build(same)
	w.write("0000-base/files/b", "new")
	p, targets, err := w.planner()
	if err != nil {
		t.Fatal(err)
	}
	var chain []string
	for _, l := range p.Why(targets[2], p.Plan(targets)) {
		chain = append(chain, fmt.Sprintf("%d %s %s: %s", l.Depth, l.Target, l.Step.Action, Summary(l.Reasons)))
	}
	want(t, "why", chain, []string{
		"0 tomcat depends: parent java is going to be built",
		"1 java depends: parent base is going to be built",
		"2 base build: context: files/b was added",
	})
}

func TestPlanOfAChildWithItsOwnChange(t *testing.T) {
	w := newWorld(t, family)
	w.build(same)
	w.write("0000-base/files/a", "b")
	w.write("0200-tomcat/Dockerfile", "FROM java\nENV A=1\n")
	want(t, "plan", w.steps(), []string{"base build (context: files/a changed)",
		"java depends (parent base is going to be built)",
		"tomcat build (Dockerfile changed; parent java is going to be built)"})
}

func TestWhatCountsInAContext(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world)
		want   []string
	}{
		{"an ignored file", func(w *world) { w.write("0100-java/ignored", "x") }, nil},
		{"a removed file", func(w *world) { must(os.Remove(filepath.Join(w.root, "0100-java/files/setup"))) },
			[]string{"java (context: files/setup was removed)"}},
		{"a mode", func(w *world) { must(os.Chmod(filepath.Join(w.root, "0100-java/files/setup"), 0o755)) },
			[]string{"java (context: files/setup changed its mode from 0644 to 0755)"}},
		{"a type", func(w *world) {
			must(os.Remove(filepath.Join(w.root, "0100-java/files/setup")))
			must(os.Mkdir(filepath.Join(w.root, "0100-java/files/setup"), 0o755))
		}, []string{"java (context: files/setup became a folder)"}},
		{"three files", func(w *world) {
			for _, n := range []string{"x", "y", "z"} {
				w.write("0100-java/"+n, n)
			}
		}, []string{"java (context: x was added; context: y was added; and 1 more)"}},
		{"a comment in image.yaml is a file of the context", func(w *world) { w.write("0100-java/image.yaml", "# c\ntitle: J\n") },
			[]string{"java (context: image.yaml was added; label org.opencontainers.image.title was set to \"J\")"}},
		{"an argument", func(w *world) { w.write("plinth.yaml", "registry: registry.acme.example/base\nargs: {V: '2'}\n") },
			[]string{`base (build argument V was set to "2")`, `java (build argument V was set to "2")`, `tomcat (build argument V was set to "2")`}},
		{"a stage", func(w *world) {
			w.write("0100-java/Dockerfile", "FROM base AS one\nFROM base AS two\n")
			w.build(same)
			w.write("0100-java/image.yaml", "target: one\n")
		}, []string{`java (context: image.yaml was added; target stage was set to "one")`}},
		{"SOURCE_DATE_EPOCH", func(w *world) { w.opts.Epoch = "5" },
			[]string{`base (SOURCE_DATE_EPOCH was set to "5")`, `java (SOURCE_DATE_EPOCH was set to "5")`, `tomcat (SOURCE_DATE_EPOCH was set to "5")`}},
		{"a new week", func(w *world) { w.opts.Now = noon.AddDate(0, 0, 1) },
			[]string{"base (refresh window 2026-W48 began)", "java (refresh window 2026-W48 began)", "tomcat (refresh window 2026-W48 began)"}},
		{"--no-cache", func(w *world) { w.opts.NoCache = map[string]bool{"java": true} }, []string{"java (asked for with --no-cache)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, family)
			w.build(same)
			c.change(w)
			want(t, "built", w.build(same), c.want)
		})
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func TestDamagedAndForgottenResults(t *testing.T) {
	w := newWorld(t, family)
	w.build(same)
	java := w.mem.snapshots["java"].ID
	w.mem.damaged[java] = fmt.Errorf("blob sha256:aa of java is gone: %w", store.ErrDamaged)
	want(t, "damaged", w.build(same), []string{"java (blob sha256:aa of java is gone: damaged in the store)"})
	delete(w.mem.results, java)
	want(t, "forgotten", w.build(same), []string{"java (its result is not in the store)"})
}

func TestOldResultsAreFoundAgain(t *testing.T) {
	w := newWorld(t, family)
	w.build(same)
	w.write("0200-tomcat/Dockerfile", "FROM java\nENV A=1\n")
	w.build(same)
	w.write("0200-tomcat/Dockerfile", "FROM java\n")
	want(t, "back again", w.build(same), nil)
}

func TestUpstreamsMustBeLocked(t *testing.T) {
	w := newWorld(t, map[string]string{
		"a/Dockerfile":     "FROM debian:12\n",
		"b/Dockerfile":     "FROM scratch\nCOPY --from=quay.example/tool:1 /t /t\n",
		"deban/Dockerfile": "FROM debain\n",
		"c/Dockerfile":     "FROM debian:12@sha256:" + strings.Repeat("a", 64) + "\n",
	})
	_, _, err := w.planner()
	var got []string
	for _, e := range diag.Flatten(err) {
		got = append(got, e.Error()+" | "+strings.Join(e.Hints, " | "))
	}
	want(t, "errors", got, []string{
		"a/Dockerfile:1: cannot build a: upstream debian:12 is not locked | pin it with: plinth update",
		"b/Dockerfile:2: cannot build b: upstream quay.example/tool:1 is not locked | pin it with: plinth update",
		"deban/Dockerfile:1: cannot build deban: upstream debain:latest is not locked | did you mean your own image deban? | pin it with: plinth update",
	})

	w.lock.Upstreams["docker.io/library/other:1"] = lock.Upstream{}
	if _, _, err := w.planner(); diag.Flatten(err)[0].Hints[0] != "pin it with: plinth update debian:12" {
		t.Errorf("with something locked: %v", diag.Flatten(err)[0].Hints)
	}
	w.lock.Upstreams["docker.io/library/debian:12"] = lock.Upstream{Digests: map[string]string{"linux/s390x": "sha256:1", "linux/riscv64": "sha256:2"}}
	_, _, err = w.planner()
	first := diag.Flatten(err)[0]
	if !strings.Contains(first.Msg, "cannot build a: upstream debian:12 has no image for linux/") || first.Hints[0] != "it has: linux/riscv64, linux/s390x" {
		t.Errorf("got %v, hints %q", first, first.Hints)
	}
}

func TestUpstreamMoves(t *testing.T) {
	w := newWorld(t, map[string]string{"a/Dockerfile": "FROM debian:12\n", "b/Dockerfile": "FROM a\n"})
	platform := w.graph().Targets[0].Platform.String()
	pin := func(c string) {
		w.lock.Upstreams["docker.io/library/debian:12"] = lock.Upstream{Digests: map[string]string{platform: "sha256:" + strings.Repeat(c, 64)}}
	}
	pin("1")
	w.build(same)
	want(t, "nothing moved", w.build(same), nil)
	pin("2")
	want(t, "moved", w.build(same), []string{"a (upstream docker.io/library/debian:12 moved to 222222222222)"})
}

const packageImage = "packages: [hello]\ndebian: '12'\nfiles:\n  - {path: /etc/motd, source: motd}\n  - {path: /etc/own, content: x}\nenv: {A: '1'}\n"

func lockHello(w *world, version, sha string) {
	w.lock.Debs = map[string]lock.Deb{}
	d := lock.Deb{Name: "hello", Version: version, Arch: "amd64", SHA256: sha}
	w.lock.Debs[d.Key()] = d
	arch := DebianArch(w.graph().Targets[0])
	w.lock.Sets["hello"] = lock.Set{Release: "12", Arch: arch, Request: []string{"hello"}, Epoch: 7, Debs: []string{d.Key()}}
}

func TestPackageImages(t *testing.T) {
	w := newWorld(t, map[string]string{"hello/image.yaml": packageImage, "hello/motd": "hi"})
	_, _, err := w.planner()
	if got := diag.Flatten(err); len(got) != 1 || got[0].Error() != "hello/image.yaml:1:11: cannot build hello: its packages are not locked" || got[0].Hints[0] != "pin them with: plinth update" {
		t.Errorf("got %v", err)
	}
	lockHello(w, "1.0", "aa")
	want(t, "first", w.build(same), []string{"hello (never built here)"})
	want(t, "again", w.build(same), nil)

	w.opts.Now = noon.AddDate(1, 0, 0)
	want(t, "a year later: a lock has no refresh window", w.build(same), nil)

	w.write("hello/image.yaml", "# a comment\n"+packageImage)
	want(t, "a comment moves all positions", w.build(same), nil)

	w.write("hello/unused", "x")
	want(t, "a file that the image does not take", w.build(same), nil)

	lockHello(w, "1.1", "bb")
	want(t, "a version", w.build(same), []string{"hello (packages: hello 1.0 → 1.1)"})
	lockHello(w, "1.1", "cc")
	want(t, "the same version from elsewhere", w.build(same), []string{"hello (packages: the archives of the same versions changed)"})

	w.write("hello/motd", "ho")
	want(t, "a file", w.build(same), []string{"hello (packages: /etc/motd changed)"})
	must(os.WriteFile(filepath.Join(w.root, "hello/image.yaml"), []byte(strings.Replace(packageImage, "content: x", "content: y", 1)), 0o644))
	want(t, "a content", w.build(same), []string{"hello (packages: /etc/own changed)"})
	w.write("hello/image.yaml", strings.Replace(packageImage, "env: {A: '1'}", "env: {A: '2'}", 1))
	want(t, "back to x, and an env", w.build(same), []string{"hello (packages: /etc/own changed)"})
	w.write("hello/image.yaml", strings.Replace(packageImage, "env: {A: '1'}", "env: {A: '3'}", 1))
	want(t, "an env alone", w.build(same), []string{"hello (packages: settings in image.yaml or the lock changed)"})

	w.write("hello/image.yaml", strings.Replace(packageImage, "[hello]", "[hello, more]", 1))
	_, _, err = w.planner()
	if got := diag.Flatten(err); len(got) != 1 || got[0].Msg != "cannot build hello: its package list is not the one that was locked" || got[0].Hints[0] != "lock the new list with: plinth update hello" {
		t.Errorf("got %v", err)
	}
}

func TestEpochOfPackageImages(t *testing.T) {
	w := newWorld(t, map[string]string{"hello/image.yaml": packageImage, "hello/motd": "hi"})
	lockHello(w, "1.0", "aa")
	w.build(same)
	set := w.lock.Sets["hello"]
	set.Epoch++
	w.lock.Sets["hello"] = set
	want(t, "a newer lock", w.build(same), []string{"hello (packages: settings in image.yaml or the lock changed)"})
	w.opts.Epoch = "5"
	if got := w.build(same); len(got) != 1 || !strings.Contains(got[0], `SOURCE_DATE_EPOCH was set to "5"`) {
		t.Errorf("built %q", got)
	}
	set.Epoch++
	w.lock.Sets["hello"] = set
	want(t, "the lock's does not count then", w.build(same), nil)
	w.opts.Epoch = ""
	if got := w.build(same); len(got) != 1 || !strings.Contains(got[0], "SOURCE_DATE_EPOCH was removed") {
		t.Errorf("built %q", got)
	}
}

func TestAptSourcesCountInFullImagesOnly(t *testing.T) {
	for mode, counts := range map[string]bool{"full": true, "distroless": false} {
		w := newWorld(t, map[string]string{"hello/image.yaml": packageImage + "mode: " + mode + "\n", "hello/motd": "hi"})
		lockHello(w, "1.0", "aa")
		set := w.lock.Sets["hello"]
		set.Request, _ = Request(w.graph().Targets[0].Packages)
		slices.Sort(set.Request)
		w.lock.Sets["hello"] = set
		w.lock.Sources["12"] = []lock.Source{{URI: "http://a", Suite: "bookworm", Component: "main"}}
		w.build(same)
		w.lock.Sources["12"] = []lock.Source{{URI: "http://b", Suite: "bookworm", Component: "main"}}
		if got := w.build(same); (len(got) == 1) != counts {
			t.Errorf("%s: built %q", mode, got)
		}
	}
}

func TestRequest(t *testing.T) {
	named := func(names ...string) (out []catalog.Named) {
		for _, n := range names {
			out = append(out, catalog.Named{Name: n})
		}
		return out
	}
	for _, c := range []struct {
		spec catalog.Packages
		want string
	}{
		{catalog.Packages{Mode: catalog.Distroless, Names: named("b", "a")}, "b a"},
		{catalog.Packages{Mode: catalog.Full, Names: named("apt")}, "apt usr-is-merged @essential @required"},
		{catalog.Packages{Mode: catalog.Full, Names: named("usrmerge")}, "usrmerge @essential @required"},
		{catalog.Packages{Mode: catalog.Full, Names: named("apt"), From: "base"}, "apt"},
	} {
		if got, _ := Request(&c.spec); strings.Join(got, " ") != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if _, got := Request(&catalog.Packages{Exclude: named("x", "y")}); !reflect.DeepEqual(got, []string{"x", "y"}) {
		t.Errorf("exclude %q", got)
	}
}

func TestEditDuringABuildIsNoticed(t *testing.T) {
	w := newWorld(t, family)
	p, targets, err := w.planner()
	if err != nil {
		t.Fatal(err)
	}
	java := targets[1]
	if err := p.Unchanged(java); err != nil {
		t.Fatal(err)
	}
	w.write("0100-java/files/setup", "late")
	if err := p.Unchanged(java); err == nil || !strings.Contains(err.Error(), "cannot keep the result of java: its files changed while it was being built: context: files/setup changed") {
		t.Errorf("got %v", err)
	}
	w.write("0200-tomcat/Dockerfile", "FROM java\nENV LATE=1\n")
	if err := p.Unchanged(targets[2]); err == nil || !strings.Contains(err.Error(), "Dockerfile changed") {
		t.Errorf("got %v", err)
	}
}

func TestWindow(t *testing.T) {
	at := time.Date(2027, 1, 1, 0, 30, 0, 0, time.FixedZone("", 3600)) // still 2026 in UTC
	for r, want := range map[catalog.Refresh]string{
		catalog.Always: "2026-12-31T23:30:00Z", catalog.Daily: "2026-12-31", catalog.Weekly: "2026-W53",
		catalog.Monthly: "2026-12", catalog.Never: "", "": "2026-W53",
	} {
		if got := Window(r, at); got != want {
			t.Errorf("%s: %q, want %q", r, got, want)
		}
	}
	if got := Window(catalog.Weekly, time.Date(2026, 1, 4, 0, 0, 0, 0, time.UTC)); got != "2026-W01" {
		t.Errorf("week one is %q", got)
	}
}

func TestSettingsOfDockerfiles(t *testing.T) {
	w := newWorld(t, family)
	w.write("0100-java/image.yaml", "contexts: {more: shared}\n")
	w.write("0100-java/.dockerignore", "image.yaml\n")
	w.write("0100-java/Dockerfile", "FROM base\nCOPY --from=more / /\n")
	w.write("shared/a", "1")
	w.write("shared/.dockerignore", "b\n")
	w.build(same)
	w.write("shared/b", "ignored")
	want(t, "ignored", w.build(same), nil)
	w.write("shared/a", "2")
	want(t, "named context", w.build(same), []string{"java (context: more:a changed)"})
	w.write("0100-java/image.yaml", "contexts: {more: shared}\nsquash: all\ntemp: [/t]\n")
	want(t, "squash and temp", w.build(same), []string{
		"java (squash changed from \"own\" to \"all\"; temp was set to \"/t\")", "tomcat (temp was set to \"/t\")",
	})
}

func TestCommits(t *testing.T) {
	w := newWorld(t, family)
	revisions := map[string]string{"base": "1111111111111111", "java": "1111111111111111"}
	w.opts.Labels = func(t *graph.Target) map[string]string {
		return map[string]string{ocispec.AnnotationRevision: revisions[t.Name], ocispec.AnnotationCreated: "at " + revisions[t.Name], ocispec.AnnotationVendor: "git"}
	}
	w.write("0200-tomcat/image.yaml", "labels: {org.opencontainers.image.vendor: catalog}")
	w.build(same)
	if got := w.mem.snapshots["tomcat"].Inputs.Labels[ocispec.AnnotationVendor]; got != "catalog" {
		t.Errorf("the catalog's label goes first, got %s", got)
	}
	want(t, "nothing", w.build(same), nil)
	revisions["java"] = "2222222222222222-dirty"
	want(t, "a commit", w.build(same), []string{"java (its last commit is 222222222222-dirty)"})
	revisions["java"] = "3333333333333333"
	w.write("0100-java/files/setup", "two")
	want(t, "a commit with a change", w.build(same), []string{"java (context: files/setup changed)"})
	delete(revisions, "java")
	want(t, "no commit", w.build(same), []string{"java (label org.opencontainers.image.revision changed from \"3333333333333333\" to \"\")"})
}

func TestEveryInputCounts(t *testing.T) {
	base := Inputs{Code: "1"}
	seen := map[string]string{base.ID(): "nothing"}
	v := reflect.TypeOf(base)
	for i := range v.NumField() {
		in := base
		f := reflect.ValueOf(&in).Elem().Field(i)
		switch f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Map:
			f.Set(reflect.ValueOf(map[string]string{"k": "v"}))
		case reflect.Pointer:
			f.Set(reflect.ValueOf(&PackageInputs{Debs: "d"}))
		case reflect.Slice:
			f.Set(reflect.ValueOf([]string{"s"}))
		}
		if prev, ok := seen[in.ID()]; ok {
			t.Errorf("%s does not count: the id is that of %s", v.Field(i).Name, prev)
		}
		seen[in.ID()] = v.Field(i).Name
	}
	pv := reflect.TypeOf(PackageInputs{})
	for i := range pv.NumField() {
		in := base
		in.Packages = &PackageInputs{}
		f := reflect.ValueOf(in.Packages).Elem().Field(i)
		switch f.Kind() {
		case reflect.String:
			f.SetString("y")
		case reflect.Map:
			f.Set(reflect.ValueOf(map[string]string{"k": "v"}))
		case reflect.Slice:
			f.Set(reflect.ValueOf([]string{"s"}))
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int64:
			f.SetInt(9)
		}
		if prev, ok := seen[in.ID()]; ok {
			t.Errorf("packages.%s does not count: the id is that of %s", pv.Field(i).Name, prev)
		}
		seen[in.ID()] = "packages." + pv.Field(i).Name
	}
}

func descriptor(d string) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(d), Size: 1}
}
