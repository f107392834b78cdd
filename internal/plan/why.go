package plan

import (
	"time"

	"github.com/plinth-build/plinth/internal/graph"
)

// Link is one target in the answer to "why is this built?".
type Link struct {
	Target  string
	Depth   int       // 0 for the target that was asked about, 1 for its parents, …
	Step    *Step     // what is going to happen; nil when the target is up to date
	Last    *Snapshot // its last build; nil when there was none
	Reasons []Reason  // of the step, or of the build at Built
	// Built is when the target was last built; of a parent, when it last became
	// another image. Zero when something is going to happen or nothing is known.
	Built time.Time
}

// Why follows the causes of target down to the roots: a reason that names a
// parent leads to that parent's own reasons. steps must hold the target and
// its ancestors, as Plan returns them.
func (p *Planner) Why(target *graph.Target, steps []Step) []Link {
	byName := map[string]*Step{}
	for i := range steps {
		byName[steps[i].Target.Name] = &steps[i]
	}
	var chain []Link
	seen := map[string]bool{}
	var follow func(name string, depth int)
	follow = func(name string, depth int) {
		if seen[name] {
			return
		}
		seen[name] = true
		link := Link{Target: name, Depth: depth}
		var last Snapshot
		if p.view.LoadTarget(name, &last) {
			link.Last = &last
		}
		if s := byName[name]; s != nil && s.Action != Reuse {
			link.Step, link.Reasons = s, s.Reasons
		} else if link.Last != nil {
			link.Reasons, link.Built = last.Why, last.Built
			if depth > 0 {
				link.Reasons, link.Built = last.Moved.Why, last.Moved.Built
			}
		}
		chain = append(chain, link)
		for _, r := range link.Reasons {
			if r.Kind == Parent {
				follow(r.Subject, depth+1)
			}
		}
	}
	follow(target.Name, 0)
	return chain
}
