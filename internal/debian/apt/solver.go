package apt

import (
	"cmp"
	"slices"

	"github.com/plinth-build/plinth/internal/debian/version"
)

// How apt chooses, as found by watching apt-get 2.6 decide (its options
// Debug::pkgDepCache::AutoInstall and Debug::pkgDepCache::Marker) over many
// thousands of made-up and real requests:
//
//   - Everything that was asked for is chosen first, then each of them in turn has
//     its dependencies looked after, depth first: Pre-Depends, then Depends, in
//     the order of the fields.
//   - A dependency that something chosen satisfies is left alone. Otherwise its
//     alternatives are tried from left to right; of one alternative the package of
//     that name comes first, then its providers by priority, then those that
//     apt met last (see mention.go). The first that can be installed is taken.
//   - A package is given up, for good, when one of its dependencies cannot be satisfied:
//     at once when no candidate could ever do that, otherwise when its turn comes.
//   - What was asked for is protected; so is what is the only answer to a dependency of
//     something protected. A new package pushes out what it conflicts with, unless
//     that is protected or is itself in the middle of being installed; then the new one is passed over.
//   - A protected package takes whatever it conflicts with out of the running.
//   - What is broken then is mended (see repair.go), and what was chosen on the way and is
//     not needed in the end is dropped again.

// solver is one resolution under way.
type solver struct {
	x       *Index
	nodes   map[string]*node
	exclude map[string]bool
	kept    map[string]bool // exclusions that kept something away
	gone    []*candidate    // installed versions that the index does not have any more
}

// node is a package in a resolution.
type node struct {
	name      string
	versions  []*candidate
	first     *candidate // what would be installed if it were the first choice of all
	cand      *candidate // what would be installed; nil when nothing can be
	install   *candidate // what is going to be installed, or is there already
	base      bool       // is there already, and stays as it is
	user      bool       // was asked for
	protected bool       // has to stay: asked for, or the only answer to a dependency of something protected
	handedOn  bool       // its dependencies have been looked at with the protection that it has
	busy      bool       // its dependencies are being looked after, and must not push it out
}

func (s *solver) node(name string) *node {
	n := s.nodes[name]
	if n == nil {
		n = &node{name: name, versions: s.x.versions(name)}
		if len(n.versions) > 0 && !s.exclude[name] {
			n.first, n.cand = n.versions[0], n.versions[0]
		}
		s.nodes[name] = n
	}
	return n
}

// matchesName says whether c is the package that r names, in a version that it accepts.
func (s *solver) matchesName(c *candidate, r version.Relation) bool {
	if c.name != r.Name || !r.Holds(c.version) {
		return false
	}
	switch r.Arch {
	case "", "native", s.x.arch:
		return true
	case "any":
		return c.multiArch == "allowed"
	}
	return false
}

// provides says whether c provides what r asks for. A provided name
// without a version satisfies only relations without one (policy 7.5). A
// package that allows foreign architectures provides its names with :any too.
func provides(c *candidate, r version.Relation) bool {
	for _, p := range c.provides {
		anyArch := p.Arch == "any" || c.multiArch == "allowed"
		if p.Name != r.Name || r.Arch == "any" && !anyArch || r.Arch != "any" && p.Arch == "any" {
			continue
		}
		if r.Op == version.None || p.Op == version.Equal && r.Holds(p.Version) {
			return true
		}
	}
	return false
}

// matches says whether c is, or provides, what r asks for.
func (s *solver) matches(c *candidate, r version.Relation) bool {
	return s.matchesName(c, r) || provides(c, r)
}

// chosen gives what is going to be installed and satisfies r.
func (s *solver) chosen(r version.Relation) []*candidate {
	var out []*candidate
	if n := s.node(r.Name); n.install != nil && s.matchesName(n.install, r) {
		out = append(out, n.install)
	}
	for _, c := range s.x.providers(r.Name) {
		if s.node(c.name).install == c && provides(c, r) {
			out = append(out, c)
		}
	}
	for _, c := range s.gone {
		if c.name != r.Name && provides(c, r) {
			out = append(out, c)
		}
	}
	return out
}

func (s *solver) chosenGroup(d dependency) []*candidate {
	for _, r := range d.alts {
		if c := s.chosen(r); len(c) > 0 {
			return c
		}
	}
	return nil
}

// satisfied says whether something that is going to be installed satisfies the
// group, or an exclusion does away with it.
func (s *solver) satisfied(d dependency) bool {
	return len(s.chosenGroup(d)) > 0 || len(s.exclude) > 0 && s.excluded(d)
}

// excluded says whether an exclusion does away with d: the first alternative that
// could be had is excluded, or everything that provides it is.
func (s *solver) excluded(d dependency) bool {
	for _, r := range d.alts {
		if s.exclude[r.Name] {
			s.kept[r.Name] = true
			return true
		}
		if len(s.options(r)) > 0 {
			return false
		}
		if slices.ContainsFunc(s.x.providers(r.Name), func(c *candidate) bool { return s.exclude[c.name] && provides(c, r) }) {
			return true
		}
	}
	return false
}

// options gives the candidates for one alternative in the order in which they
// are tried: the package of that name, then its providers.
func (s *solver) options(r version.Relation) []*candidate {
	var out []*candidate
	if n := s.node(r.Name); n.cand != nil && s.matchesName(n.cand, r) {
		out = append(out, n.cand)
	}
	own := len(out)
	for _, c := range s.x.providers(r.Name) {
		switch {
		case c.name == r.Name || !provides(c, r):
		case s.exclude[c.name]:
			s.kept[c.name] = true
		case s.node(c.name).cand == c:
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out[own:], func(a, b *candidate) int {
		if c := cmp.Compare(a.priority, b.priority); c != 0 {
			return c
		}
		return s.x.firstMention(b.name).compare(s.x.firstMention(a.name))
	})
	return out
}

// onlyOption gives the one candidate that can satisfy d, nil when there are several or none.
func (s *solver) onlyOption(d dependency) *candidate {
	var only *candidate
	for _, r := range d.alts {
		if n := s.node(r.Name); n.cand != nil && n.cand != only && s.matchesName(n.cand, r) {
			if only != nil {
				return nil
			}
			only = n.cand
		}
		for _, c := range s.x.providers(r.Name) {
			if c != only && s.node(c.name).cand == c && provides(c, r) {
				if only != nil {
					return nil
				}
				only = c
			}
		}
	}
	return only
}

// possible says whether anything could satisfy d before the first choice was made.
func (s *solver) possible(d dependency) bool {
	return slices.ContainsFunc(d.alts, func(r version.Relation) bool {
		if n := s.node(r.Name); n.first != nil && s.matchesName(n.first, r) {
			return true
		}
		return slices.ContainsFunc(s.x.providers(r.Name), func(c *candidate) bool {
			return s.node(c.name).first == c && provides(c, r)
		})
	})
}

// mark chooses n's candidate and everything it needs. It returns false, with n
// given up, when that cannot be; only what the user asked for is never given up.
func (s *solver) mark(n *node, user, protect bool) bool {
	if n.install != nil && (n.handedOn || !protect) {
		return true
	}
	fresh, c := n.install == nil, n.install
	if fresh {
		c = n.cand
	}
	if c == nil {
		return false
	}
	if !s.canSatisfy(c) && !user {
		n.cand = nil
		return false
	}
	if !s.clear(c, protect) && !user {
		return false // and may be tried again, when what is in the way is gone
	}
	n.install, n.protected, n.handedOn = c, n.protected || protect, protect
	if !n.busy {
		n.busy = true
		defer func() { n.busy = false }()
	}
	for _, d := range c.depends {
		if s.need(d, protect) || user {
			continue
		}
		if fresh {
			n.install, n.cand = nil, nil
		}
		return false
	}
	return true
}

// canSatisfy says whether each dependency of c is satisfied or had a candidate at the start.
func (s *solver) canSatisfy(c *candidate) bool {
	return !slices.ContainsFunc(c.depends, func(d dependency) bool { return !s.possible(d) && !s.satisfied(d) })
}

// need chooses something that satisfies d.
func (s *solver) need(d dependency, protect bool) bool {
	met := s.satisfied(d)
	if protect {
		if only := s.onlyOption(d); only != nil && (!met || s.node(only.name).install == only) {
			return s.mark(s.node(only.name), false, true)
		}
	}
	if met {
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

// clear pushes out what c conflicts with; false when something of that is there to stay.
func (s *solver) clear(c *candidate, protect bool) bool {
	var hit []*node
	for _, d := range c.conflicts {
		for _, o := range s.conflicting(c, d.alts[0]) {
			n := s.node(o.name)
			if n.install == o {
				if n.protected || n.busy {
					return false
				}
				n.install = nil
			}
			hit = append(hit, n)
		}
	}
	if protect {
		for _, n := range hit {
			n.cand = nil
		}
	}
	return true
}

// conflicting gives the chosen versions and the candidates that the negative relation r of c hits.
func (s *solver) conflicting(c *candidate, r version.Relation) []*candidate {
	var out []*candidate
	look := func(n *node) {
		if n.name == c.name {
			return // nothing conflicts with itself, nor with what it provides
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
	for _, o := range s.gone {
		look(s.node(o.name))
	}
	return out
}

// sweep drops what was chosen on the way and is needed by nothing in the end.
// A Recommends or Suggests of something that stays is reason enough to keep it.
func (s *solver) sweep() {
	needed := map[*node]bool{}
	var queue []*node
	keep := func(n *node) {
		if n.install != nil && !needed[n] {
			needed[n] = true
			queue = append(queue, n)
		}
	}
	for _, n := range s.nodes {
		if n.user || n.base {
			keep(n)
		}
	}
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, d := range slices.Concat(n.install.depends, n.install.weak) {
			for _, r := range d.alts {
				for _, c := range s.chosen(r) {
					keep(s.node(c.name))
				}
			}
		}
	}
	for _, n := range s.nodes {
		if !needed[n] {
			n.install = nil
		}
	}
}
