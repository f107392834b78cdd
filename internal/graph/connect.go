package graph

// What a reference means. It is ours when it has the registry or an alias in
// front, or is a bare name without a tag (or with latest), and a target has that
// name. Ours with a version tag or a digest is the published release, which is
// pulled like an upstream. A bare name with a tag, and a target's own name in its
// own Dockerfile, are upstreams, and so is everything else.

import (
	"errors"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/dockerfile"
	"github.com/plinth-build/plinth/internal/ociref"
)

// prefixes normalises the registry and the aliases, so that spelling does not matter.
func (b *builder) prefixes() {
	for _, p := range append([]string{b.catalog.Config.Registry}, b.catalog.Config.Aliases...) {
		ref, err := ociref.Parse(p + "/x")
		if err != nil {
			continue // catalog.Load refused it
		}
		b.ours = append(b.ours, strings.TrimSuffix(ref.Repository(), "x"))
	}
}

// meaning is what a reference turned out to be: a target, or an upstream, or
// neither, which is an error.
type meaning struct {
	target     *Target
	ref        ociref.Ref
	behind     bool
	suggestion string
	missing    string // the name that no target has
	context    bool   // a folder that image.yaml names
}

// resolve says what text means in the target t.
func (b *builder) resolve(text string, t *Target) (meaning, error) {
	if _, ok := t.contexts()[text]; ok {
		return meaning{context: true}, nil
	}
	ref, err := ociref.Parse(text)
	if err != nil {
		return meaning{}, err
	}
	m := b.image(text, ref, t)
	if m.target != nil {
		m.target, err = standable(m.target, t)
	}
	return m, err
}

// standable is the target that a reference to named means in t. Flavours are
// leaves: the name of a default flavour means the plain target beneath it, and
// only a flavour that is laid over another one may name that.
func standable(named, t *Target) (*Target, error) {
	switch {
	case named.Flavour == "" || named == t.Under:
		return named, nil
	case named.Name+plainSuffix == named.Plain().Name:
		return named.Plain(), nil
	}
	return nil, diag.Errorf(diag.Position{}, "it is the flavour %s of %s, and flavours are laid over finished images only", named.Flavour, named.Plain().Name).
		Hint("name %s, and list %s under flavours: of this image", named.Plain().Name, named.Flavour)
}

// contexts are the folders that the catalog gives a target by name.
func (t *Target) contexts() map[string]catalog.Context {
	if t.Flavour != "" {
		return nil
	}
	return t.Image.Contexts
}

// image says what a reference to an image means in the target t.
func (b *builder) image(text string, ref ociref.Ref, t *Target) meaning {
	m := meaning{ref: ref}
	floating := ref.Digest() == "" && (ref.Tag() == "" || ref.Tag() == "latest")
	if name, ok := b.afterPrefix(ref); ok {
		switch target := b.byName[name]; {
		case target == nil:
			m.missing = name
		case floating:
			m.target = target
		default:
			m.behind = true
		}
		return m
	}
	if name, ok := bareName(text, ref); ok && floating && name != t.Name {
		if target := b.byName[name]; target != nil {
			m.target = target
		} else {
			m.suggestion = diag.Nearest(name, b.names)
		}
	}
	return m
}

// afterPrefix is what follows the registry or an alias; with several that fit, the longest counts.
func (b *builder) afterPrefix(ref ociref.Ref) (string, bool) {
	best := ""
	for _, p := range b.ours {
		if strings.HasPrefix(ref.Repository(), p) && len(p) > len(best) {
			best = p
		}
	}
	return strings.TrimPrefix(ref.Repository(), best), best != ""
}

// bareName is the name in a reference that was written without any slash.
func bareName(text string, ref ociref.Ref) (string, bool) {
	if strings.Contains(text, "/") {
		return "", false
	}
	return strings.TrimPrefix(ref.Repository(), "docker.io/library/"), true
}

// connect finds the parents and upstreams of a target.
func (b *builder) connect(t *Target) {
	if t.Packages != nil {
		b.connectPackages(t)
		return
	}
	refs, err := t.Dockerfile.ReferencesWith(dockerfile.Options{
		Args: t.Args, Target: t.Stage, Platform: t.Platform,
		Onbuild: func(from string) []dockerfile.Trigger { return b.triggersOf(from, t) },
	})
	b.problems.AddErr(err)
	for _, r := range refs {
		b.add(t, r)
	}
	if err == nil && t.Under != nil {
		b.checkLaidOver(t)
	}
}

// checkLaidOver: a flavour that does not stand on its image is another image.
func (b *builder) checkLaidOver(t *Target) {
	if slices.ContainsFunc(t.Parents, func(e Edge) bool { return e.Base && e.Target == t.Under }) {
		return
	}
	stages := t.Dockerfile.Stages
	b.problems.Add(diag.Errorf(stages[len(stages)-1].Pos, "cannot lay the flavour over %s: it does not stand on ${BASE}", t.Under.Name).
		Hint("begin the last stage with FROM ${BASE}, and put ARG BASE before the first FROM"))
}

// triggersOf are the ONBUILD triggers of the target that from means, if it means one.
func (b *builder) triggersOf(from string, t *Target) []dockerfile.Trigger {
	m, err := b.resolve(from, t)
	if err != nil || m.target == nil || m.target.Dockerfile == nil {
		return nil
	}
	file := m.target.Dockerfile
	triggers, ok := b.triggers[file]
	if !ok {
		triggers, err = file.Triggers(m.target.Stage)
		b.problems.AddErr(err)
		b.triggers[file] = triggers
	}
	return triggers
}

func (b *builder) add(t *Target, r dockerfile.Reference) {
	m, err := b.resolve(r.Text, t)
	switch {
	case err != nil:
		b.problems.Add(misread(r.Text, r.Pos, err))
	case m.context:
		if t.Contexts == nil {
			t.Contexts = map[string]catalog.Context{}
		}
		t.Contexts[r.Text] = t.Image.Contexts[r.Text]
	case m.missing != "":
		b.problems.Add(b.notFound(r.Text, m.missing, r.Pos, r.Trigger))
	case m.target != nil:
		e := Edge{Target: m.target, Text: r.Text, Pos: r.Pos, Kind: r.Kind, Base: r.Base, Trigger: r.Trigger}
		i := slices.IndexFunc(t.Parents, func(p Edge) bool { return p.Text == e.Text && p.Kind == e.Kind })
		if i < 0 {
			t.Parents = append(t.Parents, e)
			return
		}
		t.Parents[i].Base = t.Parents[i].Base || e.Base
	default:
		u := Upstream{
			Ref: m.ref, Text: r.Text, Pos: r.Pos, Kind: r.Kind, Base: r.Base, Platform: r.Platform,
			Behind: m.behind, Suggestion: m.suggestion,
		}
		i := slices.IndexFunc(t.Upstreams, func(p Upstream) bool {
			return p.Text == u.Text && p.Kind == u.Kind && p.Platform == u.Platform
		})
		if i < 0 {
			t.Upstreams = append(t.Upstreams, u)
			return
		}
		t.Upstreams[i].Base = t.Upstreams[i].Base || u.Base
	}
}

// misread is the error about a reference that means nothing that can be used.
func misread(text string, pos diag.Position, err error) *diag.Error {
	var known *diag.Error
	if errors.As(err, &known) { // resolve has said what is wrong
		e := diag.Errorf(pos, "cannot use %s: %s", text, known.Msg)
		e.Hints = known.Hints
		return e
	}
	return diag.Errorf(pos, "cannot read image name %q: %w", text, err)
}

func (b *builder) notFound(text, name string, pos, trigger diag.Position) *diag.Error {
	e := diag.Errorf(pos, "cannot find image %s: no target is called %s", text, name)
	if trigger.File != "" {
		e.Hint("the ONBUILD in %s asks for it", trigger)
	}
	if near := diag.Nearest(name, b.names); near != "" {
		e.Hint("did you mean %s?", near)
	} else {
		e.Hint("plinth graph lists the targets")
	}
	return e
}

// connectPackages adds the parent of a package image. It must be a target:
// packages are added to an image whose own packages are known.
func (b *builder) connectPackages(t *Target) {
	p := t.Packages
	if p.From == "" {
		return
	}
	m, err := b.resolve(p.From, t)
	switch {
	case err != nil:
		b.problems.Add(misread(p.From, p.FromPos, err))
	case m.target != nil:
		t.Parents = []Edge{{Target: m.target, Text: m.target.Name, Pos: p.FromPos, Kind: dockerfile.From, Base: true}}
		p.From = m.target.Name
	case m.missing != "":
		b.problems.Add(b.notFound(p.From, m.missing, p.FromPos, diag.Position{}))
	case m.behind:
		b.problems.Add(diag.Errorf(p.FromPos, "cannot add packages to %s: it is a published release", p.From).
			Hint("leave out the tag to build on the target of this catalog"))
	default:
		name, _ := bareName(p.From, m.ref)
		e := b.notFound(p.From, p.From, p.FromPos, diag.Position{})
		if name == t.Name {
			e = diag.Errorf(p.FromPos, "cannot add packages to %s: it is the target itself", p.From)
		}
		b.problems.Add(e)
	}
}

// defaultDebian is the release of a package image that says none and has no parent that does.
const defaultDebian = "12"

// settleDebian gives package images the release of their parent. Targets come in build order.
func (b *builder) settleDebian(targets []*Target) {
	for _, t := range targets {
		if t.Packages == nil || t.Packages.Debian != "" {
			continue
		}
		t.Packages.Debian = defaultDebian
		if len(t.Parents) > 0 {
			if parent := t.Parents[0].Target.Packages; parent != nil {
				t.Packages.Debian = parent.Debian
			}
		}
	}
}

// settleTemp gives targets the temp paths of the catalog and of what they stand
// on, besides their own. Targets come in build order.
func (b *builder) settleTemp(targets []*Target) {
	for _, t := range targets {
		if t.noTemp {
			t.Temp = nil
			continue
		}
		all := append(slices.Clone(b.catalog.Config.Temp), t.Temp...)
		for _, e := range t.Parents {
			if e.Base {
				all = append(all, e.Target.Temp...)
			}
		}
		slices.Sort(all)
		t.Temp = slices.Compact(all)
	}
}

// settlePorts finds out what targets expose. Targets come in build order.
func settlePorts(targets []*Target) {
	for _, t := range targets {
		var all []string
		if t.Packages != nil {
			all = slices.Clone(t.Packages.ExposedPorts)
		} else {
			all = t.Dockerfile.Ports(dockerfile.Options{Args: t.Args, Target: t.Stage, Platform: t.Platform})
		}
		for _, e := range t.Parents {
			if e.Base {
				all = append(all, e.Target.Ports...)
			}
		}
		slices.SortFunc(all, dockerfile.ComparePorts)
		t.Ports = slices.Compact(all)
	}
}
