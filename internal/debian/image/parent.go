package image

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/debian/deb"
)

// normalise is deb.Normalise for paths that are not a package's.
func normalise(p string) (string, bool, error) { return deb.Normalise(p) }

// parentImage is what a build needs to know about the image below it: its
// manifest and config, and of the layers that are no package's the folders and
// the content of a few files.
type parentImage struct {
	manifest ocispec.Manifest
	config   []byte
	dirs     map[string]dirMeta
	files    map[string][]byte // see isKept
}

// isKept says which files of a parent are read: those that a child extends.
func isKept(name string) bool {
	switch name {
	case "etc/passwd", "etc/group", "etc/shadow", "etc/gshadow":
		return true
	}
	return strings.HasPrefix(name, localCerts) && strings.HasSuffix(name, ".crt")
}

func (b *builder) readParent() (*parentImage, error) {
	p := &parentImage{dirs: map[string]dirMeta{}, files: map[string][]byte{}}
	var err error
	if p.manifest, err = b.st.ReadManifest(b.Parent.Manifest); err == nil {
		p.config, err = b.st.ReadBlob(p.manifest.Config.Digest)
	}
	if err != nil {
		return nil, b.errorf("its parent cannot be read: %w", err)
	}
	var config struct {
		History []struct {
			CreatedBy  string `json:"created_by"`
			EmptyLayer bool   `json:"empty_layer"`
		} `json:"history"`
	}
	if err := json.Unmarshal(p.config, &config); err != nil {
		return nil, b.errorf("its parent's config cannot be read: %w", err)
	}
	var by []string
	for _, h := range config.History {
		if !h.EmptyLayer {
			by = append(by, h.CreatedBy)
		}
	}
	if full := slices.Contains(by, configuredBy); full != (b.Spec.Mode == Full) {
		mode := Distroless
		if full {
			mode = Full
		}
		return nil, b.errorf("its mode is %s and its parent's is %s", b.Spec.Mode, mode).Hint("give both the same mode:")
	}
	for i, l := range p.manifest.Layers {
		if len(by) == len(p.manifest.Layers) && strings.HasPrefix(by[i], packagesBy) {
			continue // its folders are known from the packages
		}
		if err := p.scan(b.st.BlobPath(l.Digest), l.MediaType); err != nil {
			return nil, b.errorf("layer %s of its parent cannot be read: %w", l.Digest, err)
		}
	}
	return p, nil
}

// openLayer opens a layer as a tar stream.
func openLayer(file, mediaType string) (io.Reader, io.Closer, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	var r io.Reader = f
	switch {
	case strings.HasSuffix(mediaType, "gzip"):
		r, err = gzip.NewReader(f)
	case strings.HasSuffix(mediaType, "zstd"):
		var z *zstd.Decoder
		if z, err = zstd.NewReader(f, zstd.WithDecoderConcurrency(1)); err == nil {
			r = z.IOReadCloser()
		}
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return r, f, nil
}

// scan takes the folders and kept files of one layer.
func (p *parentImage) scan(file, mediaType string) error {
	r, c, err := openLayer(file, mediaType)
	if err != nil {
		return err
	}
	defer c.Close()
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		dir, base := path.Split(name)
		if gone, ok := strings.CutPrefix(base, ".wh."); ok {
			delete(p.files, dir+gone)
			delete(p.dirs, dir+gone)
			continue
		}
		switch {
		case h.Typeflag == tar.TypeDir && name != "":
			p.dirs[name] = dirMeta{uint32(h.Mode) & 0o7777, h.Uid, h.Gid}
		case h.Typeflag == tar.TypeReg && isKept(name):
			if h.Size > 4<<20 {
				return errors.New(name + " is too large")
			}
			if p.files[name], err = io.ReadAll(tr); err != nil {
				return err
			}
		}
	}
}
