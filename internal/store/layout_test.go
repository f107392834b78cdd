package store

import (
	"context"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestRefs(t *testing.T) {
	s := open(t)
	a, b := put(t, s, ocispec.MediaTypeImageManifest, "a"), put(t, s, ocispec.MediaTypeImageManifest, "b")
	check := func(want map[string]ocispec.Descriptor) {
		t.Helper()
		if got, err := s.Refs(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
	check(map[string]ocispec.Descriptor{})
	try(t, s.SetRefs(map[string]ocispec.Descriptor{"z": a, "team/a:1": b}))
	check(map[string]ocispec.Descriptor{"z": a, "team/a:1": b})
	entry := func(d ocispec.Descriptor, name string) string {
		return `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + d.Digest.String() + `","size":1,"annotations":{"org.opencontainers.image.ref.name":"` + name + `"}}`
	}
	wantText(t, s.index(), `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[`+entry(b, "team/a:1")+","+entry(a, "z")+"]}\n")

	try(t, s.SetRefs(map[string]ocispec.Descriptor{"z": b, "new": a, "team/a:1": {}, "unknown": {}}))
	check(map[string]ocispec.Descriptor{"z": b, "new": a})

	try(t, s.SetRefs(map[string]ocispec.Descriptor{"new": {}}))
	check(map[string]ocispec.Descriptor{"z": b})
	try(t, s.SetRefs(map[string]ocispec.Descriptor{"new": a}))

	before, err := os.Stat(s.index())
	try(t, err)
	try(t, s.SetRefs(map[string]ocispec.Descriptor{"z": b, "unknown": {}}))
	try(t, s.SetRefs(nil))
	if after, err := os.Stat(s.index()); err != nil || !os.SameFile(before, after) {
		t.Errorf("the index was written although nothing changed, %v", err)
	}
	bigger := b
	bigger.Size = 2
	try(t, s.SetRefs(map[string]ocispec.Descriptor{"z": bigger}))
	check(map[string]ocispec.Descriptor{"z": bigger, "new": a})

	try(t, os.WriteFile(s.index(), []byte("{"), 0o644))
	want := "cannot read " + s.index() + ": unexpected end of JSON input"
	_, err = s.Refs()
	wantError(t, err, want)
	wantError(t, s.SetRefs(map[string]ocispec.Descriptor{"z": a}), want)
	try(t, os.Remove(s.index()))
	try(t, os.Mkdir(s.index(), 0o755))
	_, err = s.Refs()
	wantError(t, err, "cannot read "+s.index()+": read "+s.index()+": is a directory")
}

func TestWriteErrorsNameTheFile(t *testing.T) {
	s := open(t)
	try(t, os.RemoveAll(s.tmp()))
	err := s.SetRefs(map[string]ocispec.Descriptor{"z": {Digest: digest.FromString("a")}})
	if err == nil || !strings.HasPrefix(err.Error(), "cannot write "+s.index()+": open ") {
		t.Errorf("got %v", err)
	}
}

// Other programs read the layout: this is what go-containerregistry says of it.
func TestOthersReadTheLayout(t *testing.T) {
	s := open(t)
	diffID := digest.FromString("layer").String()
	desc := image(t, s, `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["`+diffID+`"]}}`, "layer")
	try(t, s.SetRefs(map[string]ocispec.Descriptor{"debian12": desc}))
	path, err := layout.FromPath(s.Dir())
	try(t, err)
	index, err := path.ImageIndex()
	try(t, err)
	try(t, validate.Index(index, validate.Fast))
	manifest, err := index.IndexManifest()
	try(t, err)
	if len(manifest.Manifests) != 1 || manifest.Manifests[0].Digest.String() != desc.Digest.String() ||
		manifest.Manifests[0].Annotations[ocispec.AnnotationRefName] != "debian12" {
		t.Errorf("got %+v", manifest)
	}
}

// The engine reads and writes the same blobs through containerd's interface.
func TestContent(t *testing.T) {
	s := open(t)
	desc := put(t, s, "x/y", "ours")
	c, err := s.Content()
	try(t, err)
	ctx := context.Background()
	r, err := c.ReaderAt(ctx, desc)
	try(t, err)
	defer r.Close()
	got := make([]byte, r.Size())
	if _, err := r.ReadAt(got, 0); err != nil || string(got) != "ours" {
		t.Errorf("%q, %v", got, err)
	}
	theirs := ocispec.Descriptor{MediaType: "x/y", Digest: digest.FromString("theirs"), Size: 6}
	try(t, content.WriteBlob(ctx, c, "ref", strings.NewReader("theirs"), theirs))
	if data, err := s.ReadBlob(theirs.Digest); err != nil || string(data) != "theirs" || !s.Has(theirs) {
		t.Errorf("%q, %v", data, err)
	}
}
