package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/wholefile"
)

// Result says which image an id was built into.
type Result struct {
	ID       string             `json:"id"`
	Target   string             `json:"target"` // the target that was built; another one with equal inputs may reuse it
	Manifest ocispec.Descriptor `json:"manifest"`
	Size     int64              `json:"size"`  // of the compressed layers, bytes
	Built    time.Time          `json:"built"` // when, UTC
	// Content is equal for images that are equal to those that build on them; see contentDigest.
	Content string `json:"content"`
	// Epoch is the time to which the layers were clamped, seconds since 1970.
	Epoch int64 `json:"epoch"`
	// Blobs are all blobs of the image, the manifest first.
	Blobs []Blob `json:"blobs"`
}

// Blob is a blob as it was when its content was last known to be right.
type Blob struct {
	Digest  digest.Digest `json:"digest"`
	Size    int64         `json:"size"`
	ModTime int64         `json:"mtime"` // nanoseconds since 1970
}

// Image is an image that was just built.
type Image struct {
	Manifest ocispec.Descriptor
	Epoch    int64 // the time to which its layers were clamped, seconds since 1970
}

// Record notes that id was built into the image, which must be complete.
// The first result of an id wins: when one is there and intact, it is returned.
func (s *Store) Record(id, target string, image Image, now time.Time) (Result, error) {
	manifest := image.Manifest
	if have, err := s.Lookup(id); err == nil && have.ID != "" {
		return have, nil
	}
	m, err := s.ReadManifest(manifest.Digest)
	if err != nil {
		return Result{}, err
	}
	r := Result{ID: id, Target: target, Manifest: manifest, Built: now.UTC().Truncate(time.Second), Epoch: image.Epoch}
	config, err := s.ReadBlob(m.Config.Digest)
	if err != nil {
		return Result{}, fmt.Errorf("cannot record %s: %w", target, err)
	}
	if r.Content, err = contentDigest(m, config); err != nil {
		return Result{}, fmt.Errorf("cannot record %s: %w", target, err)
	}
	seen := map[digest.Digest]bool{}
	for i, desc := range append([]ocispec.Descriptor{manifest, m.Config}, m.Layers...) {
		if i > 1 {
			r.Size += desc.Size
		}
		if seen[desc.Digest] {
			continue
		}
		seen[desc.Digest] = true
		info, err := os.Stat(s.BlobPath(desc.Digest))
		if err != nil {
			return Result{}, fmt.Errorf("cannot record %s: %w", target, err)
		}
		if info.Size() != desc.Size {
			return Result{}, fmt.Errorf("cannot record %s: blob %s has %d bytes instead of %d", target, desc.Digest, info.Size(), desc.Size)
		}
		r.Blobs = append(r.Blobs, Blob{desc.Digest, desc.Size, info.ModTime().UnixNano()})
	}
	path := s.idPath(id)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return Result{}, fmt.Errorf("cannot record %s: %w", target, err)
	}
	if err := s.writeJSON(path, r); err != nil {
		return Result{}, fmt.Errorf("cannot record %s: %w", target, err)
	}
	return r, nil
}

// ErrDamaged says that an id was built, but a blob of its image is gone or is not what it was.
var ErrDamaged = errors.New("damaged in the store")

// Lookup returns the result of id, or a Result without an ID when there is
// none. When the image is not intact any more it returns the result with an
// error that wraps ErrDamaged and names the blob; a blob whose modification
// time moved is read and hashed to find out.
func (s *Store) Lookup(id string) (Result, error) {
	var r Result
	data, err := os.ReadFile(s.idPath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return Result{}, nil
	}
	if err != nil {
		return Result{}, fmt.Errorf("cannot read the result of %s: %w", id, err)
	}
	if json.Unmarshal(data, &r) != nil || r.ID != id || len(r.Blobs) == 0 || r.Content == "" {
		return Result{}, nil //nolint:nilerr // half-written by a crash of the machine: as if it was not built
	}
	for _, b := range r.Blobs {
		if why := s.checkBlob(b); why != "" {
			return r, fmt.Errorf("blob %s of %s %s: %w", b.Digest, r.Target, why, ErrDamaged)
		}
	}
	return r, nil
}

// Used notes that the result of id was used at that time, for whoever frees
// what was not used for long.
func (s *Store) Used(id string, at time.Time) error {
	if err := os.Chtimes(s.idPath(id), time.Time{}, at); err != nil {
		return fmt.Errorf("cannot note that a result was used: %w", err)
	}
	return nil
}

// checkBlob returns what is wrong with the blob, "" if nothing is.
func (s *Store) checkBlob(b Blob) string {
	if b.Digest.Validate() != nil {
		return "has no valid digest"
	}
	info, err := os.Stat(s.BlobPath(b.Digest))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "is gone"
	case err != nil:
		return "cannot be read"
	case info.Size() != b.Size:
		return fmt.Sprintf("has %d bytes instead of %d", info.Size(), b.Size)
	case info.ModTime().UnixNano() == b.ModTime:
		return ""
	}
	f, err := os.Open(s.BlobPath(b.Digest))
	if err != nil {
		return "cannot be read"
	}
	defer f.Close()
	v := b.Digest.Verifier()
	if _, err := io.Copy(v, f); err != nil {
		return "cannot be read"
	}
	if !v.Verified() {
		return "has another content"
	}
	return ""
}

// Forget drops the result of id, and the blobs of it that are not intact, so
// that a build makes them anew.
func (s *Store) Forget(r Result) error {
	var errs []error
	for _, b := range r.Blobs {
		if b.Digest.Validate() == nil && s.checkBlob(b) != "" {
			if err := os.Remove(s.BlobPath(b.Digest)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	if err := os.Remove(s.idPath(r.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (s *Store) idPath(id string) string {
	return filepath.Join(s.dir, "ids", id[:min(2, len(id))], id+".json")
}

// SaveTarget writes the snapshot of a target, any JSON value, whole or not at all.
func (s *Store) SaveTarget(name string, v any) error {
	if err := s.writeJSON(s.targetPath(name), v); err != nil {
		return fmt.Errorf("cannot write the state of %s: %w", name, err)
	}
	return nil
}

// LoadTarget reads the snapshot of a target into v and says whether there was a readable one.
func (s *Store) LoadTarget(name string, v any) bool {
	data, err := os.ReadFile(s.targetPath(name))
	return err == nil && json.Unmarshal(data, v) == nil
}

// targetPath flattens a name with slashes; '%' cannot be part of a target's name.
func (s *Store) targetPath(name string) string {
	flat := make([]byte, 0, len(name))
	for i := range len(name) {
		if name[i] == '/' {
			flat = append(flat, '%')
			continue
		}
		flat = append(flat, name[i])
	}
	return filepath.Join(s.dir, "targets", string(flat)+".json")
}

// writeJSON writes v to path by way of a temporary file, which Sweep removes after a kill.
func (s *Store) writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return wholefile.Writer{TempDir: s.tmp(), Prefix: "json-"}.Bytes(path, append(data, '\n'))
}
