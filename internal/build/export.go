package build

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/layer"
)

// export is the content store that the engine exports into. Manifest and config
// stay in memory: what goes into the image store is written by Builder.commit.
// New layers come as plain tars and go into a folder that is there for the build
// only, from where they are folded, or taken one by one, into the image store.
type export struct {
	content.Store // the image store

	dir     string        // of the new layers
	scratch content.Store // the same as a store

	mu   sync.Mutex
	kept map[string][]byte // manifest and config, by kind
}

func (b *Builder) newExport(r Request) (*export, error) {
	e := &export{Store: b.content, kept: map[string][]byte{}}
	switch r.Squash {
	case "", SquashNone, SquashOwn, SquashAll:
	default:
		return nil, diag.Errorf(diag.Position{File: r.DockerfilePath}, "cannot build %s: %q is no way to squash layers", r.Target, r.Squash).
			Hint("use %s, %s or %s", SquashNone, SquashOwn, SquashAll)
	}
	dir, err := b.store.TempDir()
	if err != nil {
		return nil, err
	}
	e.dir = dir
	if e.scratch, err = local.NewStore(dir); err != nil {
		e.close()
		return nil, fmt.Errorf("cannot make a folder for layers: %w", err)
	}
	return e, nil
}

func (e *export) close() { os.RemoveAll(e.dir) }

// path is where a layer is, and whether that is the folder of the build.
func (e *export) path(s Store, desc ocispec.Descriptor) (path string, ours bool) {
	if s.Has(desc) {
		return s.BlobPath(desc.Digest), false
	}
	return filepath.Join(e.dir, "blobs", desc.Digest.Algorithm().String(), desc.Digest.Encoded()), true
}

// Writer implements content.Ingester. The reference of a blob begins with its kind.
func (e *export) Writer(ctx context.Context, opts ...content.WriterOpt) (content.Writer, error) {
	var o content.WriterOpts
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	kind, _, _ := strings.Cut(o.Ref, "-")
	if kind == kindManifest || kind == kindConfig {
		return &memoryWriter{export: e, kind: kind, ref: o.Ref, started: time.Now()}, nil
	}
	if o.Desc.Digest != "" {
		// the layers of a parent are there
		if _, err := e.Store.Info(ctx, o.Desc.Digest); err == nil {
			return nil, fmt.Errorf("blob %s: %w", o.Desc.Digest, errdefs.ErrAlreadyExists)
		}
	}
	return e.scratch.Writer(ctx, opts...)
}

// Abort implements content.IngestManager.
func (e *export) Abort(ctx context.Context, ref string) error { return e.scratch.Abort(ctx, ref) }

const (
	kindManifest = "manifest"
	kindConfig   = "config"
)

func (e *export) blob(kind string) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.kept[kind]
}

// memoryWriter takes a manifest or a config.
type memoryWriter struct {
	export  *export
	kind    string
	ref     string
	buf     bytes.Buffer
	started time.Time
}

func (w *memoryWriter) Write(p []byte) (int, error) { return w.buf.Write(p) }
func (w *memoryWriter) Close() error                { return nil }
func (w *memoryWriter) Digest() digest.Digest       { return digest.FromBytes(w.buf.Bytes()) }

func (w *memoryWriter) Commit(_ context.Context, size int64, expected digest.Digest, _ ...content.Opt) error {
	if size > 0 && size != int64(w.buf.Len()) {
		return fmt.Errorf("%s has %d bytes instead of %d: %w", w.kind, w.buf.Len(), size, errdefs.ErrFailedPrecondition)
	}
	if expected != "" && expected != w.Digest() {
		return fmt.Errorf("%s has digest %s instead of %s: %w", w.kind, w.Digest(), expected, errdefs.ErrFailedPrecondition)
	}
	w.export.mu.Lock()
	defer w.export.mu.Unlock()
	w.export.kept[w.kind] = bytes.Clone(w.buf.Bytes())
	return nil
}

func (w *memoryWriter) Status() (content.Status, error) {
	return content.Status{Ref: w.ref, Offset: int64(w.buf.Len()), StartedAt: w.started, UpdatedAt: time.Now()}, nil
}

func (w *memoryWriter) Truncate(size int64) error {
	if size != 0 {
		return fmt.Errorf("cannot truncate to %d: %w", size, errdefs.ErrInvalidArgument)
	}
	w.buf.Reset()
	return nil
}

// image is an image on its way into the store.
type image struct {
	manifest ocispec.Manifest
	config   []byte // raw JSON
	below    int    // how many of the layers are those of the base
}

// commit puts the image into the store, in a form that depends on nothing but
// config and layers: the engine's annotations on layers tell how they came about,
// and that differs with what was in its cache.
func (b *Builder) commit(ctx context.Context, r Request, baseConfig []byte, e *export) (ocispec.Descriptor, int64, error) {
	img := &image{config: e.blob(kindConfig)}
	m := &img.manifest
	if err := json.Unmarshal(e.blob(kindManifest), m); err != nil {
		return ocispec.Descriptor{}, 0, fmt.Errorf("the engine wrote no image manifest: %w", err)
	}
	if m.MediaType != ocispec.MediaTypeImageManifest {
		return ocispec.Descriptor{}, 0, fmt.Errorf("the engine wrote a %s instead of an image manifest", m.MediaType)
	}
	if img.config == nil {
		// the engine does not write what the image store has
		data, err := b.store.ReadBlob(m.Config.Digest)
		if err != nil {
			return ocispec.Descriptor{}, 0, err
		}
		img.config = data
	}
	if m.Layers == nil {
		m.Layers = []ocispec.Descriptor{} // null is not a list of layers
	}
	for i := range m.Layers {
		m.Layers[i].Annotations = nil
	}
	diffIDs, err := rootFS(img.config)
	if err != nil {
		return ocispec.Descriptor{}, 0, err
	}
	if len(diffIDs) != len(m.Layers) {
		return ocispec.Descriptor{}, 0, fmt.Errorf("the engine wrote a manifest with %d layers and a config with %d", len(m.Layers), len(diffIDs))
	}
	if img.below, err = layersBelow(diffIDs, baseConfig); err != nil {
		return ocispec.Descriptor{}, 0, err
	}
	if err := b.takeLayers(ctx, r, e, img, diffIDs); err != nil {
		return ocispec.Descriptor{}, 0, err
	}
	if !r.Created.IsZero() {
		if img.config, err = setCreated(img.config, r.Created); err != nil {
			return ocispec.Descriptor{}, 0, err
		}
	}
	m.Annotations = r.Annotations
	config, err := b.store.PutBytes(m.Config.MediaType, img.config)
	if err != nil {
		return ocispec.Descriptor{}, 0, err
	}
	m.Config = config
	var size int64
	for _, desc := range m.Layers {
		if !b.store.Has(desc) {
			return ocispec.Descriptor{}, 0, fmt.Errorf("blob %s is missing from the image store", desc.Digest)
		}
		size += desc.Size
	}
	data, err := json.Marshal(m)
	if err != nil {
		return ocispec.Descriptor{}, 0, err
	}
	desc, err := b.store.PutBytes(m.MediaType, data)
	return desc, size, err
}

// takeLayers puts the layers into the image store: those of the base as they
// are, those above it one by one or folded, or all of them folded.
func (b *Builder) takeLayers(ctx context.Context, r Request, e *export, img *image, diffIDs []digest.Digest) error {
	from := img.below
	if r.Squash == SquashAll {
		from, img.below = 0, 0
	}
	layers := img.manifest.Layers
	var blobs []layer.Blob
	for i, desc := range layers {
		path, ours := e.path(b.store, desc)
		if i < from && ours {
			// of an upstream, and new here
			if err := b.store.LinkBlob(path, desc); err != nil {
				return err
			}
		}
		blobs = append(blobs, layer.Blob{Digest: desc.Digest, MediaType: desc.MediaType, Open: func() (io.ReadCloser, error) { return os.Open(path) }})
	}
	img.manifest.Layers, diffIDs = layers[:from:from], diffIDs[:from:from]
	add := func(first, last int, keepEmpty bool) error {
		desc, written, err := b.writeLayer(ctx, r, e, blobs[:first], blobs[first:last], keepEmpty)
		if err == nil && desc.Digest != "" {
			img.manifest.Layers, diffIDs = append(img.manifest.Layers, desc), append(diffIDs, written)
		}
		return err
	}
	var err error
	if r.Squash == "" || r.Squash == SquashNone {
		for i := from; i < len(layers); i++ {
			if err := add(i, i+1, true); err != nil { // the history has an entry for it
				return err
			}
		}
		img.config, err = layer.ReplaceDiffIDs(img.config, diffIDs)
		return err
	}
	if from < len(layers) {
		if err := add(from, len(layers), false); err != nil {
			return err
		}
	}
	img.config, err = layer.EditConfig(img.config, from, diffIDs)
	return err
}

// writeLayer folds layers, or writes a single one in the same normal form. The
// descriptor is the zero one when nothing is left in the layer, unless that is to be kept.
func (b *Builder) writeLayer(ctx context.Context, r Request, e *export, below, own []layer.Blob, keepEmpty bool) (ocispec.Descriptor, digest.Digest, error) {
	blob, err := b.store.NewBlob()
	if err != nil {
		return ocispec.Descriptor{}, "", err
	}
	defer blob.Abort()
	written, err := layer.Write(ctx, below, own, blob, layer.Options{Epoch: r.Epoch, Index: b.LayerIndex, TempDir: e.dir})
	if err != nil || written.Entries == 0 && !keepEmpty {
		return ocispec.Descriptor{}, "", err
	}
	desc, err := blob.Commit(ocispec.MediaTypeImageLayerGzip)
	return desc, written.DiffID, err
}

// layersBelow counts the layers at the bottom that are those of the base.
func layersBelow(diffIDs []digest.Digest, baseConfig []byte) (int, error) {
	if len(baseConfig) == 0 {
		return 0, nil // FROM scratch
	}
	base, err := rootFS(baseConfig)
	if err != nil {
		return 0, err
	}
	if len(base) > len(diffIDs) || !slices.Equal(base, diffIDs[:len(base)]) {
		return 0, nil
	}
	return len(base), nil
}
