// Package family tells rules where a Dockerfile stands in a catalog: which targets are built from it,
// with which arguments, and what the images bring that it stands on.
//
//	f := family.New(g, true)
//	for _, path := range f.Files() {
//		for _, image := range f.Contexts(path) { … lint.NewDoc(file, options, folder, image) … }
//	}
//
// What a parent brings is worked out from its own Dockerfile or package list, as far
// up as the catalog goes. Nothing is built: what an upstream image brings is not known.
package family

import (
	"maps"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lint"
)

// Family is a catalog as rules see it. It is not safe for use by several goroutines at once.
type Family struct {
	graph  *graph.Graph
	locked bool
	files  map[string]*syntax.File           // by path
	states map[*graph.Target]*lint.Effective // what a target's image has
}

// New makes a Family. locked says that upstreams are pinned by a lock.
func New(g *graph.Graph, locked bool) *Family {
	return &Family{graph: g, locked: locked, files: map[string]*syntax.File{}, states: map[*graph.Target]*lint.Effective{}}
}

// Files are the Dockerfiles that targets are built from, as slash paths relative to the
// catalog's root, sorted.
func (f *Family) Files() []string {
	set := map[string]bool{}
	for _, t := range f.graph.Targets {
		if t.Dockerfile != nil {
			set[t.DockerfilePath] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// File is a Dockerfile of the catalog, split.
func (f *Family) File(path string) *syntax.File {
	if file, ok := f.files[path]; ok {
		return file
	}
	for _, t := range f.graph.Targets {
		if t.DockerfilePath == path && t.Dockerfile != nil {
			f.files[path] = syntax.Parse(path, t.Dockerfile.Data)
			return f.files[path]
		}
	}
	return nil
}

// Replace puts other contents in the place of a Dockerfile, as an editor has them, and forgets
// what depended on it.
func (f *Family) Replace(path string, data []byte) {
	f.files[path] = syntax.Parse(path, data)
	for t := range f.states {
		if t.DockerfilePath == path {
			f.forget(t)
		}
	}
}

func (f *Family) forget(t *graph.Target) {
	for _, d := range append(f.graph.Descendants(t), t) {
		delete(f.states, d)
	}
}

// Dependents are the Dockerfiles whose findings may change with one: itself, and those of all
// targets that stand on one of its targets.
func (f *Family) Dependents(path string) []string {
	set := map[string]bool{path: true}
	for _, t := range f.graph.Targets {
		if t.DockerfilePath == path {
			for _, d := range f.graph.Descendants(t) {
				if d.Dockerfile != nil {
					set[d.DockerfilePath] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Contexts are the places of a Dockerfile in the catalog: one for each target that is built
// from it, nil if there is none.
func (f *Family) Contexts(path string) (out []*lint.Context) {
	for _, t := range f.graph.Targets {
		if t.DockerfilePath == path && t.Dockerfile != nil {
			out = append(out, f.context(t))
		}
	}
	return out
}

// plinthLabels are those that a build fills in by itself.
var plinthLabels = []string{
	"org.opencontainers.image.revision", "org.opencontainers.image.created", "org.opencontainers.image.source",
	"org.opencontainers.image.base.name", "org.opencontainers.image.base.digest",
}

func (f *Family) context(t *graph.Target) *lint.Context {
	c := &lint.Context{
		Targets: []string{t.Name}, Args: t.Args, Flavour: t.Flavour, Final: t.Stage, Temp: t.Temp,
		Refresh: string(t.Refresh), Locked: f.locked,
	}
	c.Labels = slices.Sorted(maps.Keys(t.Labels))
	c.Labels = append(c.Labels, plinthLabels...)
	c.Base = func(ref string) *lint.Effective {
		for _, e := range t.Parents {
			if e.Text == ref {
				return f.State(e.Target).Inherited(e.Target.Name)
			}
		}
		return nil
	}
	return c
}

// State is what the image of a target has.
func (f *Family) State(t *graph.Target) *lint.Effective {
	if e, ok := f.states[t]; ok {
		return e
	}
	f.states[t] = lint.Unknown() // for what stands on itself; graph.Build refuses that
	if t.Dockerfile == nil {
		f.states[t] = f.packages(t)
		return f.states[t]
	}
	d := lint.NewDoc(f.File(t.DockerfilePath), nil, nil, f.context(t))
	if final := d.Final(); final != nil {
		e := final.After().Inherited(t.Name)
		e.Labels = withLabels(e.Labels, t.Labels)
		f.states[t] = e
	}
	return f.states[t]
}

// packages is what a package image has: what its list says, over what it stands on.
func (f *Family) packages(t *graph.Target) *lint.Effective {
	e := lint.Scratch()
	if base := t.Base(); base != nil {
		inherited := *f.State(base)
		e = &inherited
	}
	p := t.Packages
	said := func(s string) lint.Value { return lint.Value{S: s, Set: true, From: t.Name} }
	if p.User != "" {
		e.User = said(p.User)
	}
	if p.WorkingDir != "" {
		e.Workdir = said(p.WorkingDir)
	}
	if p.StopSignal != "" {
		e.StopSignal = said(p.StopSignal)
	}
	if p.Entrypoint != nil {
		e.Entrypoint, e.Cmd = said(strings.Join(p.Entrypoint, " ")), lint.Value{}
	}
	if p.Cmd != nil {
		e.Cmd = said(strings.Join(p.Cmd, " "))
	}
	e.Env = maps.Clone(e.Env)
	for _, v := range p.Env {
		if e.Env == nil {
			e.Env = map[string]string{}
		}
		e.Env[v.Name] = v.Value
	}
	e.Expose = append(slices.Clone(e.Expose), p.ExposedPorts...)
	if p.Mode == catalog.Distroless && t.Base() == nil {
		e.NoShell = true
	}
	e.Labels = withLabels(e.Labels, t.Labels)
	return e
}

func withLabels(labels, more map[string]string) map[string]string {
	out := maps.Clone(labels)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, more)
	return out
}

// Merge joins the findings of one file in several places of the catalog. What is found
// in all of them is true for the file; the rest says for which targets it is.
func Merge(findings [][]*lint.Finding, contexts []*lint.Context) []*lint.Finding {
	if len(findings) == 1 {
		return findings[0]
	}
	type key struct {
		from, to int
		code     string
		message  string
	}
	found := map[key]*lint.Finding{}
	targets := map[key][]string{}
	var order []key
	for i, list := range findings {
		for _, x := range list {
			k := key{x.Span.From, x.Span.To, x.Rule.Code, x.Message}
			if found[k] == nil {
				found[k] = x
				order = append(order, k)
			}
			targets[k] = append(targets[k], contexts[i].Targets...)
		}
	}
	all := 0
	for _, c := range contexts {
		all += len(c.Targets)
	}
	var out []*lint.Finding
	for _, k := range order {
		if len(targets[k]) < all {
			found[k].Targets = targets[k]
		}
		out = append(out, found[k])
	}
	return lint.Sort(out)
}
