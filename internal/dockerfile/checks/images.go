package checks

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// images answers FROM without a registry.
type images struct {
	resolve func(string, ocispecs.Platform) []byte
}

// ResolveImageConfig is part of llb.ImageMetaResolver. BuildKit calls it in goroutines of its own, where
// nobody else would catch a panic.
func (i images) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (_ string, _ digest.Digest, config []byte, err error) {
	var p ocispecs.Platform
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		p = *opt.ImageOpt.Platform
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot tell what %s is: %v", ref, r)
		}
	}()
	if i.resolve != nil {
		config = i.resolve(ref, p)
	}
	if config == nil {
		config = plain(p)
	}
	return ref, "", config, nil
}

// plain is the configuration of an image that says nothing. It has a layer, so that it is not
// taken for an empty one.
func plain(p ocispecs.Platform) []byte {
	config, err := json.Marshal(ocispecs.Image{Platform: p, RootFS: ocispecs.RootFS{Type: "layers", DiffIDs: []digest.Digest{layer}}})
	if err != nil {
		return nil
	}
	return config
}

// layer stands for the layers of an image that is not looked at.
const layer = digest.Digest("sha256:0000000000000000000000000000000000000000000000000000000000000000")

// Reference is the whole name that BuildKit asks Resolve for when FROM names an image; the name itself if
// it is none.
func Reference(image string) string {
	ref, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return image
	}
	return reference.TagNameOnly(ref).String()
}
