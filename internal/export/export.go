// Package export copies images out of the store, for docker load, podman load,
// and tools that read OCI layouts.
//
//	err := export.Archive(w, store, images)     // a tar file
//	err := export.Layout(dir, store, images)    // a folder
//
// An archive is two things in one, as docker save writes it since Docker 25: an
// OCI image layout, and the manifest.json that older Dockers load. The bytes of
// manifests, configs and layers are those of the store, so digests stay; equal
// images in equal order give equal archives.
package export

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/wholefile"
)

// Image is one image with its names.
type Image struct {
	Manifest    ocispec.Descriptor
	Repository  string            // registry.example.com/base/java17
	Tags        []string          // at least one
	Annotations map[string]string // put on the image's entries in the index
}

// Source is where the blobs are: a store.
type Source interface {
	ReadManifest(digest.Digest) (ocispec.Manifest, error)
	BlobPath(digest.Digest) string
}

// containerdName is the annotation by which containerd, and so Docker and
// nerdctl, name an image that they import from a layout.
const containerdName = "io.containerd.image.name"

// Archive writes the images as one tar file.
func Archive(w io.Writer, src Source, images []Image) error {
	c, err := collect(src, images, len(images) > 1)
	if err != nil {
		return err
	}
	out := tar.NewWriter(w)
	for _, f := range []struct {
		name string
		v    any
	}{
		{ocispec.ImageLayoutFile, ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}},
		{ocispec.ImageIndexFile, c.index}, {"manifest.json", c.docker},
	} {
		data, err := json.Marshal(f.v)
		if err != nil {
			return err
		}
		if err := putFile(out, f.name, int64(len(data))); err != nil {
			return err
		}
		if _, err := out.Write(data); err != nil {
			return err
		}
	}
	for _, d := range slices.Sorted(maps.Keys(c.blobs)) {
		if err := putBlob(out, src.BlobPath(d), d, c.blobs[d]); err != nil {
			return err
		}
	}
	return out.Close()
}

func putFile(out *tar.Writer, name string, size int64) error {
	return out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR})
}

// putBlob copies a blob and checks it on the way: an export is the last moment to notice.
func putBlob(out *tar.Writer, path string, d digest.Digest, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return damaged(d, err)
	}
	defer f.Close()
	if err := putFile(out, blobName(d), size); err != nil {
		return err
	}
	return copyVerified(out, f, d, size)
}

// copyVerified copies size bytes that must have the digest.
func copyVerified(w io.Writer, r io.Reader, d digest.Digest, size int64) error {
	v := d.Verifier()
	n, err := io.Copy(io.MultiWriter(w, v), io.LimitReader(r, size))
	switch {
	case err != nil:
		return err
	case n < size:
		return damaged(d, fmt.Errorf("it has %d bytes instead of %d", n, size))
	case !v.Verified():
		return damaged(d, errors.New("its content has another digest"))
	}
	return nil
}

func damaged(d digest.Digest, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return diag.Errorf(diag.Position{}, "cannot read blob %s: %w", d, err).Hint("build the image again: plinth build")
}

func blobName(d digest.Digest) string { return "blobs/" + d.Algorithm().String() + "/" + d.Encoded() }

// contents is everything that an export holds.
type contents struct {
	blobs  map[digest.Digest]int64 // sizes
	index  ocispec.Index
	docker []dockerImage
}

// dockerImage is an entry of manifest.json, see "docker image save" in Docker's documentation.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// collect finds everything that belongs to the images. Their reference in the
// index is the tag, or with fullNames the whole name: a tag alone would mean
// several images, or would take the place of one that is there already.
func collect(src Source, images []Image, fullNames bool) (*contents, error) {
	c := &contents{blobs: map[digest.Digest]int64{}}
	c.index = ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}}
	for _, image := range images {
		m, err := src.ReadManifest(image.Manifest.Digest)
		if err != nil {
			return nil, damaged(image.Manifest.Digest, err)
		}
		entry := dockerImage{Config: blobName(m.Config.Digest), Layers: []string{}}
		c.blobs[image.Manifest.Digest] = image.Manifest.Size
		c.blobs[m.Config.Digest] = m.Config.Size
		for _, l := range m.Layers {
			c.blobs[l.Digest] = l.Size
			entry.Layers = append(entry.Layers, blobName(l.Digest))
		}
		for _, tag := range image.Tags {
			name := image.Repository + ":" + tag
			entry.RepoTags = append(entry.RepoTags, name)
			desc := image.Manifest
			desc.Annotations = map[string]string{}
			maps.Copy(desc.Annotations, image.Annotations)
			desc.Annotations[ocispec.AnnotationRefName] = tag
			if fullNames {
				desc.Annotations[ocispec.AnnotationRefName] = name
			}
			desc.Annotations[containerdName] = name
			c.index.Manifests = append(c.index.Manifests, desc)
		}
		c.docker = append(c.docker, entry)
	}
	return c, nil
}

// Layout writes the images into the OCI layout in dir. The folder is made when
// it is not there; images in a layout that is there stay, unless one of these
// has their name. The index is written last, so that a reader sees whole images only.
func Layout(dir string, src Source, images []Image) error {
	index, err := openLayout(dir)
	if err != nil {
		return err
	}
	c, err := collect(src, images, true)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return err
	}
	for _, d := range slices.Sorted(maps.Keys(c.blobs)) {
		if err := copyBlob(src.BlobPath(d), filepath.Join(dir, filepath.FromSlash(blobName(d))), d, c.blobs[d]); err != nil {
			return err
		}
	}
	replaced := map[string]bool{}
	for _, m := range c.index.Manifests {
		replaced[m.Annotations[ocispec.AnnotationRefName]] = true
	}
	kept := slices.DeleteFunc(index.Manifests, func(m ocispec.Descriptor) bool { return replaced[m.Annotations[ocispec.AnnotationRefName]] })
	index.Manifests = slices.Concat(kept, c.index.Manifests)
	if err := writeJSON(dir, ocispec.ImageLayoutFile, ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}); err != nil {
		return err
	}
	return writeJSON(dir, ocispec.ImageIndexFile, index)
}

// openLayout reads the index of a layout. A folder that is something else is refused.
func openLayout(dir string) (ocispec.Index, error) {
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return index, nil
	}
	if err != nil {
		return index, diag.Errorf(diag.Position{}, "cannot write to %s: %w", dir, errors.Unwrap(err)).
			Hint("name a folder that is empty, not there, or an OCI layout")
	}
	data, err := os.ReadFile(filepath.Join(dir, ocispec.ImageIndexFile))
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if _, statErr := os.Stat(filepath.Join(dir, ocispec.ImageLayoutFile)); err != nil || statErr != nil {
		return index, diag.Errorf(diag.Position{}, "cannot write to %s: the folder holds something else than an OCI layout", dir).
			Hint("name a folder that is empty, not there, or an OCI layout")
	}
	return index, nil
}

// copyBlob copies a blob into the layout; a link would tie the layout to the store.
func copyBlob(from, to string, d digest.Digest, size int64) error {
	if info, err := os.Stat(to); err == nil && info.Size() == size {
		if have, err := os.Open(to); err == nil {
			err = copyVerified(io.Discard, have, d, size)
			have.Close()
			if err == nil {
				return nil
			}
		}
	}
	f, err := os.Open(from)
	if err != nil {
		return damaged(d, err)
	}
	defer f.Close()
	return wholefile.Writer{Prefix: ".part-"}.Stream(to, func(w io.Writer) error { return copyVerified(w, f, d, size) })
}

func writeJSON(dir, name string, v any) error {
	return wholefile.Writer{Prefix: ".part-"}.Stream(filepath.Join(dir, name), func(w io.Writer) error { return json.NewEncoder(w).Encode(v) })
}

// File writes an archive to a file, whole or not at all.
func File(path string, src Source, images []Image) error {
	return wholefile.Writer{Prefix: ".part-"}.Stream(path, func(w io.Writer) error { return Archive(w, src, images) })
}
