package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "store"))
	try(t, err)
	return s
}

func put(t *testing.T, s *Store, mediaType, text string) ocispec.Descriptor {
	t.Helper()
	desc, err := s.PutBytes(mediaType, []byte(text))
	try(t, err)
	return desc
}

// tree lists all files under dir, sorted.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	try(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, name)
		}
		return err
	}))
	return out
}

func wantFiles(t *testing.T, s *Store, want ...string) {
	t.Helper()
	want = append(want, "index.json", "oci-layout")
	slices.Sort(want)
	if got := tree(t, s.Dir()); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

func wantText(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s: %q, %v; want %q", filepath.Base(path), got, err, want)
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

const emptyIndex = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}` + "\n"

func TestOpenMakesAnEmptyLayout(t *testing.T) {
	s := open(t)
	wantFiles(t, s)
	wantText(t, filepath.Join(s.Dir(), "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`+"\n")
	wantText(t, filepath.Join(s.Dir(), "index.json"), emptyIndex)
	for _, d := range []string{"blobs/sha256", "tmp", "ids", "targets"} {
		if info, err := os.Stat(filepath.Join(s.Dir(), d)); err != nil || !info.IsDir() {
			t.Errorf("%s: %v", d, err)
		}
	}
}

func TestOpenKeepsWhatIsThere(t *testing.T) {
	s := open(t)
	desc := put(t, s, "x/y", "blob")
	try(t, s.SetRefs(map[string]ocispec.Descriptor{"name": desc}))
	again, err := Open(s.Dir())
	try(t, err)
	refs, err := again.Refs()
	if want := map[string]ocispec.Descriptor{"name": desc}; err != nil || !reflect.DeepEqual(refs, want) {
		t.Errorf("got %v, %v", refs, err)
	}
	wantFiles(t, again, "blobs/sha256/"+desc.Digest.Encoded())
}

func TestOpenErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	try(t, os.WriteFile(file, nil, 0o644))
	_, err := Open(file)
	wantError(t, err, "cannot make the image store: mkdir "+file+": not a directory")
}

func TestViewMakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nowhere")
	s := View(dir)
	if s.Dir() != dir {
		t.Error(s.Dir())
	}
	if r, err := s.Lookup("abc"); err != nil || !reflect.DeepEqual(r, Result{}) {
		t.Errorf("%+v, %v", r, err)
	}
	if refs, err := s.Refs(); err != nil || refs == nil || len(refs) != 0 {
		t.Errorf("%v, %v", refs, err)
	}
	var v any
	if s.LoadTarget("a", &v) {
		t.Error("a target is there")
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
}

func TestPutAndRead(t *testing.T) {
	s := open(t)
	got := put(t, s, "text/plain", "hello\n")
	want := ocispec.Descriptor{MediaType: "text/plain", Digest: "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", Size: 6}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	path := filepath.Join(s.Dir(), "blobs", "sha256", "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03")
	if s.BlobPath(got.Digest) != path {
		t.Errorf("path %s", s.BlobPath(got.Digest))
	}
	wantText(t, path, "hello\n")
	wantFiles(t, s, "blobs/sha256/"+got.Digest.Encoded())
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	data, err := s.ReadBlob(got.Digest)
	if err != nil || string(data) != "hello\n" {
		t.Errorf("%q, %v", data, err)
	}

	if !s.Has(want) {
		t.Error("it is not there")
	}
	for name, desc := range map[string]ocispec.Descriptor{
		"another size":   {Digest: want.Digest, Size: 5},
		"another digest": {Digest: digest.FromString("x"), Size: 6},
		"the folder":     {Digest: "sha256:", Size: 4096},
	} {
		if s.Has(desc) {
			t.Errorf("%s: it is there", name)
		}
	}
}

func TestPutMendsADamagedBlob(t *testing.T) {
	s := open(t)
	desc := put(t, s, "x/y", "right")
	for _, damage := range []string{"wrong", "short", ""} {
		try(t, os.WriteFile(s.BlobPath(desc.Digest), []byte(damage), 0o644))
		if again := put(t, s, "x/y", "right"); !reflect.DeepEqual(again, desc) {
			t.Errorf("got %+v", again)
		}
		wantText(t, s.BlobPath(desc.Digest), "right")
	}
	// an intact one stays the very file
	before, err := os.Stat(s.BlobPath(desc.Digest))
	try(t, err)
	put(t, s, "x/y", "right")
	if after, err := os.Stat(s.BlobPath(desc.Digest)); err != nil || !os.SameFile(before, after) {
		t.Errorf("an intact blob was written again, %v", err)
	}
}

func TestReadErrors(t *testing.T) {
	s := open(t)
	bad := put(t, s, "x/y", "right")
	try(t, os.WriteFile(s.BlobPath(bad.Digest), []byte("wrong"), 0o644))
	gone := digest.FromString("gone")
	_, err := s.ReadBlob(bad.Digest)
	wantError(t, err, "cannot read blob "+bad.Digest.String()+": its content has another digest")
	_, err = s.ReadBlob(gone)
	wantError(t, err, "cannot read blob "+gone.String()+": open "+s.BlobPath(gone)+": no such file or directory")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
	_, err = s.ReadBlob("../../etc/passwd")
	wantError(t, err, `cannot read blob "../../etc/passwd": invalid checksum digest format`)
	_, err = s.ReadManifest(gone)
	wantError(t, err, "cannot read blob "+gone.String()+": open "+s.BlobPath(gone)+": no such file or directory")
	_, err = s.ReadConfig(gone)
	wantError(t, err, "cannot read blob "+gone.String()+": open "+s.BlobPath(gone)+": no such file or directory")
	text := put(t, s, "x/y", "no JSON")
	if _, err := s.ReadManifest(text.Digest); err == nil {
		t.Error("a text is a manifest")
	}
}

// image puts an image of the layers' texts and returns its manifest.
func image(t *testing.T, s *Store, config string, layers ...string) ocispec.Descriptor {
	t.Helper()
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: put(t, s, ocispec.MediaTypeImageConfig, config),
	}
	for _, layer := range layers {
		m.Layers = append(m.Layers, put(t, s, ocispec.MediaTypeImageLayer, layer))
	}
	data, err := json.Marshal(m)
	try(t, err)
	return put(t, s, ocispec.MediaTypeImageManifest, string(data))
}

func TestReadManifestAndConfig(t *testing.T) {
	s := open(t)
	config := `{"os":"linux","config":{"Healthcheck":{"StartInterval":7}}}`
	desc := image(t, s, config, "layer")
	m, err := s.ReadManifest(desc.Digest)
	try(t, err)
	if len(m.Layers) != 1 || m.Layers[0].Digest != digest.FromString("layer") || m.Config.Digest != digest.FromString(config) {
		t.Errorf("got %+v", m)
	}
	if raw, err := s.ReadConfig(desc.Digest); err != nil || string(raw) != config {
		t.Errorf("config %s, %v: its bytes must stay", raw, err)
	}
}

func TestBlobWriter(t *testing.T) {
	s := open(t)
	w, err := s.NewBlob()
	try(t, err)
	for _, part := range []string{"one ", "", "two"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	wantNone := tree(t, filepath.Join(s.Dir(), "blobs"))
	if len(wantNone) != 0 {
		t.Errorf("before Commit there is %v", wantNone)
	}
	got, err := w.Commit("x/y")
	if want := (ocispec.Descriptor{MediaType: "x/y", Digest: digest.FromString("one two"), Size: 7}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	w.Abort() // does nothing
	wantText(t, s.BlobPath(got.Digest), "one two")
	wantFiles(t, s, "blobs/sha256/"+got.Digest.Encoded())

	w, err = s.NewBlob()
	try(t, err)
	if _, err := w.Write([]byte("dropped")); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	w.Abort()
	wantFiles(t, s, "blobs/sha256/"+got.Digest.Encoded())
}

// Results know a blob by its time; the same bytes once more must not make them hash it.
func TestCommitOfABlobThatIsThereKeepsItsTime(t *testing.T) {
	s := open(t)
	desc := put(t, s, "x/y", "text")
	old := time.Unix(1600000000, 5)
	again := func(damage string) time.Time {
		t.Helper()
		try(t, os.WriteFile(s.BlobPath(desc.Digest), []byte(damage), 0o644))
		try(t, os.Chtimes(s.BlobPath(desc.Digest), old, old))
		w, err := s.NewBlob()
		try(t, err)
		_, err = w.Write([]byte("text"))
		try(t, err)
		_, err = w.Commit("x/y")
		try(t, err)
		wantText(t, s.BlobPath(desc.Digest), "text")
		info, err := os.Stat(s.BlobPath(desc.Digest))
		try(t, err)
		return info.ModTime()
	}
	if got := again("text"); !got.Equal(old) {
		t.Errorf("time %v", got)
	}
	if got := again("longer text"); got.Equal(old) {
		t.Errorf("a damaged blob's time was kept")
	}
}

func TestBlobWriterErrors(t *testing.T) {
	s := open(t)
	w, err := s.NewBlob()
	try(t, err)
	try(t, os.RemoveAll(filepath.Join(s.Dir(), "blobs")))
	_, err = w.Commit("x/y")
	if err == nil || !strings.HasPrefix(err.Error(), "cannot write to the image store: rename ") {
		t.Errorf("got %v", err)
	}
	wantFiles(t, s)

	w, err = s.NewBlob()
	try(t, err)
	try(t, w.file.Close())
	if n, err := w.Write([]byte("x")); n != 0 || err == nil || !strings.HasPrefix(err.Error(), "cannot write to the image store: write ") {
		t.Errorf("got %d, %v", n, err)
	}
	try(t, os.RemoveAll(s.tmp()))
	_, err = s.NewBlob()
	if err == nil || !strings.HasPrefix(err.Error(), "cannot write to the image store: open ") {
		t.Errorf("got %v", err)
	}
	if _, err := s.PutBytes("x/y", []byte("new")); err == nil {
		t.Error("PutBytes without a folder to write in")
	}
}

func TestBlobsFromManyGoroutines(t *testing.T) {
	s := open(t)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			text := bytes.Repeat([]byte{byte(i % 4)}, 1<<16)
			if _, err := s.PutBytes("x/y", text); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var want []string
	for i := range 4 {
		want = append(want, "blobs/sha256/"+digest.FromBytes(bytes.Repeat([]byte{byte(i)}, 1<<16)).Encoded())
	}
	wantFiles(t, s, want...)
}

func TestLinkBlob(t *testing.T) {
	s := open(t)
	path := filepath.Join(filepath.Dir(s.Dir()), "file")
	try(t, os.WriteFile(path, []byte("text"), 0o644))
	desc := ocispec.Descriptor{MediaType: "x/y", Digest: digest.FromString("text"), Size: 4}
	source, err := os.Stat(path)
	try(t, err)
	check := func(what string, same bool) {
		t.Helper()
		wantText(t, s.BlobPath(desc.Digest), "text")
		if info, err := os.Stat(s.BlobPath(desc.Digest)); err != nil || os.SameFile(info, source) != same {
			t.Errorf("%s: linked %v, %v", what, !same, err)
		}
	}
	try(t, s.LinkBlob(path, desc))
	check("new", true)
	try(t, s.LinkBlob(path, desc))
	check("again", true)
	try(t, os.Remove(s.BlobPath(desc.Digest)))
	put(t, s, "x/y", "text")
	try(t, s.LinkBlob(path, desc))
	check("there as a file of its own", false)
	try(t, os.WriteFile(s.BlobPath(desc.Digest), []byte("damaged"), 0o644))
	try(t, s.LinkBlob(path, desc))
	check("damaged", true)
}

// A file of another file system can't be linked; this program's own, through /proc, is one.
func TestLinkBlobCopiesAcrossFileSystems(t *testing.T) {
	s := open(t)
	const path = "/proc/self/exe"
	data, err := os.ReadFile(path)
	try(t, err)
	desc := ocispec.Descriptor{MediaType: "x/y", Digest: digest.FromBytes(data), Size: int64(len(data))}
	try(t, s.LinkBlob(path, desc))
	if got, err := s.ReadBlob(desc.Digest); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	info, err := os.Lstat(s.BlobPath(desc.Digest))
	if err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v, %v", info, err)
	}
	real := desc.Digest
	desc.Digest = digest.FromString("another")
	wantError(t, s.LinkBlob(path, desc), "cannot link blob "+desc.Digest.String()+": /proc/self/exe has digest "+real.String())
	if s.Has(desc) {
		t.Error("a wrong blob is there")
	}
}

func TestLinkBlobErrors(t *testing.T) {
	s := open(t)
	path := filepath.Join(filepath.Dir(s.Dir()), "file")
	desc := ocispec.Descriptor{Digest: digest.FromString("text"), Size: 5}
	wantError(t, s.LinkBlob(path, desc), "cannot link blob "+desc.Digest.String()+": stat "+path+": no such file or directory")
	try(t, os.WriteFile(path, []byte("text"), 0o644))
	wantError(t, s.LinkBlob(path, desc), "cannot link blob "+desc.Digest.String()+": "+path+" has 4 bytes instead of 5")
	desc.Size = 4
	try(t, os.MkdirAll(filepath.Join(s.BlobPath(desc.Digest), "x"), 0o755))
	err := s.LinkBlob(path, desc)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot replace damaged blob: remove ") {
		t.Errorf("got %v", err)
	}
}

func TestSweep(t *testing.T) {
	s := open(t)
	desc := put(t, s, "x/y", "kept")
	w, err := s.NewBlob() // as a killed process leaves it
	try(t, err)
	_, err = w.Write([]byte("half"))
	try(t, err)
	try(t, os.WriteFile(filepath.Join(s.tmp(), "json-1"), []byte("{"), 0o600))
	try(t, os.MkdirAll(filepath.Join(s.Dir(), "ingest", "1"), 0o755))
	try(t, os.WriteFile(filepath.Join(s.Dir(), "ingest", "1", "data"), []byte("half"), 0o644))
	try(t, s.Sweep())
	wantFiles(t, s, "blobs/sha256/"+desc.Digest.Encoded())
	put(t, s, "x/y", "more") // the folder for new ones is there again
	if _, err := os.Lstat(filepath.Join(s.Dir(), "ingest")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ingest: %v", err)
	}
}
