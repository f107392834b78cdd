package main

// The image in its layout, and its layers as folders for overlayfs.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/containerd/containerd/v2/pkg/archive"
	"github.com/containerd/containerd/v2/pkg/archive/compression"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// image is one image of an OCI layout.
type image struct {
	store  string
	layers []digest.Digest
	config ocispec.ImageConfig
	raw    []byte // the config as it stands in the store
}

func openImage(store, target string) (image, error) {
	img := image{store: store}
	var index ocispec.Index
	if err := readJSON(filepath.Join(store, "index.json"), &index); err != nil {
		return img, err
	}
	for _, m := range index.Manifests {
		if m.Annotations[ocispec.AnnotationRefName] != target {
			continue
		}
		var manifest ocispec.Manifest
		if err := readJSON(img.blob(m.Digest), &manifest); err != nil {
			return img, err
		}
		for _, l := range manifest.Layers {
			img.layers = append(img.layers, l.Digest)
		}
		var err error
		if img.raw, err = os.ReadFile(img.blob(manifest.Config.Digest)); err != nil {
			return img, err
		}
		var config ocispec.Image
		err = json.Unmarshal(img.raw, &config)
		img.config = config.Config
		return img, err
	}
	return img, fmt.Errorf("find %s in %s", target, store)
}

func (i image) blob(d digest.Digest) string {
	return filepath.Join(i.store, "blobs", d.Algorithm().String(), d.Encoded())
}

// unpack makes a folder below dir for each layer, unless it is there, and
// returns them from the topmost down as overlayfs wants them. Of a layer that an
// image has twice only the upper one counts, which overrides the other wholly.
func (i image) unpack(dir string) ([]string, error) {
	var lower []string
	for n, l := range i.layers {
		if slices.Contains(i.layers[n+1:], l) {
			continue
		}
		// short names, because all of them go into the options of one mount
		to := filepath.Join(dir, l.Encoded()[:16])
		if _, err := os.Stat(to); errors.Is(err, fs.ErrNotExist) {
			if err := i.unpackLayer(l, dir, to); err != nil {
				return nil, fmt.Errorf("unpack %s: %w", l, err)
			}
		} else if err != nil {
			return nil, err
		}
		lower = append([]string{to}, lower...)
	}
	return lower, nil
}

func (i image) unpackLayer(l digest.Digest, dir, to string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(dir, "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	f, err := os.Open(i.blob(l))
	if err != nil {
		return err
	}
	defer f.Close()
	stream, err := compression.DecompressStream(f)
	if err != nil {
		return err
	}
	defer stream.Close()
	if _, err := archive.Apply(context.Background(), tmp, stream, archive.WithConvertWhiteout(archive.OverlayConvertWhiteout)); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil { //nolint:gosec // the root of an image
		return err
	}
	if err := os.Rename(tmp, to); err != nil {
		if _, there := os.Stat(to); there == nil {
			return nil // another runsvc was faster
		}
		return err
	}
	return nil
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}
