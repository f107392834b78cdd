package store

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Freeing space takes three kinds of files away, in this order: results and
// snapshots, names in index.json, blobs. Whoever is killed in between leaves
// blobs that nothing refers to, which the next run finds, and never a result or
// a name whose blobs are gone. Here is what there is and what refers to what;
// package prune chooses and removes.

// StoredResult is a result with the file that holds it.
type StoredResult struct {
	Result
	File string
	// Written is when the result was recorded, or used last.
	Written time.Time
}

// StoredFile is a file of the store under the name that it stands for.
type StoredFile struct {
	Name    string // a target's, or a digest in hex
	File    string
	Written time.Time
}

// Results lists all results, by id. A file that holds none, as a crash of the
// machine leaves it, has an empty Result.
func (s *Store) Results() ([]StoredResult, error) {
	files, err := s.files(filepath.Join(s.dir, "ids", "*", "*.json"))
	if err != nil {
		return nil, err
	}
	out := make([]StoredResult, 0, len(files))
	for _, f := range files {
		data, err := os.ReadFile(f.File)
		if err != nil {
			return nil, err
		}
		var r Result
		if json.Unmarshal(data, &r) != nil || s.idPath(r.ID) != f.File {
			r = Result{}
		}
		out = append(out, StoredResult{r, f.File, f.Written})
	}
	return out, nil
}

// Snapshots lists the targets that have a snapshot, by name.
func (s *Store) Snapshots() ([]StoredFile, error) {
	files, err := s.files(filepath.Join(s.dir, "targets", "*.json"))
	for i := range files {
		files[i].Name = strings.ReplaceAll(files[i].Name, "%", "/")
	}
	return files, err
}

// Blobs lists all blobs, by digest.
func (s *Store) Blobs() ([]StoredFile, error) { return s.files(filepath.Join(s.blobs(), "*")) }

// files lists the files that match a pattern below the store; the store's own
// path in it may hold any character.
func (s *Store) files(pattern string) ([]StoredFile, error) {
	rel, err := filepath.Rel(s.dir, pattern)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(os.DirFS(s.dir), rel)
	if err != nil {
		return nil, err
	}
	out := make([]StoredFile, 0, len(names))
	for _, name := range names {
		path := filepath.Join(s.dir, name)
		info, err := os.Lstat(path)
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			out = append(out, StoredFile{strings.TrimSuffix(filepath.Base(name), ".json"), path, info.ModTime()})
		}
	}
	return out, nil
}

// Manifests are the digests in index.json, also those without a name.
func (s *Store) Manifests() ([]digest.Digest, error) {
	data, err := os.ReadFile(s.index())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var index ocispec.Index
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if err != nil {
		return nil, err
	}
	seen := map[digest.Digest]bool{}
	for _, m := range index.Manifests {
		seen[m.Digest] = true
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// Reachable are the blobs that d needs: itself, and for a manifest or an index
// what it names, to any depth. What is not there or cannot be read needs nothing.
func (s *Store) Reachable(d digest.Digest) []digest.Digest {
	seen := map[digest.Digest]bool{}
	var visit func(ocispec.Descriptor)
	visit = func(desc ocispec.Descriptor) {
		if desc.Digest.Validate() != nil || seen[desc.Digest] {
			return
		}
		seen[desc.Digest] = true
		switch desc.MediaType {
		case "", ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex,
			"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json":
		default:
			return // a config, a layer
		}
		data, err := s.ReadBlob(desc.Digest)
		var doc struct {
			Config    *ocispec.Descriptor  `json:"config"`
			Layers    []ocispec.Descriptor `json:"layers"`
			Manifests []ocispec.Descriptor `json:"manifests"`
			Blobs     []ocispec.Descriptor `json:"blobs"`
		}
		if err != nil || json.Unmarshal(data, &doc) != nil {
			return
		}
		if doc.Config != nil {
			doc.Blobs = append(doc.Blobs, *doc.Config)
		}
		for _, l := range slices.Concat(doc.Blobs, doc.Layers) {
			// whatever they say of themselves, they are not looked into
			if l.Digest.Validate() == nil {
				seen[l.Digest] = true
			}
		}
		for _, m := range doc.Manifests {
			visit(m)
		}
	}
	visit(ocispec.Descriptor{Digest: d})
	return slices.Sorted(maps.Keys(seen))
}

// DropRefs takes names out of index.json; the blobs stay.
func (s *Store) DropRefs(names []string) error {
	refs := map[string]ocispec.Descriptor{}
	for _, name := range names {
		refs[name] = ocispec.Descriptor{}
	}
	return s.SetRefs(refs)
}
