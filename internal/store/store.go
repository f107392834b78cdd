// Package store keeps images on disk: an OCI image layout that skopeo, crane
// and umoci read, and beside it, in folders of their own, which id was built
// into which digest and what each target last looked like.
//
//	STORE/oci-layout, index.json, blobs/sha256/…   the layout; a target's name is its ref.name
//	STORE/ids/ab/abcd….json                         id → Result
//	STORE/targets/NAME.json                         the last Snapshot of a target, written by its owner
//	STORE/tmp/                                      blobs in the making
//
// A blob is written to tmp and renamed, so it is there whole or not at all.
// Reading needs no lock. Writing is safe from several goroutines of one
// process; that only one process writes is the caller's to ensure (see Lock).
//
// Nothing here is flushed to the disk platter: after a power cut a blob may be
// short, which Complete notices by its size, and the target is built again.
package store

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Store is an OCI layout with its id map. The zero value is not usable; see Open.
type Store struct{ dir string }

// Open opens the store in dir and makes it when it is not there.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir}
	for _, d := range []string{s.blobs(), s.tmp(), filepath.Join(dir, "ids"), filepath.Join(dir, "targets")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("cannot make the image store: %w", err)
		}
	}
	layout := filepath.Join(dir, ocispec.ImageLayoutFile)
	if _, err := os.Stat(layout); errors.Is(err, fs.ErrNotExist) {
		if err := s.writeJSON(layout, ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}); err != nil {
			return nil, fmt.Errorf("cannot make the image store: %w", err)
		}
	}
	if _, err := os.Stat(s.index()); errors.Is(err, fs.ErrNotExist) {
		if err := s.writeIndex(nil); err != nil {
			return nil, fmt.Errorf("cannot make the image store: %w", err)
		}
	}
	return s, nil
}

// View opens the store for reading and makes nothing: in a folder that is not
// there every look-up finds nothing.
func View(dir string) *Store { return &Store{dir: dir} }

// Dir is the folder of the layout.
func (s *Store) Dir() string   { return s.dir }
func (s *Store) blobs() string { return filepath.Join(s.dir, "blobs", "sha256") }
func (s *Store) tmp() string   { return filepath.Join(s.dir, "tmp") }
func (s *Store) index() string { return filepath.Join(s.dir, ocispec.ImageIndexFile) }

// BlobPath is where the blob with digest d is or will be.
func (s *Store) BlobPath(d digest.Digest) string { return filepath.Join(s.blobs(), d.Encoded()) }

// Has says whether the blob is there with the descriptor's size. Its content is not read.
func (s *Store) Has(desc ocispec.Descriptor) bool {
	info, err := os.Stat(s.BlobPath(desc.Digest))
	return err == nil && info.Mode().IsRegular() && info.Size() == desc.Size
}

// ReadBlob reads a whole blob, for manifests and configs, and checks its digest.
func (s *Store) ReadBlob(d digest.Digest) ([]byte, error) {
	if err := d.Validate(); err != nil {
		return nil, fmt.Errorf("cannot read blob %q: %w", d, err)
	}
	data, err := os.ReadFile(s.BlobPath(d))
	if err != nil {
		return nil, fmt.Errorf("cannot read blob %s: %w", d, err)
	}
	if digest.FromBytes(data) != d {
		return nil, fmt.Errorf("cannot read blob %s: its content has another digest", d)
	}
	return data, nil
}

// ReadManifest reads an image manifest.
func (s *Store) ReadManifest(d digest.Digest) (ocispec.Manifest, error) {
	var m ocispec.Manifest
	data, err := s.ReadBlob(d)
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	return m, err
}

// ReadConfig reads the image config of the manifest with digest d, as raw JSON:
// a Go struct would drop the fields it does not know.
func (s *Store) ReadConfig(d digest.Digest) ([]byte, error) {
	m, err := s.ReadManifest(d)
	if err != nil {
		return nil, err
	}
	return s.ReadBlob(m.Config.Digest)
}

// PutBytes stores data as a blob.
func (s *Store) PutBytes(mediaType string, data []byte) (ocispec.Descriptor, error) {
	desc := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if s.Has(desc) {
		if _, err := s.ReadBlob(desc.Digest); err == nil {
			return desc, nil
		}
	}
	w, err := s.NewBlob()
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer w.Abort()
	if _, err := w.Write(data); err != nil {
		return ocispec.Descriptor{}, err
	}
	return w.Commit(mediaType)
}

// LinkBlob makes the file at path the blob of desc by a hard link, or by a copy
// where linking isn't possible. The file's size must be desc.Size; its digest
// is the caller's word.
func (s *Store) LinkBlob(path string, desc ocispec.Descriptor) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot link blob %s: %w", desc.Digest, err)
	}
	if info.Size() != desc.Size {
		return fmt.Errorf("cannot link blob %s: %s has %d bytes instead of %d", desc.Digest, path, info.Size(), desc.Size)
	}
	if s.Has(desc) {
		return nil
	}
	dst := s.BlobPath(desc.Digest)
	if err := os.Remove(dst); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot replace damaged blob: %w", err)
	}
	err = os.Link(path, dst)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	src, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot link blob %s: %w", desc.Digest, err)
	}
	defer src.Close()
	w, err := s.NewBlob()
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := io.Copy(w, src); err != nil {
		return fmt.Errorf("cannot copy blob %s: %w", desc.Digest, err)
	}
	got, err := w.Commit(desc.MediaType)
	if err == nil && got.Digest != desc.Digest {
		return fmt.Errorf("cannot link blob %s: %s has digest %s", desc.Digest, path, got.Digest)
	}
	return err
}

// TempDir makes a folder for what is on its way to becoming blobs. It is the
// caller's to remove; Sweep removes those of a killed process.
func (s *Store) TempDir() (string, error) {
	dir, err := os.MkdirTemp(s.tmp(), "dir-")
	if err != nil {
		return "", fmt.Errorf("cannot write to the image store: %w", err)
	}
	return dir, nil
}

// BlobWriter takes the bytes of a new blob. Either Commit or Abort ends it;
// Abort after Commit does nothing.
type BlobWriter struct {
	store *Store
	file  *os.File
	hash  hash.Hash
	size  int64
}

// NewBlob begins a blob.
func (s *Store) NewBlob() (*BlobWriter, error) {
	f, err := os.CreateTemp(s.tmp(), "blob-")
	if err != nil {
		return nil, fmt.Errorf("cannot write to the image store: %w", err)
	}
	return &BlobWriter{store: s, file: f, hash: sha256.New()}, nil
}

// Write implements io.Writer.
func (w *BlobWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.hash.Write(p[:n])
	w.size += int64(n)
	if err != nil {
		return n, fmt.Errorf("cannot write to the image store: %w", err)
	}
	return n, nil
}

// Commit puts the blob under its digest and returns its descriptor.
func (w *BlobWriter) Commit(mediaType string) (ocispec.Descriptor, error) {
	desc := ocispec.Descriptor{MediaType: mediaType, Digest: digest.NewDigest(digest.SHA256, w.hash), Size: w.size}
	dst := w.store.BlobPath(desc.Digest)
	err := errors.Join(w.file.Chmod(0o644), w.file.Close())
	if old, statErr := os.Stat(dst); err == nil && statErr == nil && old.Size() == desc.Size {
		// results that know the blob by its time need not hash it again
		err = os.Chtimes(w.file.Name(), time.Time{}, old.ModTime())
	}
	if err == nil {
		err = os.Rename(w.file.Name(), dst)
	}
	if err != nil {
		w.Abort()
		return ocispec.Descriptor{}, fmt.Errorf("cannot write to the image store: %w", err)
	}
	w.file = nil
	return desc, nil
}

// Abort drops the blob.
func (w *BlobWriter) Abort() {
	if w.file == nil {
		return
	}
	w.file.Close()
	os.Remove(w.file.Name())
	w.file = nil
}

// Content gives the same blobs as a containerd content store, through which
// the engine reads parents and writes results.
func (s *Store) Content() (content.Store, error) { return local.NewStore(s.dir) }

// Sweep removes what a killed process left half-written. The caller holds the lock.
func (s *Store) Sweep() error {
	return errors.Join(os.RemoveAll(s.tmp()), os.RemoveAll(filepath.Join(s.dir, "ingest")), os.MkdirAll(s.tmp(), 0o755))
}

// SetRefs names manifests in index.json: each name points at its descriptor
// afterwards, other names stay, and a name whose descriptor has no digest is
// removed. Nothing is written when nothing changes.
func (s *Store) SetRefs(refs map[string]ocispec.Descriptor) error {
	old, err := s.Refs()
	if err != nil {
		return err
	}
	changed := false
	for name, desc := range refs {
		have, ok := old[name]
		switch {
		case desc.Digest == "" && ok:
			delete(old, name)
			changed = true
		case desc.Digest != "" && (have.Digest != desc.Digest || have.Size != desc.Size):
			old[name] = desc
			changed = true
		}
	}
	if !changed {
		return nil
	}
	return s.writeIndex(old)
}

// Refs reads the names in index.json.
func (s *Store) Refs() (map[string]ocispec.Descriptor, error) {
	data, err := os.ReadFile(s.index())
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]ocispec.Descriptor{}, nil
	}
	var index ocispec.Index
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", s.index(), err)
	}
	refs := map[string]ocispec.Descriptor{}
	for _, m := range index.Manifests {
		if name := m.Annotations[ocispec.AnnotationRefName]; name != "" {
			m.Annotations = nil
			refs[name] = m
		}
	}
	return refs, nil
}

func (s *Store) writeIndex(refs map[string]ocispec.Descriptor) error {
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}}
	for _, name := range slices.Sorted(maps.Keys(refs)) {
		desc := refs[name]
		desc.Annotations = map[string]string{ocispec.AnnotationRefName: name}
		index.Manifests = append(index.Manifests, desc)
	}
	if err := s.writeJSON(s.index(), index); err != nil {
		return fmt.Errorf("cannot write %s: %w", s.index(), err)
	}
	return nil
}
