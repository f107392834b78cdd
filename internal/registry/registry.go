// Package registry asks registries what a tag points at now. It is used by
// `plinth update` alone: a build trusts the lock.
package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/ociref"
)

// Resolve asks the registry what ref points at, and returns its digests for
// the platforms that the image has, and the newest creation time among those
// asked for. Credentials come from the Docker configuration. Errors name the
// reference and say what to do.
func Resolve(ctx context.Context, ref ociref.Ref, platforms []ociref.Platform) (lock.Upstream, error) {
	parsed, err := name.ParseReference(ref.Normalised())
	if err != nil {
		return lock.Upstream{}, diag.Errorf(diag.Position{}, "cannot resolve %s: %w", ref.Familiar(), err)
	}
	// one slow look-up must not hang an update for ever
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	desc, err := remote.Get(parsed, options...)
	if err != nil {
		return lock.Upstream{}, explain(ref, parsed, err)
	}
	up := lock.Upstream{Index: desc.Digest.String(), Digests: map[string]string{}}
	if desc.MediaType.IsIndex() {
		index, err := desc.ImageIndex()
		if err != nil {
			return lock.Upstream{}, explain(ref, parsed, err)
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			return lock.Upstream{}, explain(ref, parsed, err)
		}
		for _, m := range manifest.Manifests {
			if m.Platform == nil || m.Platform.OS == "unknown" { // attestations carry unknown/unknown
				continue
			}
			platform := ociref.Platform{OS: m.Platform.OS, Arch: m.Platform.Architecture, Variant: m.Platform.Variant}.String()
			if _, ok := up.Digests[platform]; !ok {
				up.Digests[platform] = m.Digest.String()
			}
		}
		for _, p := range platforms {
			digest, ok := up.Digests[p.String()]
			if !ok {
				continue // the build says so, with the position of the FROM
			}
			hash, err := v1.NewHash(digest)
			if err != nil {
				return lock.Upstream{}, explain(ref, parsed, err)
			}
			image, err := index.Image(hash)
			if err != nil {
				return lock.Upstream{}, explain(ref, parsed, err)
			}
			if _, err := readConfig(image, &up); err != nil {
				return lock.Upstream{}, explain(ref, parsed, err)
			}
		}
		return up, nil
	}
	image, err := desc.Image()
	if err != nil {
		return lock.Upstream{}, explain(ref, parsed, err)
	}
	platform, err := readConfig(image, &up)
	if err != nil {
		return lock.Upstream{}, explain(ref, parsed, err)
	}
	up.Digests[platform] = desc.Digest.String()
	return up, nil
}

// readConfig takes the creation time from an image's config into up and returns its platform.
func readConfig(image v1.Image, up *lock.Upstream) (string, error) {
	raw, err := image.RawConfigFile()
	if err != nil {
		return "", err
	}
	var config struct {
		OS           string     `json:"os"`
		Architecture string     `json:"architecture"`
		Variant      string     `json:"variant"`
		Created      *time.Time `json:"created"`
	}
	if err := json.Unmarshal(raw, &config); err != nil {
		return "", fmt.Errorf("its config is damaged: %w", err)
	}
	if config.Created != nil {
		up.Created = max(up.Created, config.Created.Unix(), 0)
	}
	return ociref.Platform{OS: config.OS, Arch: config.Architecture, Variant: config.Variant}.String(), nil
}

// explain turns a registry's refusal into words.
func explain(ref ociref.Ref, parsed name.Reference, err error) error {
	host := parsed.Context().RegistryStr()
	e := diag.Errorf(diag.Position{}, "cannot resolve %s: %w", ref.Familiar(), err)
	var refused *transport.Error
	var network *net.OpError
	switch {
	case errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound:
		e = &diag.Error{Msg: fmt.Sprintf("cannot resolve %s: registry %s has no such image", ref.Familiar(), host), Err: nil}
		e = e.Hint("check the name and the tag")
	case errors.As(err, &refused) && (refused.StatusCode == http.StatusUnauthorized || refused.StatusCode == http.StatusForbidden):
		e = &diag.Error{Msg: fmt.Sprintf("cannot resolve %s: registry %s refuses access (%d)", ref.Familiar(), host, refused.StatusCode)}
		e = e.Hint("log in with: docker login %s (or write ~/.docker/config.json), and check that the image exists", host)
	case errors.As(err, &network):
		// the words around it repeat both addresses that were tried
		e = diag.Errorf(diag.Position{}, "cannot resolve %s: cannot reach %s: %w", ref.Familiar(), host, network.Err)
		e = e.Hint("check the network and the proxy settings (HTTPS_PROXY)")
	case errors.Is(err, context.DeadlineExceeded):
		e = &diag.Error{Msg: fmt.Sprintf("cannot resolve %s: %s does not answer", ref.Familiar(), host), Err: context.DeadlineExceeded}
		e = e.Hint("check the network and the proxy settings (HTTPS_PROXY)")
	}
	return e
}
