package apt

import "slices"

// apt's second resolver, in the case that Debian's own releases have: something
// that a chosen package needs was pushed out or ruled out by a later choice, as
// runit-init does with what a desktop library wants of systemd. What is not
// protected and lacks something is taken back, then its dependents, until only
// protected packages lack something; those try their other alternatives.
//
// Known flaw: apt also untangles chosen packages that conflict, by scores over
// their reverse dependencies. Here a conflict is an error that names both, and the
// way out is to name the wanted alternative in the request. Nothing is chosen
// that apt would refuse.

// rounds bounds the attempts; apt stops after ten too.
const rounds = 10

// repair mends missing dependencies, or leaves them for verify to report.
func (s *solver) repair() {
	for range rounds {
		broken := s.broken()
		if len(broken) == 0 || len(s.clashes()) > 0 {
			return
		}
		for s.takeBack(broken) {
			broken = s.broken()
		}
		for _, n := range broken {
			if !s.mend(n) {
				return
			}
		}
	}
}

// takeBack drops those that are not protected, and says whether there were any.
func (s *solver) takeBack(broken []*node) bool {
	found := false
	for _, n := range broken {
		if !n.protected {
			n.install, found = nil, true
		}
	}
	return found
}

// mend tries to satisfy what n lacks.
func (s *solver) mend(n *node) bool {
	n.busy = true
	defer func() { n.busy = false }()
	return !slices.ContainsFunc(n.install.depends, func(d dependency) bool { return !s.need(d, false) })
}

// broken gives the chosen packages that lack something, sorted by name.
func (s *solver) broken() []*node {
	return slices.DeleteFunc(s.inOrder(), func(n *node) bool {
		return n.base || !slices.ContainsFunc(n.install.depends, func(d dependency) bool { return !s.satisfied(d) })
	})
}
