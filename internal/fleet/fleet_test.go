package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/buildctx"
	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/plan"
	"github.com/plinth-build/plinth/internal/sched"
	"github.com/plinth-build/plinth/internal/store"
)

// fake builds images of one layer, whose content is what content returns, on the parents' layers.
type fake struct {
	store   *store.Store
	content func(name string) string
	fail    map[string]error
	during  func(ctx context.Context, name string)
	mu      sync.Mutex
	built   []string
}

func (f *fake) Packages(context.Context, Job) (store.Image, error) {
	return store.Image{}, errors.New("no package image here")
}

func (f *fake) Dockerfile(ctx context.Context, job Job) (store.Image, error) {
	name := job.Step.Target.Name
	f.mu.Lock()
	f.built = append(f.built, name)
	f.mu.Unlock()
	for i := range 30 {
		fmt.Fprintf(job.Log, "line %d of %s\n", i, name)
	}
	job.Say("working")
	if f.during != nil {
		f.during(ctx, name)
	}
	if err := f.fail[name]; err != nil {
		return store.Image{}, err
	}
	if ctx.Err() != nil {
		return store.Image{}, ctx.Err()
	}
	put := func(mediaType string, v any) ocispec.Descriptor {
		data, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		d, err := f.store.PutBytes(mediaType, data)
		if err != nil {
			panic(err)
		}
		return d
	}
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest}
	m.SchemaVersion = 2
	for _, parent := range slices.Sorted(maps.Keys(job.Parents)) {
		pm, err := f.store.ReadManifest(job.Parents[parent].Manifest.Digest)
		if err != nil {
			return store.Image{}, err
		}
		m.Layers = append(m.Layers, pm.Layers...)
	}
	m.Layers = append(m.Layers, put(ocispec.MediaTypeImageLayerGzip, f.content(name)))
	m.Config = put(ocispec.MediaTypeImageConfig, ocispec.Image{})
	return store.Image{Manifest: put(ocispec.MediaTypeImageManifest, m), Epoch: 5}, nil
}

// log is a Progress that remembers.
type log struct {
	mu    sync.Mutex
	lines []string

	outlook  Outlook
	expected []Expected // as it was when the run began
}

func (l *log) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}
func (l *log) Planned(o Outlook)                 { l.outlook = o; l.expected = o.Expect() }
func (l *log) Started(t string, r []plan.Reason) { l.add("%s started: %s", t, plan.Summary(r)) }
func (l *log) Step(t, s string)                  { l.add("%s step: %s", t, s) }
func (l *log) Ended(r Row)                       { l.add("%s %s", r.Target, r.Status) }

type world struct {
	t     *testing.T
	root  string
	store *store.Store
	fake  *fake
	log   *log
	opts  Options
	ctx   context.Context

	noCache map[string]bool
}

func newWorld(t *testing.T, dockerfiles map[string]string) *world {
	w := &world{t: t, root: t.TempDir(), log: &log{}, ctx: context.Background()}
	w.write("plinth.yaml", "registry: registry.acme.example/base\n")
	for name, text := range dockerfiles {
		w.write(name+"/Dockerfile", text)
	}
	st, err := store.Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	w.store = st
	w.fake = &fake{store: st, content: func(n string) string { return n }, fail: map[string]error{}}
	w.opts = Options{Jobs: 1, LogDir: filepath.Join(t.TempDir(), "logs"), Now: time.Now}
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		w.t.Fatal(err)
	}
}

// run builds everything and returns "target status" with the reason or cause.
func (w *world) run() []Row {
	w.t.Helper()
	c, err := catalog.Load(w.root)
	if err != nil {
		w.t.Fatal(err)
	}
	g, err := graph.Build(c)
	if err != nil {
		w.t.Fatal(err)
	}
	cache := buildctx.LoadStatCache(filepath.Join(w.t.TempDir(), "stat"))
	p := plan.New(c.Root, lock.New(), w.store, cache, plan.Options{Now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), NoCache: w.noCache})
	if err := p.Prepare(g.Targets); err != nil {
		w.t.Fatal(err)
	}
	w.fake.built, w.log.lines = nil, nil
	rows, err := Run(w.ctx, g.Targets, p, w.store, w.fake, w.opts, w.log)
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

func show(rows []Row) string {
	var out []string
	for _, r := range rows {
		s := r.Target + " " + string(r.Status)
		if r.Same {
			s += " same"
		}
		if r.Cause != "" {
			s += " by " + r.Cause
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func (w *world) want(want string) []Row {
	w.t.Helper()
	rows := w.run()
	if got := show(rows); got != want {
		w.t.Errorf("got  %s\nwant %s", got, want)
	}
	return rows
}

var family = map[string]string{"a": "FROM scratch\n", "b": "FROM a\n", "c": "FROM b\n", "z": "FROM scratch\nENV Z=1\n"}

func TestBuildThenReuseThenCutOff(t *testing.T) {
	w := newWorld(t, family)
	rows := w.want("a built, b built, c built, z built")
	if w.log.lines[0] != "a started: never built here" || w.log.lines[1] != "a step: working" || w.log.lines[2] != "a built" {
		t.Errorf("progress %q", w.log.lines)
	}
	refs, err := w.store.Refs()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if refs[r.Target].Digest.String() != r.Digest || r.Size == 0 {
			t.Errorf("%s: digest %s, size %d, in the index %s", r.Target, r.Digest, r.Size, refs[r.Target].Digest)
		}
	}
	again := w.want("a reused, b reused, c reused, z reused")
	for i := range again {
		if again[i].Digest != rows[i].Digest || again[i].Size != rows[i].Size || again[i].Log != "" {
			t.Errorf("%+v is not %+v", again[i], rows[i])
		}
	}
	w.write("a/Dockerfile", "# why\nFROM scratch\n")
	w.want("a built same, b reused, c reused, z reused")
	w.fake.content = func(n string) string { return n + "2" }
	w.write("b/Dockerfile", "# why\nFROM a\n")
	rows = w.want("a reused, b built, c built, z reused")
	if got := plan.Summary(rows[2].Reasons); got != "parent b changed" {
		t.Errorf("c was built because %q", got)
	}
}

func TestFailureBlocksAndNamesTheRoot(t *testing.T) {
	w := newWorld(t, family)
	w.fake.fail["b"] = diag.Errorf(diag.Position{File: "b/Dockerfile", Line: 1}, "cannot build b: exit code 3")
	rows := w.want("a built, b failed, c blocked by b, z not started")
	b := rows[1]
	if b.Err.Error() != "b/Dockerfile:1: cannot build b: exit code 3" {
		t.Errorf("error %v", b.Err)
	}
	if len(b.Tail) != tailLines || b.Tail[tailLines-1] != "line 29 of b" || b.Tail[0] != fmt.Sprintf("line %d of b", 30-tailLines) {
		t.Errorf("tail %q", b.Tail)
	}
	data, err := os.ReadFile(b.Log)
	if err != nil || !strings.HasPrefix(string(data), "# b: never built here\nline 0 of b\n") || !strings.HasSuffix(string(data), "# failed: b/Dockerfile:1: cannot build b: exit code 3\n") {
		t.Errorf("log %q, %v", data, err)
	}
	delete(w.fake.fail, "b")
	w.want("a reused, b built, c built, z built")
}

func TestFailurePolicies(t *testing.T) {
	for policy, want := range map[sched.Policy]string{
		sched.StopStarting: "a failed, b blocked by a, c blocked by a, z not started",
		sched.KeepGoing:    "a failed, b blocked by a, c blocked by a, z built",
		sched.FailFast:     "a failed, b blocked by a, c blocked by a, z not started",
	} {
		w := newWorld(t, family)
		w.opts.Policy = policy
		w.fake.fail["a"] = errors.New("no")
		w.want(want)
	}
}

func TestEqualTargetsAreBuiltOnce(t *testing.T) {
	w := newWorld(t, map[string]string{"x": "FROM scratch\nENV A=1\n", "y": "FROM scratch\nENV A=1\n"})
	w.opts.Jobs = 2
	rows := w.run()
	if len(w.fake.built) != 1 {
		t.Errorf("built %q", w.fake.built)
	}
	if rows[0].Digest != rows[1].Digest || Counts(rows)[Built] != 1 || Counts(rows)[Reused] != 1 {
		t.Errorf("rows %s", show(rows))
	}
}

func TestInterruptKeepsWhatIsFinished(t *testing.T) {
	w := newWorld(t, family)
	ctx, cancel := context.WithCancel(context.Background())
	w.ctx = ctx
	w.fake.during = func(_ context.Context, name string) {
		if name == "b" {
			cancel()
		}
	}
	w.want("a built, b cancelled, c not started, z not started")
	w.ctx, w.fake.during = context.Background(), nil
	w.want("a reused, b built, c built, z built")
}

func TestFullDiskSaysWhatToDo(t *testing.T) {
	w := newWorld(t, map[string]string{"a": "FROM scratch\n"})
	for _, err := range []error{fmt.Errorf("cannot write: %w", syscall.ENOSPC), errors.New("rpc: write x: no space left on device")} {
		w.fake.fail["a"] = err
		rows := w.run()
		hints := diag.Flatten(rows[0].Err)[0].Hints
		want := fmt.Sprintf("make room on the disk that holds %s, or move the state with --state-dir; what is finished is kept", filepath.Dir(w.store.Dir()))
		if len(hints) != 1 || hints[0] != want {
			t.Errorf("%v: hints %q", err, hints)
		}
	}
}

func TestDamagedBlobIsBuiltAnew(t *testing.T) {
	w := newWorld(t, family)
	rows := w.run()
	m, err := w.store.ReadManifest(digest.Digest(rows[2].Digest)) // c: the layers of a, b and c
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(w.store.BlobPath(m.Layers[1].Digest), 1); err != nil {
		t.Fatal(err)
	}
	rows = w.want("a reused, b built same, c reused, z reused")
	if got := plan.Summary(rows[1].Reasons); !strings.Contains(got, "has 1 bytes instead of 3") {
		t.Errorf("reason %q", got)
	}
	w.want("a reused, b reused, c reused, z reused")
}

func TestNoCacheKeepsTheOldResultUntilThereIsANewOne(t *testing.T) {
	w := newWorld(t, map[string]string{"a": "FROM scratch\n"})
	w.run()
	w.noCache = map[string]bool{"a": true}
	w.fake.fail["a"] = errors.New("no")
	w.want("a failed")
	w.noCache = nil
	w.want("a reused")
	w.noCache = map[string]bool{"a": true}
	delete(w.fake.fail, "a")
	w.fake.content = func(string) string { return "new" }
	rows := w.want("a built")
	w.noCache = nil
	if again := w.want("a reused"); again[0].Digest != rows[0].Digest {
		t.Errorf("the new image is %s and %s is reused", rows[0].Digest, again[0].Digest)
	}
}

func TestReuseStartsTheNextComparison(t *testing.T) {
	w := newWorld(t, map[string]string{"a": "FROM scratch\n"})
	w.run()
	w.write("a/Dockerfile", "FROM scratch\nENV A=1\n")
	w.run()
	w.write("a/Dockerfile", "FROM scratch\n") // as it was first
	w.want("a reused")
	w.write("a/Dockerfile", "FROM scratch\nENV A=1\n")
	w.want("a reused")
	w.write("a/new", "x")
	rows := w.want("a built same")
	if got := plan.Summary(rows[0].Reasons); got != "context: new was added" {
		t.Errorf("compared with an older state: %s", got)
	}
}

func TestEditDuringTheBuildIsNotKept(t *testing.T) {
	w := newWorld(t, map[string]string{"a": "FROM scratch\n"})
	w.fake.during = func(context.Context, string) { w.write("a/late", "x") }
	rows := w.want("a failed")
	if !strings.Contains(rows[0].Err.Error(), "late was added") {
		t.Errorf("error %v", rows[0].Err)
	}
	w.fake.during = nil
	w.want("a built")
}
