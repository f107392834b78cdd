package apt

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/debian/version"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lock"
)

// Request asks for packages.
type Request struct {
	// Packages are chosen in this order, which decides between alternatives as it does for apt. A
	// name is "nginx", "nginx=1.22.1-9", a virtual package that one package provides,
	// "@essential" (all packages marked so) or "@required" (those and the ones of priority required).
	Packages []Named
	// Exclude names packages that are never chosen. A dependency counts as met when the first of its
	// alternatives that could be had is excluded, or when all that provide it are; of several
	// providers another one is taken.
	Exclude []string
	// Installed is what is there already and stays as it is: the packages of the image below.
	Installed []lock.Deb
}

// Named is a package name with the place where it was written.
type Named struct {
	Name string
	Pos  diag.Position
}

// Result is what Resolve chose.
type Result struct {
	// Debs are the packages to add to Installed, sorted by name.
	Debs []lock.Deb
	// Unused are the names of Request.Exclude that made no difference, in the order of the request.
	Unused []string
}

// Resolve chooses versions for the request and for all they need (Depends and
// Pre-Depends; Recommends are left out), as `apt-get install
// --no-install-recommends` does on a system where nothing but Installed is
// there. Essential packages are therefore not dragged in unless something
// depends on them, which is what apt does on an empty status file.
//
// Not imitated: packages of a foreign architecture, pins from preferences
// files, and an upgrade of what is installed: a dependency
// that Installed cannot meet is an error.
//
// All problems are reported at once, at the positions of the names that lead to them.
func (x *Index) Resolve(req Request) (*Result, error) {
	s := &solver{x: x, nodes: map[string]*node{}, exclude: map[string]bool{}, kept: map[string]bool{}}
	for _, e := range req.Exclude {
		s.exclude[e] = true
	}
	s.settle(req.Installed)
	var errs diag.List
	var request []asked
	for _, p := range req.Packages {
		nodes, err := s.ask(p)
		errs.Add(err)
		for _, n := range nodes {
			request = append(request, asked{n, p})
		}
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	s.run(request)
	if err := s.verify(request); err != nil {
		return nil, err
	}
	unused := slices.DeleteFunc(slices.Clone(req.Exclude), func(e string) bool { return s.kept[e] })
	return &Result{Debs: s.result(), Unused: unused}, nil
}

// run chooses what was asked for, then what that needs, then drops what turned out needless.
func (s *solver) run(request []asked) {
	for _, a := range request {
		n := a.node
		if n.base {
			continue
		}
		n.user, n.protected, n.handedOn, n.install = true, true, true, n.cand
	}
	for _, a := range request {
		a.node.handedOn = a.node.base // its dependencies are still to be looked at
		s.mark(a.node, true, true)
	}
	s.repair()
	s.sweep()
}

// settle puts down what is there already.
func (s *solver) settle(installed []lock.Deb) {
	for _, d := range installed {
		n := s.node(d.Name)
		i := slices.IndexFunc(n.versions, func(c *candidate) bool { return c.version == d.Version })
		if i >= 0 {
			n.install = n.versions[i]
		} else {
			// the index has moved on: what the package provides is taken to be what its successor does
			c := candidate{name: d.Name, version: d.Version, arch: d.Arch}
			if len(n.versions) > 0 {
				c.provides, c.multiArch = n.versions[0].provides, n.versions[0].multiArch
			}
			n.install = &c
			s.gone = append(s.gone, n.install)
		}
		n.base, n.protected, n.handedOn, n.first, n.cand = true, true, true, n.install, n.install
	}
	for _, d := range installed {
		for _, c := range s.node(d.Name).install.conflicts {
			for _, o := range s.conflicting(s.node(d.Name).install, c.alts[0]) {
				if n := s.node(o.name); !n.base {
					n.first, n.cand = nil, nil
				}
			}
		}
	}
}

// ask finds the packages that a name of the request means and makes the version that is asked for their candidate.
func (s *solver) ask(p Named) ([]*node, *diag.Error) {
	if strings.HasPrefix(p.Name, "@") {
		return s.askPseudo(p)
	}
	name, want, pinned := strings.Cut(p.Name, "=")
	name = strings.TrimSuffix(name, ":"+s.x.arch)
	if s.exclude[name] {
		return nil, diag.Errorf(p.Pos, "cannot install %s: it is excluded", name).Hint("take it from `packages:` or from `exclude:`")
	}
	n := s.node(name)
	switch {
	case len(n.versions) == 0 && !n.base:
		return s.askVirtual(p, name)
	case pinned && n.base && n.install.version != want:
		return nil, diag.Errorf(p.Pos, "cannot install %s: the image below has version %s", p.Name, n.install.version)
	case pinned:
		i := slices.IndexFunc(n.versions, func(c *candidate) bool { return c.version == want })
		if i < 0 && !n.base {
			return nil, diag.Errorf(p.Pos, "cannot install %s: there is no version %q of it", name, want).
				Hint("there is %s", versionList(n.versions))
		}
		if !n.base {
			n.first, n.cand = n.versions[i], n.versions[i]
		}
	}
	return []*node{n}, nil
}

// askVirtual handles a name that no package has.
func (s *solver) askVirtual(p Named, name string) ([]*node, *diag.Error) {
	relation := version.Relation{Name: name}
	provided := s.options(relation)
	slices.SortFunc(provided, func(a, b *candidate) int { return strings.Compare(a.name, b.name) })
	switch {
	case len(provided) == 1:
		return []*node{s.node(provided[0].name)}, nil
	case len(s.chosen(relation)) > 0: // the image below has one of them
		return nil, nil
	case len(provided) > 1:
		names := make([]string, len(provided))
		for i, c := range provided {
			names[i] = c.name + " " + c.version
		}
		return nil, diag.Errorf(p.Pos, "cannot choose a package for %q: it is a virtual package, provided by %s", name, strings.Join(names, ", ")).
			Hint("name one of them, for example: %s", provided[0].name)
	}
	e := diag.Errorf(p.Pos, "cannot find a package %q for %s in %s", name, s.x.arch, s.x.describe())
	if near := diag.Nearest(name, slices.Sorted(maps.Keys(s.x.names))); near != "" {
		return nil, e.Hint("did you mean %s?", near)
	}
	return nil, e.Hint("only the component main is read unless `debian: releases:` in plinth.yaml says more")
}

// askPseudo expands @essential and @required, sorted by name.
func (s *solver) askPseudo(p Named) ([]*node, *diag.Error) {
	var marks []string
	switch p.Name {
	case "@essential":
		marks = []string{"\nEssential: yes"}
	case "@required":
		marks = []string{"\nEssential: yes", "\nPriority: required"}
	default:
		return nil, diag.Errorf(p.Pos, "cannot find a package set %q", p.Name).Hint("there are @essential and @required")
	}
	var out []*node
	for _, name := range s.x.marked(marks) {
		n := s.node(name)
		c := n.cand
		if c != nil && !s.exclude[name] && (c.essential || p.Name == "@required" && c.priority == 1) {
			out = append(out, n)
		}
	}
	return out, nil
}

// result lists what is installed beyond the base, sorted by name.
func (s *solver) result() []lock.Deb {
	var out []lock.Deb
	for _, n := range s.nodes {
		if n.install != nil && !n.base {
			out = append(out, n.install.deb())
		}
	}
	slices.SortFunc(out, func(a, b lock.Deb) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
