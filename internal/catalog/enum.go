package catalog

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/plinth-build/plinth/internal/diag"
)

// Refresh says how long a result is reused although nothing in the catalog changed.
type Refresh string

// The refresh windows.
const (
	Always  Refresh = "always"
	Daily   Refresh = "daily"
	Weekly  Refresh = "weekly"
	Monthly Refresh = "monthly"
	Never   Refresh = "never"
)

// Mode says how a package image is made.
type Mode string

// The modes of package images.
const (
	Distroless Mode = "distroless"
	Full       Mode = "full"
)

// Squash says how many layers a Dockerfile adds.
type Squash string

// The ways to squash.
const (
	SquashOwn  Squash = "own"  // one over its base
	SquashAll  Squash = "all"  // one in all
	SquashNone Squash = "none" // one an instruction
)

func squashNames() []string {
	return []string{string(SquashOwn), string(SquashAll), string(SquashNone)}
}

func refreshNames() []string {
	return []string{string(Always), string(Daily), string(Weekly), string(Monthly), string(Never)}
}

func modeNames() []string { return []string{string(Distroless), string(Full)} }

func profileNames() []string {
	return []string{"recommended", "strict", "base-image", "hadolint", "buildkit"}
}

func severityNames() []string { return []string{"error", "warning", "info", "style", "off"} }

func onNames() []string { return []string{"instruction", "command", "stage", "image"} }

func labelKinds() []string {
	return []string{"text", "url", "rfc3339", "spdx", "hash", "semver", "email"}
}

// These are texts with a fixed set of values.
type (
	profileText  struct{ text }
	severityText struct{ text }
	labelText    struct{ text }
	onText       struct{ text }
	refreshText  struct{ text }
	modeText     struct{ text }
	squashText   struct{ text }
)

func (r *refreshText) decode(d *decoder, n ast.Node, key string) {
	r.text.decode(d, n, key)
	r.oneOf(d, key, refreshNames())
}

func (p *profileText) decode(d *decoder, n ast.Node, key string) {
	p.text.decode(d, n, key)
	p.oneOf(d, key, profileNames())
}

func (s *severityText) decode(d *decoder, n ast.Node, key string) {
	s.text.decode(d, n, key)
	s.oneOf(d, key, severityNames())
}

func (o *onText) decode(d *decoder, n ast.Node, key string) {
	o.text.decode(d, n, key)
	o.oneOf(d, key, onNames())
}

func (l *labelText) decode(d *decoder, n ast.Node, key string) {
	l.text.decode(d, n, key)
	l.oneOf(d, key, labelKinds())
}

func (m *modeText) decode(d *decoder, n ast.Node, key string) {
	m.text.decode(d, n, key)
	m.oneOf(d, key, modeNames())
}

func (s *squashText) decode(d *decoder, n ast.Node, key string) {
	s.text.decode(d, n, key)
	s.oneOf(d, key, squashNames())
}

func (t *text) oneOf(d *decoder, key string, names []string) {
	if t.v == "" || slices.Contains(names, t.v) {
		return
	}
	e := d.fail(t.pos, "cannot use %q as %s", t.v, key)
	if near := diag.Nearest(t.v, names); near != "" {
		e.Hint("did you mean %s?", near)
	} else {
		e.Hint("write one of: %s", strings.Join(names, ", "))
	}
}
