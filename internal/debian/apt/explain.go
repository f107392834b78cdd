package apt

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/debian/version"
	"github.com/plinth-build/plinth/internal/diag"
)

// asked is a package of the request with the name and the place that led to it.
type asked struct {
	node *node
	Named
}

// verify checks the outcome and reports everything that is wrong with it: at
// each name of the request what cannot be had for it, and each conflict once.
func (s *solver) verify(request []asked) error {
	var errs diag.List
	origin := s.origins(request)
	for _, a := range request {
		if a.node.install == nil {
			c := a.node.versions[0]
			why, _ := s.whyNotThis(c, map[*candidate]bool{})
			errs.Add(diag.Errorf(a.Pos, "cannot install %s%s", c, why.text))
		}
	}
	for _, n := range s.inOrder() {
		if n.base {
			continue
		}
		if problem := n.install.problem(); problem != "" {
			errs.Add(diag.Errorf(origin[n].Pos, "cannot install %s: %s", n.install, problem))
		}
		for _, d := range n.install.depends {
			if !s.satisfied(d) {
				errs.Add(s.unmet(n, d, origin[n]))
			}
		}
	}
	for _, c := range s.clashes() {
		first, second := s.node(c.from.name), s.node(c.to.name)
		at := origin[first]
		if first.base {
			at = origin[second]
		}
		e := diag.Errorf(at.Pos, "cannot install %s beside %s: the former has %s: %s", c.from, c.to, c.field, c.relation)
		for _, n := range []*node{first, second} {
			switch o := origin[n]; {
			case n.base:
				e = e.Hint("%s is in the image below", n.name)
			case o.node != n:
				e = e.Hint("%s comes with %s", n.name, o.Name)
			}
		}
		errs.Add(e)
	}
	return errs.Err()
}

// problem says what an index entry lacks.
func (c *candidate) problem() string {
	switch {
	case c.unreadable != nil:
		return c.unreadable.Error()
	case c.filename == "" || !isSHA256(c.sha256) || c.size <= 0:
		return "its entry in the package index has no Filename, Size or SHA256"
	}
	return ""
}

func (c *candidate) String() string { return c.name + " " + c.version }

// inOrder gives the chosen packages sorted by name.
func (s *solver) inOrder() []*node {
	var out []*node
	for _, name := range slices.Sorted(maps.Keys(s.nodes)) {
		if n := s.nodes[name]; n.install != nil {
			out = append(out, n)
		}
	}
	return out
}

// origins says for each chosen package which name of the request it comes from: the first in the order of the request.
func (s *solver) origins(request []asked) map[*node]asked {
	out := map[*node]asked{}
	for _, a := range request {
		queue := []*node{a.node}
		for len(queue) > 0 {
			n := queue[0]
			queue = queue[1:]
			if _, seen := out[n]; seen || n.install == nil {
				continue
			}
			if n.user && n != a.node {
				continue // it stands in the request itself
			}
			out[n] = a
			for _, d := range n.install.depends {
				for _, c := range s.chosenGroup(d) {
					queue = append(queue, s.node(c.name))
				}
			}
		}
	}
	return out
}

// unmet explains why the dependency d of n is not met.
func (s *solver) unmet(n *node, d dependency, from asked) *diag.Error {
	why, found := s.whyNot(d, map[*candidate]bool{n.install: true})
	if !found {
		why.text = ", which cannot be installed together with the rest"
	}
	path := ""
	if from.node != n && from.node != nil {
		path = ", which comes with " + from.Name
	}
	e := diag.Errorf(from.Pos, "cannot install %s%s: it needs %s%s", n.install, path, version.FormatGroup(d.alts), why.text)
	if why.hint != "" {
		e = e.Hint("%s", why.hint)
	}
	return e
}

// reason continues the sentence "a needs b".
type reason struct {
	text string
	hint string
}

// whyNot says why nothing satisfies d, false when there is no reason that can be
// named. seen keeps a cycle from being followed twice.
func (s *solver) whyNot(d dependency, seen map[*candidate]bool) (reason, bool) {
	var missing reason
	for _, r := range d.alts {
		n := s.node(r.Name)
		all := slices.Clone(n.versions)
		if n.base {
			all = []*candidate{n.install}
		}
		all = slices.DeleteFunc(all, func(c *candidate) bool { return !s.matchesName(c, r) })
		for _, c := range s.x.providers(r.Name) {
			if !s.exclude[c.name] && provides(c, r) {
				all = append(all, c)
			}
		}
		if len(all) == 0 && missing.text == "" {
			missing = s.whyMissing(n, r)
		}
		for _, c := range all {
			if why, found := s.whyNotThis(c, seen); found {
				return why, true
			}
		}
	}
	return missing, missing.text != ""
}

// whyMissing is for a relation that no version of anything satisfies.
func (s *solver) whyMissing(n *node, r version.Relation) reason {
	switch {
	case n.base:
		return reason{", and the image below has " + n.install.String(), ""}
	case len(n.versions) > 0:
		return reason{", and there is only version " + versionList(n.versions), ""}
	case len(s.x.providers(r.Name)) > 0:
		return reason{", and what provides it does so in another version", ""}
	}
	return reason{", and there is no such package", "is a source missing? `debian: releases:` in plinth.yaml lists suites and components"}
}

// whyNotThis looks for the reason against the version c: a conflict, or a dependency of its own.
func (s *solver) whyNotThis(c *candidate, seen map[*candidate]bool) (reason, bool) {
	if seen[c] {
		return reason{}, false
	}
	seen[c] = true
	n := s.node(c.name)
	if n.install != nil && n.install != c {
		return reason{fmt.Sprintf(", but %s is chosen", n.install), ""}, true
	}
	for _, d := range c.conflicts {
		for _, o := range s.conflicting(c, d.alts[0]) {
			if s.node(o.name).install == o {
				return reason{fmt.Sprintf("; %s conflicts with %s (%s: %s)", c, o, d.field, version.FormatGroup(d.alts)), ""}, true
			}
		}
	}
	for _, o := range s.inOrder() {
		for _, d := range o.install.conflicts {
			if o != n && s.matches(c, d.alts[0]) {
				return reason{fmt.Sprintf("; %s conflicts with %s (%s: %s)", o.install, c, d.field, version.FormatGroup(d.alts)), ""}, true
			}
		}
	}
	for _, d := range c.depends {
		if s.satisfied(d) {
			continue
		}
		if deeper, found := s.whyNot(d, seen); found {
			return reason{fmt.Sprintf("; %s needs %s%s", c, version.FormatGroup(d.alts), deeper.text), deeper.hint}, true
		}
	}
	return s.whyNotBoth(c)
}

// whyNotBoth looks for two packages that c cannot do without and that conflict.
func (s *solver) whyNotBoth(c *candidate) (reason, bool) {
	var needed []*candidate
	for _, d := range c.depends {
		if len(d.alts) != 1 {
			continue
		}
		if n := s.node(d.alts[0].Name); n.first != nil && s.matchesName(n.first, d.alts[0]) {
			needed = append(needed, n.first)
		}
	}
	for _, a := range needed {
		for _, b := range needed {
			for _, d := range a.conflicts {
				if a != b && s.matches(b, d.alts[0]) {
					return reason{fmt.Sprintf("; %s needs both %s and %s, and the former has %s: %s", c, a, b, d.field, version.FormatGroup(d.alts)), ""}, true
				}
			}
		}
	}
	return reason{}, false
}

// clash is a pair of chosen packages that conflict.
type clash struct {
	from, to *candidate
	field    string
	relation string
}

// clashes lists the conflicts among what is chosen, those inside the base left out.
func (s *solver) clashes() []clash {
	var out []clash
	for _, n := range s.inOrder() {
		for _, d := range n.install.conflicts {
			for _, o := range s.conflicting(n.install, d.alts[0]) {
				if other := s.node(o.name); other.install == o && !(n.base && other.base) {
					out = append(out, clash{n.install, o, d.field, strings.TrimSpace(version.FormatGroup(d.alts))})
				}
			}
		}
	}
	return out
}
