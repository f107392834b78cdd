// Package graph makes targets of the images of a catalog and finds out what
// each of them needs.
//
//	g, err := graph.Build(c)
//	targets, err := g.Select("java17+", "0200")
//
// A target is an image with one combination of its matrix values. Build expands
// the matrix and the templates, decides which references mean targets of this
// catalog and which mean upstreams, adds what ONBUILD triggers of a parent need,
// and orders the targets so that parents come first. All problems come at once:
// names claimed twice, parents that are missing, cycles.
//
// A Graph does not change after Build. Nothing here reads a lock, a registry or
// a store: an upstream is a name, whether it exists is found out later.
package graph

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/dockerfile"
	"github.com/plinth-build/plinth/internal/ociref"
)

// Graph is the targets of a catalog.
type Graph struct {
	Catalog *catalog.Catalog
	Targets []*Target // parents before children, ties by name

	byName   map[string]*Target
	children map[*Target][]*Target
	place    map[*Target]int // in Targets
}

// Target is one thing that is built.
type Target struct {
	Name           string
	Image          *catalog.Image
	Flavour        string            // "" for the plain one
	Values         map[string]string // matrix values by axis
	Args           map[string]string // build arguments: of the catalog, of the image over them, matrix values over both
	Labels         map[string]string // of the catalog, of the image over them, then title, description and owners
	Platform       ociref.Platform
	Packages       *catalog.Packages // templates expanded; nil for a Dockerfile
	Dockerfile     *dockerfile.File  // nil for a package image
	Dir            string            // slash path relative to the root: the image's folder, or the flavour's
	ContextDir     string            // the same, absolute
	DockerfilePath string            // slash path relative to the root; "" for a package image
	Stage          string            // stage to build, "" for the last
	Parents        []Edge            // in the order of the references, one for each text and kind
	Upstreams      []Upstream        // likewise
	Refresh        catalog.Refresh
	Pos            diag.Position // where the target's name comes from

	Under    *Target                    // what a flavour is laid over; nil for a plain target
	Internal bool                       // other targets need it, but it is not for users: the plain one beneath a default flavour, a step of a combination
	Title    string                     // for people
	Version  string                     // "" if the catalog gives none
	Tags     []string                   // templates over TagData
	TagsPos  diag.Position              // of the tags in the catalog
	Squash   catalog.Squash             // how many layers a Dockerfile adds
	Ports    []string                   // exposed ones, those of what it stands on included, as 8080/tcp
	Temp     []string                   // paths that reach no layer, inherited ones included, sorted
	noTemp   bool                       // it inherits none
	Contexts map[string]catalog.Context // more folders that the Dockerfile copies from, those that it uses
}

// Base is the target that t stands on, nil when that is nothing or an upstream.
func (t *Target) Base() *Target {
	for _, e := range t.Parents {
		if e.Base {
			return e.Target
		}
	}
	return nil
}

// Plain is the target without its flavours.
func (t *Target) Plain() *Target {
	for t.Under != nil {
		t = t.Under
	}
	return t
}

// Edge says that a target needs another one.
type Edge struct {
	Target  *Target
	Text    string // the reference as the front end sees it, after expansion
	Pos     diag.Position
	Kind    dockerfile.Kind
	Base    bool          // the target stands on it; otherwise it takes files from it
	Trigger diag.Position // of an Onbuild: where the parent's trigger is written
}

// Upstream is an image from outside the catalog that a target needs.
type Upstream struct {
	Ref        ociref.Ref
	Text       string // the reference as the front end sees it, after expansion
	Pos        diag.Position
	Kind       dockerfile.Kind
	Base       bool   // the target stands on it; otherwise it takes files from it
	Platform   string // what FROM --platform says; "" means the target's own
	Behind     bool   // a published release of one of our own images, in place of the target
	Suggestion string // a target with a similar name, when the reference may be a slip; may be ""
}

// Build makes the graph of a catalog, with the overrides that are given. The
// error holds a *diag.Error for each problem.
func Build(c *catalog.Catalog, overrides ...Override) (*Graph, error) {
	b := &builder{catalog: c, overrides: overrides, overrode: make([]bool, len(overrides)), byName: map[string]*Target{}, triggers: map[*dockerfile.File][]dockerfile.Trigger{}}
	targets := b.targets()
	b.unusedOverrides()
	if err := b.problems.Err(); err != nil {
		return nil, err // names are not settled: every reference to one of them would be reported as well
	}
	b.prefixes()
	for _, t := range targets {
		b.connect(t)
	}
	for _, cycle := range cycles(targets) {
		b.problems.Add(cycleError(cycle))
	}
	if err := b.problems.Err(); err != nil {
		return nil, err
	}
	g := &Graph{Catalog: c, Targets: topological(targets), byName: b.byName}
	g.index()
	b.settleDebian(g.Targets)
	b.settleTemp(g.Targets)
	settlePorts(g.Targets)
	if err := b.problems.Err(); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Graph) index() {
	g.children, g.place = map[*Target][]*Target{}, map[*Target]int{}
	for i, t := range g.Targets {
		g.place[t] = i
		for _, p := range t.parents() {
			g.children[p] = append(g.children[p], t)
		}
	}
}

// parents are the targets that t needs, each once, in the order of its references.
func (t *Target) parents() []*Target {
	var out []*Target
	for _, e := range t.Parents {
		if !slices.Contains(out, e.Target) {
			out = append(out, e.Target)
		}
	}
	return out
}

// Lookup finds a target by its name.
func (g *Graph) Lookup(name string) (*Target, bool) {
	t, ok := g.byName[name]
	return t, ok
}

// Names are the names of all targets in alphabetical order.
func (g *Graph) Names() []string {
	return slices.Sorted(maps.Keys(g.byName))
}

// Children are the targets that name t directly, in build order.
func (g *Graph) Children(t *Target) []*Target { return slices.Clone(g.children[t]) }

// Ancestors are all targets that those given need, without those given unless
// one of them needs another, in build order.
func (g *Graph) Ancestors(of ...*Target) []*Target {
	return g.closure(of, (*Target).parents)
}

// Descendants are all targets that need one of those given, without those given
// unless one of them needs another, in build order.
func (g *Graph) Descendants(of ...*Target) []*Target {
	return g.closure(of, func(t *Target) []*Target { return g.children[t] })
}

func (g *Graph) closure(of []*Target, next func(*Target) []*Target) []*Target {
	seen := map[*Target]bool{}
	todo := slices.Clone(of)
	for len(todo) > 0 {
		t := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, n := range next(t) {
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return g.ordered(seen)
}

// ordered lists a set of targets in build order.
func (g *Graph) ordered(set map[*Target]bool) []*Target {
	var out []*Target
	for t, in := range set {
		if in {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *Target) int { return cmp.Compare(g.place[a], g.place[b]) })
	return out
}

func contextDir(c *catalog.Catalog, dir string) string {
	return filepath.Join(c.Root, filepath.FromSlash(dir))
}
