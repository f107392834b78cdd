package prune

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/store"
)

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fixture is a state folder with two targets of a catalog (base, java) and one
// that is gone (old), an older result of java, and odds and ends.
type fixture struct {
	t     *testing.T
	dir   string
	store *store.Store
	state State
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, dir: t.TempDir()}
	var err error
	f.store, err = store.Open(filepath.Join(f.dir, "store"))
	try(t, err)
	f.state = State{
		Store: f.store, Pool: filepath.Join(f.dir, "debs"), Indexes: filepath.Join(f.dir, "cache", "indexes"), Logs: filepath.Join(f.dir, "logs"),
		Targets: []string{"base", "java", "acme/shop"}, IDs: []string{"id-base", "id-java2"}, Lock: lock.New(),
	}
	f.state.Lock.Debs["curl"] = lock.Deb{Name: "curl", Version: "1", SHA256: strings.Repeat("ab", 32)}
	base := f.image("base")
	java1, java2, old := f.image("base", "java1"), f.image("base", "java2"), f.image("base", "old")
	f.record("id-base", "base", base)
	f.record("id-java1", "java", java1)
	f.record("id-java2", "java", java2)
	f.record("id-old", "old", old)
	foreign := f.image("base", "foreign")
	try(t, f.store.SetRefs(map[string]ocispec.Descriptor{"base": base, "java": java2, "old": old, "mine": foreign}))
	for _, name := range []string{"base", "java", "old"} {
		try(t, f.store.SaveTarget(name, name))
	}
	_, err = f.store.PutBytes("x/y", []byte("stray"))
	try(t, err)
	// the pool keeps java1's layer under a second name, and one that nothing has
	for _, text := range []string{"java1", "nobody"} {
		f.link(f.store.BlobPath(digest.FromString(text)), filepath.Join("debs", "cache", "blobs", digest.FromString(text).Encoded()))
	}
	f.write("debs/ab/" + strings.Repeat("ab", 32) + ".meta")
	f.write("debs/ab/" + strings.Repeat("ab", 32) + ".tar.gz")
	f.write("debs/cd/" + strings.Repeat("cd", 32) + ".meta")
	f.write("debs/cd/" + strings.Repeat("cd", 32) + ".tar.gz")
	f.write("debs/tmp/deb-1")
	f.write("debs/cache/12/1234")
	f.write("cache/indexes/5678")
	f.write("cache/stat")
	for _, log := range []string{"base", "acme%shop", "old", "engine"} {
		f.write("logs/" + log + ".log")
	}
	return f
}

func (f *fixture) write(name string) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	try(f.t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(name), 0o644)))
}

// link makes a second name of a file, or a file where there is none.
func (f *fixture) link(from, to string) {
	f.t.Helper()
	if _, err := os.Stat(from); err != nil {
		f.write(to)
		return
	}
	to = filepath.Join(f.dir, to)
	try(f.t, errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Link(from, to)))
}

func (f *fixture) image(layers ...string) ocispec.Descriptor {
	f.t.Helper()
	put := func(mediaType, text string) ocispec.Descriptor {
		desc, err := f.store.PutBytes(mediaType, []byte(text))
		try(f.t, err)
		return desc
	}
	m := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, Config: put(ocispec.MediaTypeImageConfig, fmt.Sprintf(`{"os":"linux","x":%q}`, strings.Join(layers, " ")))}
	for _, l := range layers {
		m.Layers = append(m.Layers, put(ocispec.MediaTypeImageLayer, l))
	}
	data, err := json.Marshal(m)
	try(f.t, err)
	return put(ocispec.MediaTypeImageManifest, string(data))
}

func (f *fixture) record(id, target string, desc ocispec.Descriptor) {
	f.t.Helper()
	_, err := f.store.Record(id, target, store.Image{Manifest: desc}, time.Now())
	try(f.t, err)
}

func (f *fixture) items() []*Item {
	f.t.Helper()
	items, err := f.state.Items()
	try(f.t, err)
	return items
}

func (f *fixture) run(p Policy) []Freed {
	f.t.Helper()
	items := f.items()
	freed, err := Remove(context.Background(), items, Choose(items, p, 0), Hooks{Refs: f.store.DropRefs, File: os.Remove})
	try(f.t, err)
	f.whole()
	return freed
}

// whole checks that no result and no name lacks a blob.
func (f *fixture) whole() {
	f.t.Helper()
	results, err := f.store.Results()
	try(f.t, err)
	for _, r := range results {
		if _, err := f.store.Lookup(r.ID); err != nil {
			f.t.Error(err)
		}
	}
	refs, err := f.store.Refs()
	try(f.t, err)
	for name, desc := range refs {
		for _, d := range f.store.Reachable(desc.Digest) {
			if _, err := os.Stat(f.store.BlobPath(d)); err != nil {
				f.t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func (f *fixture) left() string {
	f.t.Helper()
	var out []string
	results, err := f.store.Results()
	try(f.t, err)
	for _, r := range results {
		out = append(out, r.ID)
	}
	refs, err := f.store.Refs()
	try(f.t, err)
	for name := range refs {
		out = append(out, "="+name)
	}
	for _, text := range []string{"base", "java1", "java2", "old", "foreign", "stray"} {
		if _, err := os.Stat(f.store.BlobPath(digest.FromString(text))); err == nil {
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// exist checks which files are there.
func (f *fixture) exist(want bool, names ...string) {
	f.t.Helper()
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(f.dir, name)); errors.Is(err, fs.ErrNotExist) == want {
			f.t.Errorf("%s: %v", name, err)
		}
	}
}

var (
	unlocked = []string{"debs/cd/" + strings.Repeat("cd", 32) + ".meta", "debs/cd/" + strings.Repeat("cd", 32) + ".tar.gz"}
	locked   = []string{"debs/ab/" + strings.Repeat("ab", 32) + ".meta", "debs/ab/" + strings.Repeat("ab", 32) + ".tar.gz"}
	spare    = []string{"debs/cache/12/1234", "cache/indexes/5678", "logs/base.log", "logs/engine.log", "logs/acme%shop.log"}
)

func TestDefault(t *testing.T) {
	f := newFixture(t)
	before, err := Usage(f.dir)
	try(t, err)
	items := f.items()
	rehearsed, err := Remove(context.Background(), items, Choose(items, Policy{}, 0), Hooks{})
	try(t, err)
	if now, err := Usage(f.dir); err != nil || now != before {
		t.Errorf("a rehearsal changed the size from %d to %d, %v", before, now, err)
	}
	freed := f.run(Policy{})
	if !slices.Equal(freed, rehearsed) {
		t.Errorf("freed %v, rehearsed %v", freed, rehearsed)
	}
	if want := "=base =java =mine base foreign id-base id-java2 java2"; f.left() != want {
		t.Errorf("left %q, want %q", f.left(), want)
	}
	f.exist(true, append(append(locked, spare...), "cache/stat", "debs/tmp/deb-1", "store/targets/base.json", "store/targets/java.json")...)
	f.exist(false, append(unlocked, "logs/old.log", "store/targets/old.json",
		"debs/cache/blobs/"+digest.FromString("java1").Encoded(), "debs/cache/blobs/"+digest.FromString("nobody").Encoded())...)
	// 2 results; the blob in the store that nothing has; a package, a kept layer; a log
	const block = 4096
	want := []Freed{{Images, 9 * block, 2}, {Blobs, block, 1}, {Packages, 3 * block, 2}, {Logs, block, 1}}
	if !slices.Equal(freed, want) {
		t.Errorf("freed %v, want %v", freed, want)
	}
	// index.json has become shorter, but not by a block
	after, err := Usage(f.dir)
	try(t, err)
	if before-after != 14*block {
		t.Errorf("the folder has %d bytes less, not %d", before-after, 14*block)
	}
	if again := f.run(Policy{}); len(again) != 0 {
		t.Errorf("a second run freed %v", again)
	}
}

func TestAll(t *testing.T) {
	f := newFixture(t)
	f.run(Policy{All: true})
	if want := "=base =java =mine base foreign id-base id-java2 java2"; f.left() != want {
		t.Errorf("left %q, want %q", f.left(), want)
	}
	f.exist(true, "cache/stat", "debs/tmp/deb-1", "store/targets/base.json", "store/targets/java.json")
	f.exist(false, slices.Concat(unlocked, locked, spare)...)
}

func TestAgeTakesImages(t *testing.T) {
	f := newFixture(t)
	old := time.Now().Add(-48 * time.Hour)
	try(t, os.Chtimes(filepath.Join(f.dir, "store", "ids", "id", "id-java2.json"), old, old))
	day := 24 * time.Hour
	f.run(Policy{Now: time.Now(), OlderThan: &day})
	if want := "=base =mine =old base foreign id-base id-java1 id-old java1 old stray"; f.left() != want {
		t.Errorf("left %q, want %q", f.left(), want)
	}
	// why tells what changed even then
	f.exist(true, append(unlocked, "store/targets/java.json")...)
	zero := time.Duration(0)
	f.run(Policy{Now: time.Now(), OlderThan: &zero})
	if want := "=mine base foreign"; f.left() != want {
		t.Errorf("left %q, want %q", f.left(), want)
	}
}

// A kill at any moment leaves nothing that lacks a part, and the next run finds the rest.
func TestKill(t *testing.T) {
	f := newFixture(t)
	total := 0
	for stop := 0; ; stop++ {
		f = newFixture(t)
		items := f.items()
		errKilled := errors.New("killed")
		steps := 0
		step := func() error {
			if steps++; steps > stop {
				return errKilled
			}
			return nil
		}
		_, err := Remove(context.Background(), items, Choose(items, Policy{}, 0), Hooks{
			Refs: func(names []string) error {
				if err := step(); err != nil {
					return err
				}
				return f.store.DropRefs(names)
			},
			File: func(path string) error {
				if err := step(); err != nil {
					return err
				}
				return os.Remove(path)
			},
		})
		f.whole()
		if err == nil {
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		total++
		f.run(Policy{})
		if want := "=base =java =mine base foreign id-base id-java2 java2"; f.left() != want {
			t.Fatalf("killed after %d steps, left %q, want %q", stop, f.left(), want)
		}
		f.exist(false, unlocked...)
	}
	if total < 10 {
		t.Errorf("only %d moments", total)
	}
}

func TestCancel(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	items := f.items()
	if _, err := Remove(ctx, items, Choose(items, Policy{All: true}, 0), Hooks{Refs: f.store.DropRefs, File: os.Remove}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	f.exist(true, slices.Concat(unlocked, spare)...)
}

func TestRemoveErrors(t *testing.T) {
	f := newFixture(t)
	items := f.items()
	chosen := Choose(items, Policy{}, 0)
	_, err := Remove(context.Background(), items, chosen, Hooks{File: func(string) error { return fs.ErrPermission }})
	if err == nil || !strings.HasPrefix(err.Error(), "cannot remove "+f.dir) {
		t.Errorf("got %v", err)
	}
	// somebody else removed it
	if _, err := Remove(context.Background(), items, chosen, Hooks{File: func(string) error { return fs.ErrNotExist }}); err != nil {
		t.Error(err)
	}
	boom := errors.New("boom")
	if _, err := Remove(context.Background(), items, chosen, Hooks{Refs: func([]string) error { return boom }}); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	cache := []*Item{{Kind: Engine, ID: "a", Size: 5}, {Kind: Engine, ID: "b", Size: 7}}
	var told []string
	freed, err := Remove(context.Background(), cache, cache, Hooks{Engine: func(_ context.Context, ids []string) error {
		told = ids
		return nil
	}})
	if err != nil || !slices.Equal(told, []string{"a", "b"}) || !slices.Equal(freed, []Freed{{Engine, 12, 2}}) {
		t.Errorf("%v, %v, %v", told, freed, err)
	}
	freed, err = Remove(context.Background(), cache, cache, Hooks{Engine: func(context.Context, []string) error { return boom }})
	if !errors.Is(err, boom) || len(freed) != 0 {
		t.Errorf("%v, %v", freed, err)
	}
}

// Names that have no result, and results that share an image.
func TestOddities(t *testing.T) {
	f := newFixture(t)
	try(t, os.Remove(filepath.Join(f.dir, "store", "ids", "id", "id-java2.json"))) // of a target in the catalog
	try(t, os.Remove(filepath.Join(f.dir, "store", "ids", "id", "id-old.json")))   // of one that is gone
	same := f.image("base")
	f.record("id-copy", "gone", same) // built under another id, the image is base
	refs := map[string]ocispec.Descriptor{"gone": same}
	try(t, f.store.SetRefs(refs))
	try(t, os.WriteFile(filepath.Join(f.dir, "store", "ids", "id", "id-half.json"), []byte("{"), 0o644))
	f.run(Policy{})
	if want := "=base =java =mine base foreign id-base java2"; f.left() != want {
		t.Errorf("left %q, want %q", f.left(), want)
	}
	// nothing says what base is now: the image under its name is
	f.state.IDs = nil
	f.run(Policy{})
	if want := "=base =java =mine base foreign id-base java2"; f.left() != want {
		t.Errorf("left %q, want %q", f.left(), want)
	}
	zero := time.Duration(0)
	f.run(Policy{Now: time.Now(), OlderThan: &zero})
	if want := "=mine base foreign"; f.left() != want {
		t.Errorf("left %q, want %q", f.left(), want)
	}
}

// A target that is gone was the same image as one that is there.
func TestGoneTwin(t *testing.T) {
	f := newFixture(t)
	refs, err := f.store.Refs()
	try(t, err)
	try(t, f.store.SetRefs(map[string]ocispec.Descriptor{"twin": refs["base"]}))
	try(t, f.store.SaveTarget("twin", "twin"))
	f.run(Policy{})
	if want := "=base =java =mine base foreign id-base id-java2 java2"; f.left() != want {
		t.Errorf("left %q, want %q", f.left(), want)
	}
	f.exist(false, "store/targets/twin.json")
}

// Some tools put images into a layout without a name.
func TestNamelessImagesStay(t *testing.T) {
	f := newFixture(t)
	index := filepath.Join(f.dir, "store", "index.json")
	data, err := os.ReadFile(index)
	try(t, err)
	nameless := strings.Replace(string(data), `"org.opencontainers.image.ref.name":"mine"`, `"x":"y"`, 1)
	if nameless == string(data) {
		t.Fatalf("no image is called mine in %s", data)
	}
	try(t, os.WriteFile(index, []byte(nameless), 0o644))
	items := f.items()
	_, err = Remove(context.Background(), items, Choose(items, Policy{}, 0), Hooks{File: os.Remove})
	try(t, err)
	if _, err := os.Stat(f.store.BlobPath(digest.FromString("foreign"))); err != nil {
		t.Error(err)
	}
}

func TestEmptyState(t *testing.T) {
	dir := t.TempDir()
	s := State{Store: store.View(filepath.Join(dir, "store")), Pool: filepath.Join(dir, "debs"), Indexes: filepath.Join(dir, "i"), Logs: filepath.Join(dir, "l"), Lock: lock.New()}
	if items, err := s.Items(); err != nil || len(items) != 0 {
		t.Errorf("%v, %v", items, err)
	}
	if size, err := Usage(filepath.Join(dir, "nowhere")); err != nil || size != 0 {
		t.Errorf("%d, %v", size, err)
	}
}
