package update

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/debian/apt"
	"github.com/plinth-build/plinth/internal/debian/debtest"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/ociref"
)

// world is a catalog with a fake archive and a fake registry.
type world struct {
	t       *testing.T
	root    string
	archive *debtest.Archive
	server  *debtest.Server
	pinned  map[string]string // normalised reference → index digest
	mu      sync.Mutex        // of asked: look-ups come at once
	asked   []string
	old     *lock.File
}

func newWorld(t *testing.T, files map[string]string) *world {
	w := &world{t: t, root: t.TempDir(), archive: debtest.New(t, "bookworm"), pinned: map[string]string{}, old: lock.New()}
	for name, deps := range map[string]string{"base": "", "app": "base", "extra": "", "tool": "app"} {
		w.archive.AddPackage(debtest.Deb{Name: name, Version: "1.0", Depends: deps, Arch: "all"})
	}
	w.server = debtest.NewServer(t, w.archive)
	w.write("plinth.yaml", fmt.Sprintf("registry: registry.acme.example/base\ndebian:\n  releases:\n    \"12\":\n      sources:\n        - {uri: %q, suite: bookworm}\n", w.server.URL))
	for name, text := range files {
		w.write(name, text)
	}
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) graph() (*catalog.Catalog, *graph.Graph) {
	w.t.Helper()
	c, err := catalog.Load(w.root)
	if err != nil {
		w.t.Fatal(err)
	}
	g, err := graph.Build(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return c, g
}

func (w *world) resolve(_ context.Context, ref ociref.Ref, platforms []ociref.Platform) (lock.Upstream, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, fmt.Sprintf("%s for %d", ref.Normalised(), len(platforms)))
	d, ok := w.pinned[ref.Normalised()]
	if !ok {
		return lock.Upstream{}, fmt.Errorf("cannot resolve %s", ref.Familiar())
	}
	return lock.Upstream{Index: d, Digests: map[string]string{platforms[0].String(): d}}, nil
}

// run updates and, when that works, makes the new lock the old one.
func (w *world) run(names ...string) (Result, error) {
	w.t.Helper()
	c, g := w.graph()
	keyring := w.archive.KeyringPath(w.t)
	client, err := apt.New(apt.Options{CacheDir: w.t.TempDir(), Keyring: keyring})
	if err != nil {
		w.t.Fatal(err)
	}
	var req Request
	for _, n := range names {
		if t, ok := g.Lookup(n); ok {
			req.Targets = append(req.Targets, t)
			continue
		}
		ref, err := ociref.Parse(n)
		if err != nil {
			w.t.Fatal(err)
		}
		req.Upstreams = append(req.Upstreams, ref)
	}
	w.asked = nil
	before, err := w.old.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := Run(context.Background(), g, c.Config, w.old, Sources{Registry: w.resolve, Archive: client.Fetch}, req)
	if after, err := w.old.Encode(); err != nil || string(after) != string(before) {
		w.t.Error("the old lock was changed")
	}
	if err == nil {
		w.old = r.Lock
	}
	return r, err
}

func (w *world) changes(names ...string) []string {
	w.t.Helper()
	r, err := w.run(names...)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, c := range r.Changes {
		out = append(out, c.String())
	}
	return out
}

func want(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

var fleet = map[string]string{
	"bottom/image.yaml": "packages: [app]\n",
	"top/image.yaml":    "packages: [tool]\nfrom: bottom\n",
	"up/Dockerfile":     "FROM debian:12\nCOPY --from=quay.example/tool:1 /t /t\n",
	"up2/Dockerfile":    "FROM debian:12\n",
	"fixed/Dockerfile":  "FROM debian:12@sha256:" + strings.Repeat("a", 64) + "\n",
}

func pinnedFleet(t *testing.T) *world {
	w := newWorld(t, fleet)
	w.pinned = map[string]string{"docker.io/library/debian:12": "sha256:" + strings.Repeat("1", 64), "quay.example/tool:1": "sha256:" + strings.Repeat("2", 64)}
	return w
}

func TestEverythingIsPinnedOnce(t *testing.T) {
	w := pinnedFleet(t)
	want(t, "first", w.changes(),
		"docker.io/library/debian:12 + sha256:111111111111", "quay.example/tool:1 + sha256:222222222222",
		"bottom: app + 1.0", "bottom: base + 1.0", "top: tool + 1.0")
	if len(w.asked) != 2 {
		t.Errorf("asked %q", w.asked)
	}
	top, bottom := w.old.Sets["top"], w.old.Sets["bottom"]
	if top.Parent != "bottom" || top.Release != "12" || bottom.Parent != "" || top.Epoch != 1748779200 || !reflect.DeepEqual(top.Request, []string{"tool"}) {
		t.Errorf("top %+v, bottom %+v", top, bottom)
	}
	if n := len(w.old.Sources["12"]); n != 1 {
		t.Errorf("%d sources", n)
	}
	if n := w.server.Count("/Packages") + w.server.Count("/by-hash/"); n != 1 {
		t.Errorf("the index was fetched %d times", n)
	}
	want(t, "again", w.changes())
}

func TestWhatMovedIsTold(t *testing.T) {
	w := pinnedFleet(t)
	w.changes()
	w.pinned["docker.io/library/debian:12"] = "sha256:" + strings.Repeat("3", 64)
	w.archive.RemovePackages("base")
	w.archive.AddPackage(debtest.Deb{Name: "base", Version: "1.1", Depends: "extra", Arch: "all"})
	want(t, "moved", w.changes(), "docker.io/library/debian:12 sha256:111111111111 → sha256:333333333333",
		"bottom: base 1.0 → 1.1", "bottom: extra + 1.0")
	w.archive.RemovePackages("base")
	w.archive.AddPackage(debtest.Deb{Name: "base", Version: "1.2", Arch: "all"})
	want(t, "dropped", w.changes(), "bottom: base 1.1 → 1.2", "bottom: extra - 1.0")
}

func TestOnePartAlone(t *testing.T) {
	w := pinnedFleet(t)
	w.changes()
	w.pinned["docker.io/library/debian:12"] = "sha256:" + strings.Repeat("3", 64)
	w.pinned["quay.example/tool:1"] = "sha256:" + strings.Repeat("4", 64)
	w.archive.RemovePackages("tool")
	w.archive.AddPackage(debtest.Deb{Name: "tool", Version: "2.0", Depends: "app", Arch: "all"})
	want(t, "one upstream", w.changes("debian:12"), "docker.io/library/debian:12 sha256:111111111111 → sha256:333333333333")
	want(t, "one target", w.changes("top"), "top: tool 1.0 → 2.0")
	want(t, "the rest", w.changes(), "quay.example/tool:1 sha256:222222222222 → sha256:444444444444")
}

func TestAChildMovesWithItsParent(t *testing.T) {
	w := pinnedFleet(t)
	w.changes()
	w.write("bottom/image.yaml", "packages: [app, tool]\n")
	want(t, "parent takes over", w.changes("bottom"), "bottom: tool + 1.0", "top: tool - 1.0")
}

func TestWhatIsGoneIsDropped(t *testing.T) {
	w := pinnedFleet(t)
	w.changes()
	for _, dir := range []string{"up", "up2", "top"} {
		if err := os.RemoveAll(filepath.Join(w.root, dir)); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "gone", w.changes(), "docker.io/library/debian:12 - sha256:111111111111", "quay.example/tool:1 - sha256:222222222222", "top: tool - 1.0")
	if len(w.old.Upstreams) != 0 || len(w.old.Sets) != 1 {
		t.Errorf("left: %v, %v", w.old.Upstreams, w.old.Sets)
	}
}

func TestARequestMayChangeWithoutItsResult(t *testing.T) {
	w := pinnedFleet(t)
	w.changes()
	w.write("bottom/image.yaml", "packages: [app, base]\nexclude: [extra]\n")
	r, err := w.run()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Changes) != 2 || r.Changes[0].String() != "bottom: request app → app base" || r.Changes[1].String() != "bottom: exclude + extra" {
		t.Errorf("changes %v", r.Changes)
	}
	want(t, "notes", r.Notes, "bottom/image.yaml: exclude: extra makes no difference")
}

func TestAnExclusionCountsForAllTargetsOfAnImage(t *testing.T) {
	w := newWorld(t, map[string]string{
		"m/image.yaml": "matrix: {pkg: [tool, extra]}\nname: \"{{.pkg}}\"\npackages: [\"{{.pkg}}\"]\nexclude: [app, base]\n",
	})
	r, err := w.run()
	if err != nil {
		t.Fatal(err)
	}
	want(t, "app matters to tool alone, base to none", r.Notes, "m/image.yaml: exclude: base makes no difference")
	if got := w.old.Sets["tool"].Debs; !reflect.DeepEqual(got, []string{"tool_1.0_all"}) {
		t.Errorf("tool has %q", got)
	}
}

func TestAllProblemsAtOnceWithPositions(t *testing.T) {
	w := newWorld(t, fleet)
	w.pinned["quay.example/tool:1"] = "sha256:2"
	w.write("bottom/image.yaml", "packages:\n  - app\n  - toool\n")
	w.write("other/image.yaml", "packages: [extra]\nfrom: up2\n")
	_, err := w.run()
	var got []string
	for _, e := range diag.Flatten(err) {
		got = append(got, e.Error()+" | "+strings.Join(e.Hints, " | "))
	}
	if len(got) != 4 {
		t.Fatalf("got %q", got)
	}
	for i, want := range []string{
		"bottom/image.yaml:3:5: ", "other/image.yaml:2:7: cannot lock the packages of other: up2 is made from a Dockerfile",
		"top/image.yaml:2:7: cannot lock the packages of top: the packages of bottom are not locked",
		"up/Dockerfile:1: cannot resolve debian:12 | ",
	} {
		if !strings.HasPrefix(got[i], want) {
			t.Errorf("problem %d is %q, want %q…", i, got[i], want)
		}
	}
	if !strings.Contains(got[0], "toool") || !strings.Contains(got[0], "tool") {
		t.Errorf("no suggestion in %q", got[0])
	}
}

func TestUnknownUpstream(t *testing.T) {
	w := pinnedFleet(t)
	_, err := w.run("debian:13")
	if e := diag.Flatten(err); len(e) != 1 || e[0].Msg != "cannot update debian:13: no target has that name, and no Dockerfile takes an image from it" || e[0].Hints[0] != "did you mean debian:12?" {
		t.Errorf("got %v", err)
	}
	_, err = w.run("debian@sha256:" + strings.Repeat("a", 64))
	if err == nil {
		t.Error("a pinned reference was updated")
	}
}
