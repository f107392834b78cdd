package apt

import (
	"cmp"
	"slices"

	"github.com/plinth-build/plinth/internal/debian/version"
	"github.com/plinth-build/plinth/internal/lock"
)

// solver is one resolution under way.
type solver struct {
	x       *Index
	nodes   map[string]*node
	exclude map[string]bool
	trace   func(format string, args ...any)
}

// node is a package in a resolution.
type node struct {
	name      string
	versions  []*candidate
	cand      *candidate // what would be installed; nil when nothing can be
	install   *candidate // what is going to be installed, or is there already
	base      bool       // is there already, and stays as it is
	user      bool       // was asked for
	protected bool       // has to stay: asked for, or the only answer to a dependency of something protected
	gone      string     // why cand is nil although versions exist
}

func (s *solver) node(name string) *node {
	n := s.nodes[name]
	if n == nil {
		n = &node{name: name, versions: s.x.versions(name)}
		if len(n.versions) > 0 {
			n.cand = n.versions[0]
		}
		s.nodes[name] = n
	}
	return n
}

// matches says whether the version c satisfies the relation, by its own name or
// by one that it provides.
func (s *solver) matches(c *candidate, r version.Relation) bool {
	return s.matchesName(c, r) || providesRelation(c, r)
}

func (s *solver) matchesName(c *candidate, r version.Relation) bool {
	return c.name == r.Name && r.Holds(c.version) && s.archFits(c, r)
}

func (s *solver) archFits(c *candidate, r version.Relation) bool {
	switch r.Arch {
	case "", "native", s.x.arch:
		return true
	case "any":
		return c.multiArch == "allowed"
	}
	return false
}

// providesRelation says whether c provides what r asks for. A provided name
// without a version satisfies only relations without one (policy 7.5).
func providesRelation(c *candidate, r version.Relation) bool {
	for _, p := range c.provides {
		if r.Arch == "any" && p.Arch != "any" && c.multiArch != "allowed" || r.Arch != "any" && p.Arch == "any" {
			continue
		}
		if p.Name == r.Name && (r.Op == version.None || p.Op == version.Equal && r.Holds(p.Version)) {
			return true
		}
	}
	return false
}

// satisfied says whether something that is going to be installed satisfies the group.
func (s *solver) satisfied(d dependency) bool {
	return slices.ContainsFunc(d.alts, func(r version.Relation) bool {
		if s.exclude[r.Name] {
			return true
		}
		if n := s.node(r.Name); n.install != nil && s.matchesName(n.install, r) {
			return true
		}
		return slices.ContainsFunc(s.x.providers(r.Name), func(c *candidate) bool {
			return s.node(c.name).install == c && providesRelation(c, r)
		})
	})
}

// options gives the candidates for one alternative in the order in which they
// are tried: the package of that name, then its providers.
func (s *solver) options(r version.Relation) []*candidate {
	var out []*candidate
	if n := s.node(r.Name); n.cand != nil && s.matchesName(n.cand, r) {
		out = append(out, n.cand)
	}
	var prov []*candidate
	for _, c := range s.x.providers(r.Name) {
		if c.name != r.Name && s.node(c.name).cand == c && providesRelation(c, r) {
			prov = append(prov, c)
		}
	}
	slices.SortStableFunc(prov, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), s.x.firstMention(b.name).compare(s.x.firstMention(a.name)))
	})
	return append(out, prov...)
}

// groupOptions gives the options of all alternatives, each package once.
func (s *solver) groupOptions(d dependency) []*candidate {
	var out []*candidate
	for _, r := range d.alts {
		for _, c := range s.options(r) {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// mark chooses n's candidate and everything it needs, depth first.
func (s *solver) mark(n *node, user, protect bool) bool {
	if n.install != nil && (!protect || n.protected) {
		return true
	}
	c := n.cand
	if n.install != nil {
		c = n.install
	}
	if c == nil {
		return false
	}
	todo, ok := s.collect(c, protect)
	if !ok && !user {
		s.discard(n, "dependencies")
		return false
	}
	if !s.clear(n, c) && !user {
		s.discard(n, "conflicts")
		return false
	}
	fresh := n.install == nil
	n.install, n.user, n.protected = c, n.user || user, n.protected || protect
	for _, d := range todo {
		if s.need(d, n.protected) || user {
			continue
		}
		if fresh {
			n.install = nil
			s.discard(n, "dependencies")
		}
		return false
	}
	return true
}

// collect lists the dependencies of c that need work; false when one of them
// cannot be satisfied at all.
func (s *solver) collect(c *candidate, protect bool) ([]dependency, bool) {
	var out []dependency
	for _, d := range c.depends {
		if s.satisfied(d) && !protect {
			continue
		}
		if !s.satisfied(d) && len(s.groupOptions(d)) == 0 {
			return nil, false
		}
		out = append(out, d)
	}
	return out, true
}

// need chooses something that satisfies d.
func (s *solver) need(d dependency, protect bool) bool {
	if s.satisfied(d) && !protect {
		return true
	}
	all := s.groupOptions(d)
	if protect && len(all) == 1 {
		return s.mark(s.node(all[0].name), false, true)
	}
	if s.satisfied(d) {
		return true
	}
	for _, r := range d.alts {
		for _, c := range s.options(r) {
			if s.mark(s.node(c.name), false, false) {
				return true
			}
		}
	}
	return false
}

// clear takes what c conflicts with out of the running; false when it is there to stay.
func (s *solver) clear(n *node, c *candidate) bool {
	for _, d := range c.conflicts {
		for _, r := range d.alts {
			for _, o := range s.conflicting(c, r) {
				other := s.node(o.name)
				if other.install == o {
					if other.protected || other.base {
						return false
					}
					other.install = nil
				}
				s.discard(other, c.name)
			}
		}
	}
	return true
}

// conflicting gives the chosen versions and the candidates that the negative relation r of c hits.
func (s *solver) conflicting(c *candidate, r version.Relation) []*candidate {
	var out []*candidate
	look := func(n *node) {
		if n.name == c.name {
			return
		}
		for _, o := range []*candidate{n.install, n.cand} {
			if o != nil && s.matches(o, r) && !slices.Contains(out, o) {
				out = append(out, o)
			}
		}
	}
	look(s.node(r.Name))
	for _, p := range s.x.providers(r.Name) {
		look(s.node(p.name))
	}
	return out
}

func (s *solver) discard(n *node, why string) {
	if n.cand != nil {
		n.cand, n.gone = nil, why
	}
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
