package export

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/store"
)

// stored puts an image with these layers into the store.
func stored(t *testing.T, s *store.Store, name string, layers ...string) Image {
	t.Helper()
	put := func(mediaType, data string) ocispec.Descriptor {
		d, err := s.PutBytes(mediaType, []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: put(ocispec.MediaTypeImageConfig, `{"name":"`+name+`"}`)}
	m.SchemaVersion = 2
	for _, l := range layers {
		m.Layers = append(m.Layers, put(ocispec.MediaTypeImageLayerGzip, l))
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return Image{Manifest: put(ocispec.MediaTypeImageManifest, string(data)), Repository: "r.example/" + name, Tags: []string{"1", "latest"}, Annotations: map[string]string{"k": name}}
}

func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// unpack reads an archive.
func unpack(t *testing.T, data []byte) (files map[string]string, order []string) {
	t.Helper()
	files = map[string]string{}
	r := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, order
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Mode != 0o644 || !h.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%s: mode %o, time %s", h.Name, h.Mode, h.ModTime)
		}
		files[h.Name] = string(content)
		order = append(order, h.Name)
	}
}

func refs(t *testing.T, index string) []string {
	t.Helper()
	var i ocispec.Index
	if err := json.Unmarshal([]byte(index), &i); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range i.Manifests {
		out = append(out, m.Annotations[ocispec.AnnotationRefName]+" "+m.Annotations["io.containerd.image.name"]+" "+m.Annotations["k"])
	}
	return out
}

func TestArchive(t *testing.T) {
	s := open(t)
	a, b := stored(t, s, "a", "shared", "one"), stored(t, s, "b", "shared", "two")
	var first, second bytes.Buffer
	if err := errors.Join(Archive(&first, s, []Image{a, b}), Archive(&second, s, []Image{a, b})); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two exports differ")
	}
	files, order := unpack(t, first.Bytes())
	if len(files) != len(order) || len(files) != 3+3+2+2 {
		t.Errorf("files %q", order)
	}
	if !slices.Equal(order[:3], []string{"oci-layout", "index.json", "manifest.json"}) || !slices.IsSorted(order[3:]) {
		t.Errorf("order %q", order)
	}
	for name, content := range files {
		if want, ok := strings.CutPrefix(name, "blobs/sha256/"); ok && digest.FromString(content).Encoded() != want {
			t.Errorf("%s has another content", name)
		}
	}
	if got := files["oci-layout"]; got != `{"imageLayoutVersion":"1.0.0"}` {
		t.Errorf("got %s", got)
	}
	if got, want := refs(t, files["index.json"]), []string{"r.example/a:1 r.example/a:1 a", "r.example/a:latest r.example/a:latest a", "r.example/b:1 r.example/b:1 b", "r.example/b:latest r.example/b:latest b"}; !slices.Equal(got, want) {
		t.Errorf("index %q", got)
	}
	var docker []dockerImage
	if err := json.Unmarshal([]byte(files["manifest.json"]), &docker); err != nil {
		t.Fatal(err)
	}
	at := func(s string) string { return "blobs/sha256/" + digest.FromString(s).Encoded() }
	want := []dockerImage{
		{at(`{"name":"a"}`), []string{"r.example/a:1", "r.example/a:latest"}, []string{at("shared"), at("one")}},
		{at(`{"name":"b"}`), []string{"r.example/b:1", "r.example/b:latest"}, []string{at("shared"), at("two")}},
	}
	if !reflect.DeepEqual(docker, want) {
		t.Errorf("got %+v, want %+v", docker, want)
	}

	first.Reset()
	if err := Archive(&first, s, []Image{a}); err != nil {
		t.Fatal(err)
	}
	files, _ = unpack(t, first.Bytes())
	if got := refs(t, files["index.json"]); !slices.Equal(got, []string{"1 r.example/a:1 a", "latest r.example/a:latest a"}) {
		t.Errorf("index of one %q", got)
	}
}

func TestLayout(t *testing.T) {
	s := open(t)
	a, b := stored(t, s, "a", "shared", "one"), stored(t, s, "b", "shared", "two")
	dir := filepath.Join(t.TempDir(), "deep", "layout")
	if err := Layout(dir, s, []Image{a}); err != nil {
		t.Fatal(err)
	}
	index := func() []string {
		data, err := os.ReadFile(filepath.Join(dir, "index.json"))
		if err != nil {
			t.Fatal(err)
		}
		return refs(t, string(data))
	}
	first := []string{"r.example/a:1 r.example/a:1 a", "r.example/a:latest r.example/a:latest a"}
	if got := index(); !slices.Equal(got, first) {
		t.Errorf("index %q", got)
	}
	// another image joins it, and a new one of the same name takes its place
	if err := Layout(dir, s, []Image{b}); err != nil {
		t.Fatal(err)
	}
	newer := stored(t, s, "a", "shared", "newer")
	newer.Tags, newer.Annotations = []string{"latest"}, map[string]string{"k": "newer"}
	damage := filepath.Join(dir, "blobs", "sha256", digest.FromString("two").Encoded())
	if err := os.WriteFile(damage, []byte("owt"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Layout(dir, s, []Image{newer, b}); err != nil {
		t.Fatal(err)
	}
	want := []string{first[0], "r.example/a:latest r.example/a:latest newer", "r.example/b:1 r.example/b:1 b", "r.example/b:latest r.example/b:latest b"}
	if got := index(); !slices.Equal(got, want) {
		t.Errorf("index %q, want %q", got, want)
	}
	if data, err := os.ReadFile(damage); err != nil || string(data) != "two" {
		t.Errorf("the damaged blob was not mended: %s, %v", data, err)
	}
	if blobs, err := os.ReadDir(filepath.Dir(damage)); err != nil || len(blobs) != 4+2+3 {
		t.Errorf("%d blobs, %v", len(blobs), err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "oci-layout")); err != nil || string(data) != `{"imageLayoutVersion":"1.0.0"}`+"\n" {
		t.Errorf("got %s, %v", data, err)
	}
}

func TestFoldersThatAreSomethingElse(t *testing.T) {
	s := open(t)
	a := stored(t, s, "a", "x")
	dir := t.TempDir()
	if err := Layout(dir, s, []Image{a}); err != nil { // an empty folder is fine
		t.Fatal(err)
	}
	other := t.TempDir()
	file := filepath.Join(other, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		other: "cannot write to " + other + ": the folder holds something else than an OCI layout",
		file:  "cannot write to " + file + ": not a directory",
	} {
		err := Layout(dir, s, []Image{a})
		var e *diag.Error
		if !errors.As(err, &e) || e.Error() != want || len(e.Hints) != 1 {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if entries, err := os.ReadDir(other); err != nil || len(entries) != 1 {
		t.Errorf("something was written: %v, %v", entries, err)
	}
}

func TestDamagedBlobs(t *testing.T) {
	for name, mend := range map[string]struct {
		do   func(path string) error
		want string
	}{
		"gone":      {os.Remove, "no such file or directory"},
		"short":     {func(p string) error { return os.WriteFile(p, []byte("on"), 0o644) }, "it has 2 bytes instead of 3"},
		"different": {func(p string) error { return os.WriteFile(p, []byte("eno"), 0o644) }, "its content has another digest"},
	} {
		s := open(t)
		a := stored(t, s, "a", "one")
		d := digest.FromString("one")
		if err := mend.do(s.BlobPath(d)); err != nil {
			t.Fatal(err)
		}
		want := "cannot read blob " + d.String() + ": " + mend.want
		dir := t.TempDir()
		file := filepath.Join(dir, "x.tar")
		for _, err := range []error{Archive(io.Discard, s, []Image{a}), File(file, s, []Image{a}), Layout(filepath.Join(dir, "layout"), s, []Image{a})} {
			if err == nil || err.Error() != want {
				t.Errorf("%s: got %v, want %s", name, err, want)
			}
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 1 {
			t.Errorf("%s: left behind %q, %v", name, left, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "layout", "index.json")); err == nil {
			t.Errorf("%s: the layout has an index", name)
		}
	}
	s := open(t)
	a := stored(t, s, "a", "one")
	if err := os.Remove(s.BlobPath(a.Manifest.Digest)); err != nil {
		t.Fatal(err)
	}
	if err := Archive(io.Discard, s, []Image{a}); err == nil || !strings.HasPrefix(err.Error(), "cannot read blob "+a.Manifest.Digest.String()) {
		t.Errorf("got %v", err)
	}
}
