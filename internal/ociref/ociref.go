// Package ociref reads image references and platforms and writes them in one
// normal form, so that two spellings of one image compare equal everywhere.
//
//	ref, err := ociref.Parse("debian:12")
//	ref.Normalised() // docker.io/library/debian:12
//
// The grammar is that of github.com/distribution/reference. Nothing here looks
// at a registry: a Ref says what an image is called, never that it exists.
package ociref

import (
	"errors"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
)

// Scratch is the name that front ends give to the empty image. It is no
// reference: Parse refuses it.
const Scratch = "scratch"

// ErrScratch is what Parse returns for the name of the empty image.
var ErrScratch = errors.New(`"scratch" is the empty image, not a reference`)

// Ref is a parsed image reference with a registry and a repository. The zero
// Ref holds nothing; Refs are comparable, and equal ones were written with the
// same repository, tag and digest.
type Ref struct {
	registry string // docker.io
	path     string // library/debian
	tag      string // as written, may be empty
	digest   string // algorithm:hex, may be empty
}

// Parse reads a reference as docker does: a name without a registry is one of
// docker.io, a name without a slash one of docker.io/library. The errors are
// those of the reference grammar, ErrScratch among them, without a position.
func Parse(s string) (Ref, error) {
	if s == Scratch {
		return Ref{}, ErrScratch
	}
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		return Ref{}, err
	}
	r := Ref{registry: reference.Domain(named), path: reference.Path(named)}
	if t, ok := named.(reference.Tagged); ok {
		r.tag = t.Tag()
	}
	if d, ok := named.(reference.Digested); ok {
		r.digest = d.Digest().String()
	}
	return r, nil
}

// Normalised is the full form: registry, repository, tag and digest, with the
// tag latest filled in when there is neither a tag nor a digest.
func (r Ref) Normalised() string {
	return r.Repository() + r.suffix()
}

// Familiar is the form that people write: docker.io and library/ left out.
// Like Normalised it names the tag latest.
func (r Ref) Familiar() string {
	name := r.Repository()
	if r.registry == "docker.io" {
		name = strings.TrimPrefix(r.path, "library/")
	}
	return name + r.suffix()
}

func (r Ref) suffix() string {
	var s string
	switch {
	case r.tag != "":
		s = ":" + r.tag
	case r.digest == "" && r.path != "":
		s = ":latest"
	}
	if r.digest != "" {
		s += "@" + r.digest
	}
	return s
}

// Registry is the host with its port, such as docker.io.
func (r Ref) Registry() string { return r.registry }

// Repository is the registry and the path, such as docker.io/library/debian.
func (r Ref) Repository() string {
	if r.registry == "" {
		return r.path
	}
	return r.registry + "/" + r.path
}

// Tag is the tag as written; "" when none was.
func (r Ref) Tag() string { return r.tag }

// Digest is the digest as written, algorithm:hex; "" when none was.
func (r Ref) Digest() string { return r.digest }

// String is Normalised.
func (r Ref) String() string { return r.Normalised() }

// IsZero says that r holds no reference.
func (r Ref) IsZero() bool { return r == Ref{} }

// WithDigest is r pinned to a digest in the form algorithm:hex, in place of
// the one it had; the tag stays.
func (r Ref) WithDigest(d string) (Ref, error) {
	parsed, err := digest.Parse(d)
	if err != nil {
		return Ref{}, fmt.Errorf("cannot pin %s to the digest %q: %w", r, d, err)
	}
	r.digest = parsed.String()
	return r, nil
}
