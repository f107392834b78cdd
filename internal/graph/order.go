package graph

import (
	"container/heap"
	"fmt"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/diag"
)

// topological orders targets that have no cycle: parents first, and of those
// that are ready the one with the smallest name (Kahn's algorithm over a heap).
func topological(targets []*Target) []*Target {
	waiting := map[*Target]int{}
	children := map[*Target][]*Target{}
	ready := &byName{}
	for _, t := range targets {
		parents := t.parents()
		waiting[t] = len(parents)
		for _, p := range parents {
			children[p] = append(children[p], t)
		}
		if len(parents) == 0 {
			heap.Push(ready, t)
		}
	}
	out := make([]*Target, 0, len(targets))
	for ready.Len() > 0 {
		t := heap.Pop(ready).(*Target)
		out = append(out, t)
		for _, c := range children[t] {
			if waiting[c]--; waiting[c] == 0 {
				heap.Push(ready, c)
			}
		}
	}
	return out
}

// byName is a heap of targets with the smallest name on top.
type byName []*Target

func (h byName) Len() int           { return len(h) }
func (h byName) Less(i, j int) bool { return h[i].Name < h[j].Name }
func (h byName) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byName) Push(x any)        { *h = append(*h, x.(*Target)) }
func (h *byName) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	*h = (*h)[:last]
	return t
}

// step is one edge of a cycle: from needs edge.Target.
type step struct {
	from *Target
	edge Edge
}

// cycles finds cycles that share no edge, until none is left: for each target in
// alphabetical order the shortest way back to itself over edges not used yet. To
// break all of them breaks every cycle there is.
func cycles(targets []*Target) [][]step {
	sorted := slices.Clone(targets)
	slices.SortFunc(sorted, func(a, b *Target) int { return strings.Compare(a.Name, b.Name) })
	used := map[[2]*Target]bool{}
	var out [][]step
	for _, t := range sorted {
		for {
			cycle := wayBack(t, used)
			if cycle == nil {
				break
			}
			for _, s := range cycle {
				used[[2]*Target{s.from, s.edge.Target}] = true
			}
			out = append(out, cycle)
		}
	}
	return out
}

// wayBack is the shortest cycle through t over unused edges, nil if there is none.
func wayBack(t *Target, used map[[2]*Target]bool) []step {
	came := map[*Target]step{}
	todo := []*Target{t}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		for _, e := range at.Parents {
			if _, seen := came[e.Target]; seen || used[[2]*Target{at, e.Target}] {
				continue
			}
			came[e.Target] = step{from: at, edge: e}
			if e.Target == t {
				return walkBack(t, came)
			}
			todo = append(todo, e.Target)
		}
	}
	return nil
}

func walkBack(t *Target, came map[*Target]step) []step {
	var steps []step
	for at := t; ; {
		s := came[at]
		steps = append(steps, s)
		if at = s.from; at == t {
			slices.Reverse(steps)
			return steps
		}
	}
}

// cycleError prints a cycle, with a line for each edge that says where it comes from.
func cycleError(cycle []step) *diag.Error {
	var names, lines []string
	for _, s := range cycle {
		names = append(names, s.from.Name)
		lines = append(lines, fmt.Sprintf("\n\t%s needs %s: %s", s.from.Name, s.edge.Target.Name, s.edge.Pos))
	}
	names = append(names, cycle[0].from.Name)
	return diag.Errorf(cycle[0].edge.Pos, "cannot order images that need each other: %s%s",
		strings.Join(names, " → "), strings.Join(lines, "")).
		Hint("take one of these references out")
}
