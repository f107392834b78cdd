package build

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/engine"
	"github.com/plinth-build/plinth/internal/engine/enginetest"
	"github.com/plinth-build/plinth/internal/store"
)

const epoch = 1700000000

// fixture is an engine and a store, with a base image called "base" in it: the
// test shell at /bin/sh, and /base.
type fixture struct {
	*Builder
	t     testing.TB
	state string
	store *store.Store
	base  digest.Digest
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := openFixture(t, t.TempDir())
	f.base = f.build(f.baseRequest()).Manifest.Digest
	return f
}

func openFixture(t testing.TB, state string) *fixture {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Root: filepath.Join(state, "engine")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := store.Open(filepath.Join(state, "store"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(e, s)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{Builder: b, t: t, state: state, store: s}
}

func (f *fixture) baseRequest() Request {
	dir := f.folder(map[string]string{"base": "base\n"})
	write(f.t, filepath.Join(dir, "sh"), string(enginetest.Shell(f.t)), 0o755)
	return Request{
		Target: "base", DockerfilePath: "base/Dockerfile", ContextDir: dir, Epoch: epoch,
		Dockerfile: []byte("FROM scratch\nCOPY sh /bin/sh\nCOPY base /base\nENV BASE=yes\n"),
	}
}

// folder makes a build context.
func (f *fixture) folder(files map[string]string) string {
	f.t.Helper()
	dir := f.t.TempDir()
	for name, data := range files {
		write(f.t, filepath.Join(dir, name), data, 0o644)
	}
	return dir
}

func write(t testing.TB, path, data string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// request is a child of base.
func (f *fixture) request(dockerfile string, files map[string]string) Request {
	r := Request{
		Target: "child", DockerfilePath: "0100-child/Dockerfile", Dockerfile: []byte(dockerfile), Epoch: epoch,
		Named: []NamedImage{{Text: "base", Manifest: f.base}},
	}
	if files != nil {
		r.ContextDir = f.folder(files)
	}
	return r
}

func (f *fixture) build(r Request) Result {
	f.t.Helper()
	var log bytes.Buffer
	r.Log = &log
	res, err := f.Build(f.t.Context(), r)
	if err != nil {
		f.t.Fatalf("%v\n%s", err, log.String())
	}
	return res
}

// fail builds what must fail.
func (f *fixture) fail(r Request) *BuildError {
	f.t.Helper()
	var log bytes.Buffer
	if r.Log == nil {
		r.Log = &log
	}
	_, err := f.Build(f.t.Context(), r)
	var e *BuildError
	if !errors.As(err, &e) {
		f.t.Fatalf("got %v, want a BuildError\n%s", err, log.String())
	}
	return e
}

func (f *fixture) manifest(d digest.Digest) ocispec.Manifest {
	f.t.Helper()
	m, err := f.store.ReadManifest(d)
	if err != nil {
		f.t.Fatal(err)
	}
	return m
}

func (f *fixture) config(d digest.Digest) ocispec.Image {
	f.t.Helper()
	data, err := f.store.ReadConfig(d)
	if err != nil {
		f.t.Fatal(err)
	}
	var c ocispec.Image
	if err := json.Unmarshal(data, &c); err != nil {
		f.t.Fatal(err)
	}
	return c
}

// entry is a file in a layer.
type entry struct {
	data string
	mode int64
	time int64
}

// files gives the image's files as the layers leave them; whiteouts are applied for single files.
func (f *fixture) files(d digest.Digest) map[string]entry {
	f.t.Helper()
	out := map[string]entry{}
	for _, l := range f.manifest(d).Layers {
		blob, err := f.store.ReadBlob(l.Digest)
		if err != nil {
			f.t.Fatal(err)
		}
		zr, err := gzip.NewReader(bytes.NewReader(blob))
		if err != nil {
			f.t.Fatal(err)
		}
		for tr := tar.NewReader(zr); ; {
			h, err := tr.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				f.t.Fatal(err)
			}
			name := "/" + strings.TrimSuffix(h.Name, "/")
			if dir, gone, ok := strings.Cut(name, "/.wh."); ok {
				delete(out, dir+"/"+gone)
				continue
			}
			data, err := io.ReadAll(tr)
			if err != nil {
				f.t.Fatal(err)
			}
			out[name] = entry{string(data), h.Mode, h.ModTime.Unix()}
		}
	}
	return out
}

const childDockerfile = `FROM base AS build
RUN echo object > /object && mkdir /out && cp /object /out/program && touch 1 /old
FROM base
WORKDIR /app/deep
COPY --from=build /out /opt/out
COPY config.txt /etc/config.txt
RUN cat /etc/config.txt /base && echo made > /app/deep/made && make /app/deep/made /etc/config.txt
ENV X=y
`

func (f *fixture) child() Request {
	r := f.request(childDockerfile, map[string]string{"config.txt": "a=b\n"})
	r.ContextDigest = "sha256:config"
	return r
}

func TestChildHasOneDigestByEveryRoute(t *testing.T) {
	f := newFixture(t)
	fresh := f.build(f.child()).Manifest.Digest
	if again := f.build(f.child()).Manifest.Digest; again != fresh {
		t.Errorf("cached build gives %s, want %s", again, fresh)
	}
	r := f.child()
	r.NoCache = true
	if again := f.build(r).Manifest.Digest; again != fresh {
		t.Errorf("build without cache gives %s, want %s", again, fresh)
	}

	t.Run("engine state wiped, parent from the store", func(t *testing.T) {
		state := t.TempDir()
		if err := os.CopyFS(filepath.Join(state, "store"), os.DirFS(filepath.Join(f.state, "store"))); err != nil {
			t.Fatal(err)
		}
		g := openFixture(t, state)
		g.base = f.base
		got := g.build(g.child())
		if got.Manifest.Digest != fresh {
			t.Errorf("got %s, want %s", got.Manifest.Digest, fresh)
			diffConfigs(t, f, fresh, got.Manifest.Digest)
		}
	})
	t.Run("everything built anew elsewhere", func(t *testing.T) {
		time.Sleep(1100 * time.Millisecond) // a time that leaks into the result shows
		g := newFixture(t)
		if g.base != f.base {
			t.Fatalf("base is %s, want %s", g.base, f.base)
		}
		got := g.build(g.child())
		if got.Manifest.Digest != fresh {
			t.Errorf("got %s, want %s", got.Manifest.Digest, fresh)
		}
	})
	t.Run("parent under another name and among other stages", func(t *testing.T) {
		state := t.TempDir()
		if err := os.CopyFS(filepath.Join(state, "store"), os.DirFS(filepath.Join(f.state, "store"))); err != nil {
			t.Fatal(err)
		}
		g := openFixture(t, state)
		other := g.request("FROM registry.example/team/other:1\nRUN echo x > /x\n", nil)
		other.Named = []NamedImage{{Text: "registry.example/team/other:1", Manifest: f.base}}
		g.build(other)
		g.base = f.base
		if got := g.build(g.child()).Manifest.Digest; got != fresh {
			t.Errorf("got %s, want %s", got, fresh)
		}
	})
}

func diffConfigs(t *testing.T, f *fixture, a, b digest.Digest) {
	x, err1 := f.store.ReadConfig(a)
	y, err2 := f.store.ReadConfig(b)
	t.Logf("%s %v\n%s %v", x, err1, y, err2)
}

func TestParentLayersAndTimesInTheChild(t *testing.T) {
	f := newFixture(t)
	res := f.build(f.child())
	m, parent := f.manifest(res.Manifest.Digest), f.manifest(f.base)
	if len(parent.Layers) != 2 || len(m.Layers) != 6 {
		t.Fatalf("%d layers over %d, want 6 over 2", len(m.Layers), len(parent.Layers))
	}
	var size int64
	for i, l := range m.Layers {
		size += l.Size
		if i < 2 && l.Digest != parent.Layers[i].Digest {
			t.Errorf("parent's layer %d is %s in the child, want %s", i, l.Digest, parent.Layers[i].Digest)
		}
		if l.MediaType != ocispec.MediaTypeImageLayerGzip || len(l.Annotations) > 0 || !f.store.Has(l) {
			t.Errorf("layer %+v, in the store: %v", l, f.store.Has(l))
		}
	}
	if res.Size != size {
		t.Errorf("size %d, want %d", res.Size, size)
	}
	if res.Manifest.MediaType != ocispec.MediaTypeImageManifest || !f.store.Has(res.Manifest) {
		t.Errorf("manifest %+v", res.Manifest)
	}
	c := f.config(res.Manifest.Digest)
	want := time.Unix(epoch, 0)
	if c.Created == nil || !c.Created.Equal(want) {
		t.Errorf("created %v, want %v", c.Created, want)
	}
	for _, h := range c.History {
		if h.Created == nil || !h.Created.Equal(want) {
			t.Errorf("history %q is of %v", h.CreatedBy, h.Created)
		}
	}
	if !slices.Contains(c.Config.Env, "BASE=yes") || !slices.Contains(c.Config.Env, "X=y") {
		t.Errorf("env %q", c.Config.Env)
	}
	files := f.files(res.Manifest.Digest)
	for name, e := range files {
		if e.time > epoch {
			t.Errorf("%s is of %d", name, e.time)
		}
	}
	if got := files["/etc/config.txt"]; got != (entry{"a=b\n", 0o644, ContextTime}) {
		t.Errorf("config.txt is %+v", got)
	}
	if got := files["/opt/out/program"].data; got != "object\n" {
		t.Errorf("program is %q", got)
	}
	if _, ok := files["/object"]; ok {
		t.Error("the other stage's files are in the image")
	}
	index, err := os.ReadFile(filepath.Join(f.state, "store", "index.json"))
	if err != nil || !strings.Contains(string(index), `"manifests":[]`) && !strings.Contains(string(index), `"manifests": []`) {
		t.Errorf("index.json was touched: %s, %v", index, err)
	}
}

func TestLaterEpochLeavesTheParentAlone(t *testing.T) {
	f := newFixture(t)
	r := f.child()
	r.Epoch = epoch - 1000
	res := f.build(r)
	m, parent := f.manifest(res.Manifest.Digest), f.manifest(f.base)
	for i, l := range parent.Layers {
		if m.Layers[i].Digest != l.Digest {
			t.Errorf("layer %d of the parent was rewritten", i)
		}
	}
	c := f.config(res.Manifest.Digest)
	if got := c.History[0].Created.Unix(); got != epoch {
		t.Errorf("the parent's history is of %d, want %d", got, epoch)
	}
	if got := c.Created.Unix(); got != epoch-1000 {
		t.Errorf("created %d, want %d", got, epoch-1000)
	}
	if got := f.files(res.Manifest.Digest)["/app/deep/made"].time; got != epoch-1000 {
		t.Errorf("made is of %d", got)
	}
}

func TestDeepChain(t *testing.T) {
	f := newFixture(t)
	parent := f.base
	for i := range 10 {
		r := f.request(fmt.Sprintf("FROM base\nRUN echo %d > /level%d\n", i, i), nil)
		r.Named = []NamedImage{{Text: "base", Manifest: parent}}
		parent = f.build(r).Manifest.Digest
	}
	m := f.manifest(parent)
	if len(m.Layers) != 12 {
		t.Fatalf("%d layers, want 12", len(m.Layers))
	}
	files := f.files(parent)
	for i := range 10 {
		if got := files[fmt.Sprintf("/level%d", i)].data; got != fmt.Sprintln(i) {
			t.Errorf("level %d holds %q", i, got)
		}
	}
}

func TestContextChangesAreSeen(t *testing.T) {
	f := newFixture(t)
	r := f.request("FROM base\nCOPY a.txt b.txt /\n", map[string]string{"a.txt": "one", "b.txt": "b"})
	name := filepath.Join(r.ContextDir, "a.txt")
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, withDigest := range []bool{true, false} {
		write(t, name, "one", 0o644)
		r.ContextDigest = ""
		sum := func(s string) {
			if withDigest {
				r.ContextDigest = s
			}
		}
		sum("1")
		first := f.build(r).Manifest.Digest
		// same size, and the time put back
		write(t, name, "two", 0o644)
		if err := os.Chtimes(name, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		sum("2")
		second := f.build(r).Manifest.Digest
		if got := f.files(second)["/a.txt"].data; got != "two" {
			t.Errorf("with digest %v: the change was not seen: %q", withDigest, got)
		}
		if err := os.Chmod(name, 0o755); err != nil {
			t.Fatal(err)
		}
		sum("3")
		third := f.build(r).Manifest.Digest
		if got := f.files(third)["/a.txt"]; got.mode != 0o755 || got.data != "two" {
			t.Errorf("with digest %v: the new mode was not seen: %+v", withDigest, got)
		}
		// and back: times of the context play no part
		write(t, name, "one", 0o644)
		sum("1")
		if got := f.build(r).Manifest.Digest; got != first {
			t.Errorf("with digest %v: got %s, want %s", withDigest, got, first)
		}
	}
}

func TestContextTimesDoNotReachTheImage(t *testing.T) {
	f := newFixture(t)
	r := f.request("FROM base\nCOPY . /src/\nRUN mtime /src/a\n", map[string]string{"a": "a"})
	if err := os.Chtimes(filepath.Join(r.ContextDir, "a"), time.Unix(1000, 0), time.Unix(1000, 0)); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	r.Log = &log
	res, err := f.Build(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.files(res.Manifest.Digest)["/src/a"].time; got != ContextTime {
		t.Errorf("/src/a is of %d", got)
	}
	if want := fmt.Sprintf("mtime %d\n", ContextTime); !strings.Contains(log.String(), want) {
		t.Errorf("RUN did not see the context's time:\n%s", log.String())
	}
}

func TestDockerignore(t *testing.T) {
	f := newFixture(t)
	files := map[string]string{"keep": "k", "secret.key": "s", "sub/x.key": "x", ".dockerignore": "*.key\n**/*.key\nDockerfile*\n"}
	r := f.request("FROM base\nCOPY . /src/\n", files)
	got := f.files(f.build(r).Manifest.Digest)
	if _, ok := got["/src/secret.key"]; ok || got["/src/keep"].data != "k" {
		t.Errorf("got %v", slices.Sorted(maps.Keys(got)))
	}
	if _, ok := got["/src/sub/x.key"]; ok {
		t.Errorf("got %v", slices.Sorted(maps.Keys(got)))
	}
	// the Dockerfile's own file wins
	files["Dockerfile.dockerignore"] = "keep\n"
	r = f.request("FROM base\nCOPY . /src/\n", files)
	got = f.files(f.build(r).Manifest.Digest)
	if _, ok := got["/src/keep"]; ok || got["/src/secret.key"].data != "s" {
		t.Errorf("got %v", slices.Sorted(maps.Keys(got)))
	}
	// what is left out is reported as such
	r = f.request("FROM base\nCOPY secret.key /\n", map[string]string{"secret.key": "s", ".dockerignore": "*.key\n"})
	e := f.fail(r)
	if want := "0100-child/Dockerfile:2: cannot build child: there is no secret.key to copy"; e.Error() != want {
		t.Errorf("got  %s\nwant %s", e, want)
	}
	if want := []string{"secret.key is in the build context, but .dockerignore leaves it out"}; !slices.Equal(e.Err.Hints, want) {
		t.Errorf("hints %q", e.Err.Hints)
	}
}

func TestConcurrentBuilds(t *testing.T) {
	f := newFixture(t)
	var wg sync.WaitGroup
	digests := make([]digest.Digest, 6)
	for i := range digests {
		r := f.request(fmt.Sprintf("FROM base\nCOPY a /a\nRUN echo %d > /number\n", i/2), map[string]string{"a": "a"})
		wg.Go(func() {
			res, err := f.Build(t.Context(), r)
			if err != nil {
				t.Error(err)
			}
			digests[i] = res.Manifest.Digest
		})
	}
	wg.Wait()
	for i := 0; i < len(digests); i += 2 {
		if digests[i] != digests[i+1] || digests[i] == digests[(i+2)%len(digests)] {
			t.Errorf("digests %v", digests)
		}
		if digests[i] != "" && f.files(digests[i])["/number"].data != fmt.Sprintln(i/2) {
			t.Errorf("build %d has the files of another", i)
		}
	}
}
