package fleet

import (
	"slices"
	"time"

	"github.com/plinth-build/plinth/internal/graph"
)

// Summary is what a run took as a whole.
type Summary struct {
	Wall time.Duration // from its beginning to its end
	CPU  time.Duration // of this process and of the programs that it ran
	// Critical are the built targets that had to be built one after the other
	// and took longest, first to last. However many are built at once, the run
	// cannot be shorter than CriticalTook, the sum of their times.
	Critical     []string
	CriticalTook time.Duration
}

// Summarise finds the critical path in the rows of Run for the same targets,
// which are in topological order; without rows there is none. A reused target between built ones takes no
// time, but the later one had to wait for the earlier one all the same.
func Summarise(targets []*graph.Target, rows []Row, wall, cpu time.Duration) Summary {
	number := make(map[*graph.Target]int, len(targets))
	took := make([]time.Duration, len(targets)) // of the longest chain that ends here
	before := make([]int, len(targets))         // where that chain comes from, -1 if it begins here
	last := -1
	for i, t := range targets[:min(len(targets), len(rows))] {
		number[t] = i
		before[i] = -1
		for _, e := range t.Parents {
			p, ok := number[e.Target]
			if ok && took[p] > took[i] {
				took[i], before[i] = took[p], p
			}
		}
		if rows[i].Status != Built {
			continue
		}
		took[i] += rows[i].Took
		if last < 0 || took[i] > took[last] {
			last = i
		}
	}
	s := Summary{Wall: wall, CPU: cpu}
	if last < 0 {
		return s
	}
	s.CriticalTook = took[last]
	for i := last; i >= 0; i = before[i] {
		if rows[i].Status == Built {
			s.Critical = append(s.Critical, rows[i].Target)
		}
	}
	slices.Reverse(s.Critical)
	return s
}
