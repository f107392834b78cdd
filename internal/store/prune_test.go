package store

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func record(t *testing.T, s *Store, id, target string, layers ...string) Result {
	t.Helper()
	r, err := s.Record(id, target, Image{Manifest: image(t, s, `{"os":"linux","config":{"Labels":{"id":"`+id+`"}}}`, layers...)}, time.Now())
	try(t, err)
	return r
}

func TestResults(t *testing.T) {
	// a folder's name may hold what means something in a pattern
	s, err := Open(filepath.Join(t.TempDir(), "[a]*", "store"))
	try(t, err)
	if all, err := s.Results(); err != nil || len(all) != 0 {
		t.Fatalf("%v, %v", all, err)
	}
	want := record(t, s, "ab12", "java", "layer")
	old := time.Unix(1700000000, 0)
	try(t, os.Chtimes(s.idPath("ab12"), old, old))
	other := filepath.Join(s.dir, "ids", "ab", "ab99.json")
	try(t, os.WriteFile(other, []byte(`{"id":"ab1`), 0o644)) // a crash of the machine
	moved := filepath.Join(s.dir, "ids", "cd", "cd34.json")
	try(t, os.MkdirAll(filepath.Dir(moved), 0o755))
	data, err := json.Marshal(want)
	try(t, err)
	try(t, os.WriteFile(moved, data, 0o644)) // says that it is another one
	all, err := s.Results()
	try(t, err)
	if len(all) != 3 {
		t.Fatalf("%d results: %+v", len(all), all)
	}
	if got := all[0]; got.ID != "ab12" || got.Target != "java" || got.File != s.idPath("ab12") || !got.Written.Equal(old) || len(got.Blobs) != 3 {
		t.Errorf("got %+v", got)
	}
	if all[1].ID != "" || all[1].File != other || all[2].ID != "" || all[2].File != moved {
		t.Errorf("got %+v", all[1:])
	}
}

func TestSnapshotsAndBlobs(t *testing.T) {
	s := open(t)
	try(t, s.SaveTarget("acme/java", 1))
	try(t, s.SaveTarget("base", 2))
	got, err := s.Snapshots()
	try(t, err)
	if len(got) != 2 || got[0].Name != "acme/java" || got[0].File != s.targetPath("acme/java") || got[1].Name != "base" || got[1].Written.IsZero() {
		t.Errorf("got %+v", got)
	}
	desc := put(t, s, "x/y", "text")
	try(t, os.Mkdir(filepath.Join(s.blobs(), "folder"), 0o755))
	blobs, err := s.Blobs()
	try(t, err)
	if len(blobs) != 1 || blobs[0].Name != desc.Digest.Encoded() || blobs[0].File != s.BlobPath(desc.Digest) {
		t.Errorf("got %+v", blobs)
	}
}

func TestReachable(t *testing.T) {
	s := open(t)
	desc := image(t, s, `{"os":"linux"}`, "one", "two")
	// a layer that is a manifest itself is a layer here
	inner := image(t, s, `{"os":"inner"}`, "deep")
	odd := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, Config: put(t, s, "x/y", "{}"), Layers: []ocispec.Descriptor{inner}}
	data, err := json.Marshal(odd)
	try(t, err)
	oddDesc := put(t, s, ocispec.MediaTypeImageManifest, string(data))
	gone := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("gone"), Size: 4}
	bad := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: "sha256:../../x"}
	data, err = json.Marshal(ocispec.Index{Manifests: []ocispec.Descriptor{desc, oddDesc, gone, bad, desc}})
	try(t, err)
	index := put(t, s, ocispec.MediaTypeImageIndex, string(data))
	want := []digest.Digest{
		index.Digest, desc.Digest, digest.FromString(`{"os":"linux"}`), digest.FromString("one"), digest.FromString("two"),
		oddDesc.Digest, odd.Config.Digest, inner.Digest, gone.Digest,
	}
	slices.Sort(want)
	if got := s.Reachable(index.Digest); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got := s.Reachable("sha256:x"); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestManifestsAndDropRefs(t *testing.T) {
	s := open(t)
	one, two := put(t, s, "x/y", "one"), put(t, s, "x/y", "two")
	if got, err := View(filepath.Join(s.dir, "nowhere")).Manifests(); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	try(t, s.SetRefs(map[string]ocispec.Descriptor{"a": one, "b": one, "c": two}))
	got, err := s.Manifests()
	want := []digest.Digest{one.Digest, two.Digest}
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	try(t, s.DropRefs([]string{"a", "c", "never"}))
	refs, err := s.Refs()
	if err != nil || len(refs) != 1 || refs["b"].Digest != one.Digest {
		t.Errorf("%v, %v", refs, err)
	}
	// without a name, as some tools write
	text, err := os.ReadFile(s.index())
	try(t, err)
	try(t, os.WriteFile(s.index(), []byte(strings.Replace(string(text), ocispec.AnnotationRefName, "x", 1)), 0o644))
	if got, err := s.Manifests(); err != nil || !slices.Equal(got, []digest.Digest{one.Digest}) {
		t.Errorf("%v, %v", got, err)
	}
	try(t, os.WriteFile(s.index(), []byte("{"), 0o644))
	if _, err := s.Manifests(); err == nil {
		t.Error("half an index was read")
	}
}
