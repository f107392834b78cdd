package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// factLabels tell where an image comes from. They belong to one image: whoever
// builds on it takes over none of them.
var factLabels = [...]string{
	ocispec.AnnotationTitle, ocispec.AnnotationDescription, ocispec.AnnotationAuthors, ocispec.AnnotationLicenses,
	ocispec.AnnotationDocumentation, ocispec.AnnotationURL, ocispec.AnnotationSource, ocispec.AnnotationRevision,
	ocispec.AnnotationVersion, ocispec.AnnotationCreated, ocispec.AnnotationRefName,
	ocispec.AnnotationBaseImageName, ocispec.AnnotationBaseImageDigest,
}

// IsFactLabel says whether a label states a fact about one image alone, such as
// its title or its commit, so that an image built on it must not have it too.
// The keys are those of the OCI image specification 1.1, annotations.
func IsFactLabel(key string) bool { return slices.Contains(factLabels[:], key) }

// contentDigest identifies what an image gives to those that are built on it:
// layers and run-time config, without the labels and the time that tell where it
// comes from. A commit that changes nothing else moves an image's digest, but
// not this. It is a SHA-256 in hex.
func contentDigest(m ocispec.Manifest, config []byte) (string, error) {
	doc := map[string]json.RawMessage{}
	if err := json.Unmarshal(config, &doc); err != nil {
		return "", fmt.Errorf("cannot read the image config: %w", err)
	}
	delete(doc, "created")
	run := map[string]json.RawMessage{}
	if raw := doc["config"]; raw != nil {
		if err := json.Unmarshal(raw, &run); err != nil {
			return "", fmt.Errorf("cannot read the image config: %w", err)
		}
	}
	labels := map[string]json.RawMessage{}
	if raw := run["Labels"]; raw != nil {
		if err := json.Unmarshal(raw, &labels); err != nil {
			return "", fmt.Errorf("cannot read the image's labels: %w", err)
		}
	}
	for _, key := range factLabels {
		delete(labels, key)
	}
	delete(doc, "config")
	delete(run, "Labels")
	layers := make([]string, 0, len(m.Layers))
	for _, l := range m.Layers {
		layers = append(layers, l.Digest.String())
	}
	data, err := json.Marshal([]any{layers, doc, run, labels}) // maps are written with sorted keys
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
