package fleet

import (
	"time"

	"github.com/plinth-build/plinth/internal/plan"
)

// Outlook is what is known of a run before anything is built.
type Outlook struct {
	Targets int // all of them, also those that are going to be reused
	Jobs    int // how many are built at once
	// Expect says what is going to be built, parents first, as far as it can be
	// known. It plans the run again, which takes a moment, and may be called at
	// any time from any goroutine.
	Expect func() []Expected
}

// Expected is a target that is going to be built, or is if its parents change.
type Expected struct {
	Target  string
	Parents []string
	Took    time.Duration // its last build; 0 if there was none
}

func (r *runner) expect() []Expected {
	var out []Expected
	for _, step := range r.planner.Plan(r.targets) {
		if step.Action == plan.Reuse {
			continue
		}
		e := Expected{Target: step.Target.Name}
		for _, edge := range step.Target.Parents {
			e.Parents = append(e.Parents, edge.Target.Name)
		}
		var last plan.Snapshot
		if r.store.LoadTarget(e.Target, &last) {
			e.Took = last.Took
		}
		out = append(out, e)
	}
	return out
}
