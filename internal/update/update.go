// Package update resolves what a catalog takes from outside, upstream tags and
// Debian packages, into a new lock, and says what moved. It writes nothing: the
// caller saves the lock, or doesn't.
package update

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/debian/apt"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/ociref"
	"github.com/plinth-build/plinth/internal/plan"
)

// Sources is where the answers come from.
type Sources struct {
	// Registry resolves an upstream for the platforms.
	Registry func(ctx context.Context, ref ociref.Ref, platforms []ociref.Platform) (lock.Upstream, error)
	// Archive fetches the signed index of package sources for a Debian architecture.
	Archive func(ctx context.Context, arch string, sources []apt.SourceSpec) (*apt.Index, error)
}

// Request says what to resolve again. When both are nil, everything is, and
// what the catalog no longer names is dropped from the lock.
type Request struct {
	Upstreams []ociref.Ref
	Targets   []*graph.Target
}

// Change is one thing that moved.
type Change struct {
	Subject string `json:"subject"`        // the upstream or the target
	Item    string `json:"item,omitempty"` // the package, for a target
	Was     string `json:"was,omitempty"`
	Now     string `json:"now,omitempty"`
}

// String is the change in a few words.
func (c Change) String() string {
	what := c.Subject
	if c.Item != "" {
		what += ": " + c.Item
	}
	switch {
	case c.Was == "":
		return fmt.Sprintf("%s + %s", what, c.Now)
	case c.Now == "":
		return fmt.Sprintf("%s - %s", what, c.Was)
	}
	return fmt.Sprintf("%s %s → %s", what, c.Was, c.Now)
}

// Result is a new lock.
type Result struct {
	Lock    *lock.File
	Changes []Change // against the old lock
	Notes   []string // remarks that are no errors, sentences with a position
}

// Run resolves the request against the sources. The old lock stays as it is.
// All problems are returned at once.
func Run(ctx context.Context, g *graph.Graph, config catalog.Config, old *lock.File, src Sources, req Request) (Result, error) {
	u := &updater{ctx: ctx, graph: g, config: config, src: src, next: clone(old), indexes: map[string]*apt.Index{}, excluded: map[exclusion]bool{}}
	all := req.Upstreams == nil && req.Targets == nil
	if all {
		u.next.Upstreams, u.next.Sets = map[string]lock.Upstream{}, map[string]lock.Set{}
	}
	u.upstreams(req, all)
	u.packages(req, all)
	if err := u.problems.Err(); err != nil {
		return Result{}, err
	}
	return Result{u.next, compare(old, u.next), u.notes()}, nil
}

type updater struct {
	ctx      context.Context
	graph    *graph.Graph
	config   catalog.Config
	src      Sources
	next     *lock.File
	indexes  map[string]*apt.Index // release/arch → index
	problems diag.List
	// excluded says of each exclusion whether it made a difference to any target of its image
	excluded map[exclusion]bool
}

type exclusion struct {
	image *catalog.Image
	name  string
}

// notes are remarks on exclusions without effect, by image.
func (u *updater) notes() []string {
	var out []string
	for e, useful := range u.excluded {
		if !useful {
			out = append(out, fmt.Sprintf("%s: exclude: %s makes no difference", e.image.Pos.File, e.name))
		}
	}
	slices.Sort(out)
	return out
}

func clone(f *lock.File) *lock.File {
	c := lock.New()
	maps.Copy(c.Upstreams, f.Upstreams)
	maps.Copy(c.Sources, f.Sources)
	maps.Copy(c.Sets, f.Sets)
	maps.Copy(c.Debs, f.Debs)
	return c
}

// wanted is an upstream with its first mention and the platforms it is needed for.
type wanted struct {
	ref       ociref.Ref
	pos       diag.Position
	platforms []ociref.Platform
}

func (u *updater) upstreams(req Request, all bool) {
	byName := map[string]*wanted{}
	for _, t := range u.graph.Targets {
		for _, up := range t.Upstreams {
			if up.Ref.Digest() != "" {
				continue // pinned where it is named
			}
			w := byName[up.Ref.Normalised()]
			if w == nil {
				w = &wanted{ref: up.Ref, pos: up.Pos}
				byName[up.Ref.Normalised()] = w
			}
			if !slices.Contains(w.platforms, t.Platform) {
				w.platforms = append(w.platforms, t.Platform)
			}
		}
	}
	var list []*wanted
	if all {
		for _, name := range slices.Sorted(maps.Keys(byName)) {
			list = append(list, byName[name])
		}
	}
	for _, ref := range req.Upstreams {
		w := byName[ref.Normalised()]
		if w == nil {
			e := diag.Errorf(diag.Position{}, "cannot update %s: no target has that name, and no Dockerfile takes an image from it", ref.Familiar()).WithCode(diag.ExitUsage)
			if near := diag.Nearest(ref.Normalised(), slices.Sorted(maps.Keys(byName))); near != "" {
				e.Hint("did you mean %s?", byName[near].ref.Familiar())
			}
			e.Hint("plinth list shows what each target stands on")
			u.problems.Add(e)
			continue
		}
		list = append(list, w)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, w := range list {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			locked, err := u.src.Registry(u.ctx, w.ref, w.platforms)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				u.addAt(w.pos, err)
				return
			}
			u.next.Upstreams[w.ref.Normalised()] = locked
		})
	}
	wg.Wait()
}

// addAt adds err with a position where it has none.
func (u *updater) addAt(pos diag.Position, err error) {
	for _, e := range diag.Flatten(err) {
		if e.Pos == (diag.Position{}) {
			e.Pos = pos
		}
		u.problems.Add(e)
	}
}

func (u *updater) packages(req Request, all bool) {
	chosen := map[*graph.Target]bool{}
	for _, t := range req.Targets {
		chosen[t] = true
	}
	// parents first: what a child adds depends on what its parents have
	for _, t := range u.graph.Targets {
		if t.Packages == nil || !all && !chosen[t] && !u.parentChosen(t, chosen) {
			continue
		}
		chosen[t] = true
		u.resolve(t)
	}
}

// parentChosen: a child's set leaves out what its parent has, so it moves with it.
func (u *updater) parentChosen(t *graph.Target, chosen map[*graph.Target]bool) bool {
	for _, e := range t.Parents {
		if chosen[e.Target] {
			return true
		}
	}
	return false
}

func (u *updater) resolve(t *graph.Target) {
	spec, arch := t.Packages, plan.DebianArch(t)
	set := lock.Set{Release: spec.Debian, Arch: arch}
	var installed []lock.Deb
	for _, e := range t.Parents {
		set.Parent = e.Target.Name
		below, err := Below(u.next, e.Target)
		if err != nil {
			u.addAt(e.Pos, fmt.Errorf("cannot lock the packages of %s: %w", t.Name, err))
			return
		}
		installed = below
	}
	index, err := u.index(spec, arch)
	if err != nil {
		u.addAt(spec.Pos, err)
		return
	}
	request, exclude := plan.Request(spec)
	set.Request, set.Exclude = sorted(request), sorted(exclude)
	ask := apt.Request{Exclude: exclude, Installed: installed}
	for i, name := range request {
		pos := spec.Pos
		if i < len(spec.Names) {
			pos = spec.Names[i].Pos
		}
		ask.Packages = append(ask.Packages, apt.Named{Name: name, Pos: pos})
	}
	result, err := index.Resolve(ask)
	if err != nil {
		u.addAt(spec.Pos, err)
		return
	}
	for _, d := range result.Debs {
		u.next.Debs[d.Key()] = d
		set.Debs = append(set.Debs, d.Key())
	}
	for _, name := range exclude {
		k := exclusion{t.Image, name}
		u.excluded[k] = u.excluded[k] || !slices.Contains(result.Unused, name)
	}
	slices.Sort(set.Debs)
	set.Epoch = index.Epoch()
	u.next.Sets[t.Name] = set
}

// Below lists the archives of a package target and of everything it stands on.
func Below(f *lock.File, t *graph.Target) ([]lock.Deb, error) {
	if t.Packages == nil {
		return nil, diag.Errorf(diag.Position{}, "%s is made from a Dockerfile, so its packages are not known before it is built", t.Name).
			Hint("add packages with RUN apt-get install in a Dockerfile, or make %s a package image too", t.Name)
	}
	if _, ok := f.Sets[t.Name]; !ok {
		return nil, diag.Errorf(diag.Position{}, "the packages of %s are not locked", t.Name).Hint("pin them with: plinth update %s", t.Name)
	}
	debs := f.SetDebs(t.Name)
	for _, e := range t.Parents {
		below, err := Below(f, e.Target)
		if err != nil {
			return nil, err
		}
		debs = append(debs, below...)
	}
	return debs, nil
}

// index fetches the sources of a release once for all its images.
func (u *updater) index(spec *catalog.Packages, arch string) (*apt.Index, error) {
	key := spec.Debian + "/" + arch
	if ix := u.indexes[key]; ix != nil {
		return ix, nil
	}
	var specs []apt.SourceSpec
	for _, s := range u.config.Debian.Releases[spec.Debian].Sources {
		specs = append(specs, apt.SourceSpec{URI: s.URI, Suite: s.Suite, Components: s.Components, Pos: spec.DebianPos})
	}
	ix, err := u.src.Archive(u.ctx, arch, specs)
	if err != nil {
		return nil, err
	}
	u.indexes[key] = ix
	u.next.Sources[spec.Debian] = ix.Sources()
	return ix, nil
}

// compare lists what moved, upstreams first, by name.
func compare(old, next *lock.File) []Change {
	var out []Change
	for _, name := range union(old.Upstreams, next.Upstreams) {
		if was, now := old.Upstreams[name].Index, next.Upstreams[name].Index; was != now {
			out = append(out, Change{Subject: name, Was: short(was), Now: short(now)})
		}
	}
	for _, name := range union(old.Sets, next.Sets) {
		was, now := versions(old, name), versions(next, name)
		changed := false
		for _, pkg := range union(was, now) {
			if was[pkg] != now[pkg] {
				out = append(out, Change{name, pkg, was[pkg], now[pkg]})
				changed = true
			}
		}
		a, b := old.Sets[name], next.Sets[name]
		if changed {
			continue
		}
		for _, part := range []struct{ item, was, now string }{
			{"request", strings.Join(a.Request, " "), strings.Join(b.Request, " ")},
			{"exclude", strings.Join(a.Exclude, " "), strings.Join(b.Exclude, " ")},
			{"debian", a.Release + "/" + a.Arch, b.Release + "/" + b.Arch},
			{"from", a.Parent, b.Parent},
		} {
			if part.was != part.now {
				out = append(out, Change{name, part.item, part.was, part.now})
			}
		}
	}
	return out
}

func versions(f *lock.File, target string) map[string]string {
	out := map[string]string{}
	for _, d := range f.SetDebs(target) {
		out[d.Name] = d.Version
	}
	return out
}

func union[V any](a, b map[string]V) []string {
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	return slices.Sorted(maps.Keys(keys))
}

func short(digest string) string {
	if alg, hex, ok := strings.Cut(digest, ":"); ok {
		return alg + ":" + hex[:min(12, len(hex))]
	}
	return digest
}

func sorted(in []string) []string {
	out := slices.Sorted(slices.Values(in))
	return slices.Compact(out)
}
