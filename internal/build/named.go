package build

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/solver/pb"
	policy "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/diag"
)

// BuildKit has named contexts for giving a FROM another meaning, but they are
// looked up under the names of stages too: with a context called debian12 the
// stage of `FROM debian12 AS debian12` would be replaced by it, its steps
// dropped without a word. So the front end sees ordinary references here. It is
// told their configs by us (see frontEnd), and in the graph of steps that it
// makes, a pull of such a reference becomes a read from the store. A source
// policy could do that in the engine, but the engine then loses the places in
// the Dockerfile, because changed steps have other digests. A policy denies
// whatever else is to be pulled.

// NamedImage is an image that a Dockerfile refers to. Exactly one of Manifest
// and Upstream is set.
type NamedImage struct {
	// Text is the reference as the Dockerfile has it once its ARGs are expanded,
	// e.g. "debian12", "registry.acme.example/base/java17:latest", "debian:12".
	Text string
	// Platform is the platform of the FROM, os/architecture[/variant]; "" means any.
	Platform string
	// Manifest is the digest of a manifest in the store.
	Manifest digest.Digest
	// Upstream is a reference with a digest, e.g. "docker.io/library/debian:12@sha256:…".
	Upstream string
}

// named is a NamedImage as the front end asks for it.
type named struct {
	image    NamedImage
	upstream string // normalised, with a digest
	config   []byte // of an image in the store
	// source is the reference that the front end makes of our answer
	source string
}

// names answers for the references of one Dockerfile. Keys are normalised
// references, followed by a space and the platform where it matters.
type names struct {
	byKey map[string]*named
	texts []string
}

func (b *Builder) resolveNames(r Request) (*names, error) {
	n := &names{byKey: map[string]*named{}}
	for _, image := range r.Named {
		ref, err := normalise(image.Text)
		if err != nil {
			return nil, diag.Errorf(diag.Position{File: r.DockerfilePath}, "cannot build %s: %q is not an image reference: %w", r.Target, image.Text, err)
		}
		entry := &named{image: image}
		if image.Manifest != "" {
			err = b.fromStore(entry, ref)
		} else {
			err = fromRegistry(entry)
		}
		if err != nil {
			return nil, diag.Errorf(diag.Position{File: r.DockerfilePath}, "cannot build %s: %q: %w", r.Target, image.Text, err)
		}
		key, err := nameKey(ref, image.Platform)
		if err != nil {
			return nil, diag.Errorf(diag.Position{File: r.DockerfilePath}, "cannot build %s: %w", r.Target, err)
		}
		n.byKey[key] = entry
		n.texts = append(n.texts, image.Text)
	}
	return n, nil
}

// normalise writes a reference in full, as the front end does before it asks:
// docker.io/library/ in front and :latest behind where nothing is said.
func normalise(text string) (reference.Named, error) {
	ref, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return nil, err
	}
	return reference.TagNameOnly(ref), nil
}

func nameKey(ref reference.Named, platform string) (string, error) {
	if platform == "" {
		return ref.String(), nil
	}
	p, err := platforms.Parse(platform)
	if err != nil {
		return "", fmt.Errorf("%q is not a platform: %w", platform, err)
	}
	return ref.String() + " " + platforms.FormatAll(platforms.Normalize(p)), nil
}

// lookup finds the image for a reference as the front end normalised it.
func (n *names) lookup(ref string, platform *ocispec.Platform) *named {
	if platform != nil {
		if entry, ok := n.byKey[ref+" "+platforms.FormatAll(platforms.Normalize(*platform))]; ok {
			return entry
		}
	}
	return n.byKey[ref]
}

func (b *Builder) fromStore(entry *named, ref reference.Named) error {
	m, err := b.store.ReadManifest(entry.image.Manifest)
	if err != nil {
		return err
	}
	config, err := b.store.ReadConfig(entry.image.Manifest)
	if err != nil {
		return err
	}
	if entry.config, err = accountForLayers(config, len(m.Layers)); err != nil {
		return err
	}
	return entry.setSource(ref, entry.image.Manifest)
}

func fromRegistry(entry *named) error {
	up, err := reference.ParseNormalizedNamed(entry.image.Upstream)
	if err != nil {
		return err
	}
	canonical, ok := up.(reference.Canonical)
	if !ok {
		return fmt.Errorf("upstream %s has no digest", entry.image.Upstream)
	}
	entry.upstream = canonical.String()
	return entry.setSource(up, canonical.Digest())
}

// setSource notes the reference that will stand in the graph of steps: the front
// end puts the digest that it was told on the reference that it was told.
func (e *named) setSource(ref reference.Named, dgst digest.Digest) error {
	source, err := reference.WithDigest(ref, dgst)
	if err != nil {
		return err
	}
	e.source = source.String()
	return nil
}

// policy lets the engine pull the upstreams and no other image.
func (n *names) policy() *policy.Policy {
	p := &policy.Policy{Version: 1, Rules: []*policy.Rule{{
		Action:   policy.PolicyAction_DENY,
		Selector: &policy.Selector{Identifier: imageScheme + "*", MatchType: policy.MatchType_WILDCARD},
	}}}
	for _, key := range slices.Sorted(maps.Keys(n.byKey)) {
		if entry := n.byKey[key]; entry.upstream != "" {
			p.Rules = append(p.Rules, &policy.Rule{
				Action:   policy.PolicyAction_ALLOW,
				Selector: &policy.Selector{Identifier: imageScheme + entry.source, MatchType: policy.MatchType_EXACT},
			})
		}
	}
	return p
}

const imageScheme = "docker-image://"

// redirect makes steps that pull one of our images into steps that read it from
// the store.
func (n *names) redirect(g *graph) {
	ours := map[string]digest.Digest{}
	for _, entry := range n.byKey {
		if entry.image.Manifest != "" {
			ours[imageScheme+entry.source] = entry.image.Manifest
		}
	}
	for _, s := range g.steps {
		source := s.op.GetSource()
		if source == nil {
			continue
		}
		if manifest, ok := ours[source.Identifier]; ok {
			// one name for all, so that the same parent under two names is one
			// step, and the words in its history don't depend on the name
			source.Identifier = "oci-layout://plinth.invalid/image@" + manifest.String()
			source.Attrs = map[string]string{pb.AttrOCILayoutStoreID: storeName}
		}
	}
}

// accountForLayers gives a config with one history entry for each layer.
// Where entries are missing the engine would make them up from what its cache
// remembers of a layer, its time included, and a child's digest would depend
// on that. An image without layers must not have entries that claim one.
func accountForLayers(config []byte, layers int) ([]byte, error) {
	var have struct {
		Created json.RawMessage   `json:"created"`
		History []json.RawMessage `json:"history"`
	}
	if err := json.Unmarshal(config, &have); err != nil {
		return nil, fmt.Errorf("cannot read the image config: %w", err)
	}
	count := 0
	for _, raw := range have.History {
		var h ocispec.History
		if err := json.Unmarshal(raw, &h); err != nil {
			return nil, fmt.Errorf("cannot read the image's history: %w", err)
		}
		if !h.EmptyLayer {
			count++
		}
	}
	if count == layers {
		return config, nil
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(config, &fields); err != nil {
		return nil, fmt.Errorf("cannot read the image config: %w", err)
	}
	history := have.History
	if count > layers {
		history = nil // what it says is wrong anyhow
		count = 0
	}
	entry := map[string]json.RawMessage{"created_by": json.RawMessage(`"layer"`)}
	if len(have.Created) > 0 {
		entry["created"] = have.Created
	}
	raw, err := json.Marshal(entry)
	if err != nil {
		return nil, err
	}
	for ; count < layers; count++ {
		history = append(history, raw)
	}
	if fields["history"], err = json.Marshal(history); err != nil {
		return nil, err
	}
	return json.Marshal(fields)
}
