// Package sched runs the nodes of a directed acyclic graph with a limit on how
// many run at once. It knows nothing of images: a node is a number, its work a
// function.
//
// A node starts when all its dependencies have succeeded. When one fails,
// everything that stands on it is blocked and names the failed node as the
// root cause; what happens to the rest is the Policy's to say. Of the nodes that
// are ready, those with the highest priority start first; see RemainingPath.
package sched

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

// Policy says what a failure does to nodes that do not stand on the failed one.
type Policy int

const (
	// StopStarting lets running nodes finish and starts nothing new.
	StopStarting Policy = iota
	// KeepGoing builds everything that does not stand on a failed node.
	KeepGoing
	// FailFast cancels the running nodes too.
	FailFast
)

// State is how a node ended.
type State int

const (
	// NotStarted: the run was stopped before the node's turn.
	NotStarted State = iota
	// Done: the work returned nil.
	Done
	// Failed: the work returned an error.
	Failed
	// Blocked: a node that it stands on failed.
	Blocked
	// Cancelled: the node was running when the run was stopped.
	Cancelled
)

// Outcome is a node's end.
type Outcome struct {
	State State
	Err   error
	// Cause is the failed node that a blocked node stands on; with several, the
	// one with the lowest number. For a failed node it is itself, otherwise -1.
	Cause int
}

// Options limit a run.
type Options struct {
	Jobs   int // how many nodes run at once; less than 1 means 1
	Policy Policy
	// Priority is one number a node, the higher the sooner; equal ones go by
	// their numbers. nil means that all are equal.
	Priority []int64
}

// Run runs work for each node i of deps, where deps[i] are the nodes that must
// have succeeded before, and returns one outcome a node. It returns after
// every started work has returned. deps must be acyclic: nodes on a cycle are
// never started. When ctx ends, nothing new starts and work is expected to
// notice its own ctx.
func Run(ctx context.Context, deps [][]int, opts Options, work func(ctx context.Context, node int) error) []Outcome {
	r := newRun(deps, opts.Priority)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type ended struct {
		node int
		err  error
	}
	results := make(chan ended)
	running, stopped := 0, false
	for {
		for !stopped && ctx.Err() == nil && running < max(1, opts.Jobs) && len(r.ready) > 0 {
			node := r.pop()
			running++
			go func() { results <- ended{node, work(ctx, node)} }()
		}
		if running == 0 {
			return r.outcomes
		}
		end := <-results
		running--
		if end.err == nil {
			r.succeed(end.node)
			continue
		}
		if ctx.Err() != nil && errors.Is(end.err, context.Canceled) {
			r.outcomes[end.node] = Outcome{State: Cancelled, Err: end.err, Cause: -1}
			continue
		}
		r.fail(end.node, end.err)
		switch opts.Policy {
		case StopStarting:
			stopped = true
		case FailFast:
			cancel() // which also starts nothing new
		}
	}
}

// run is the bookkeeping of one Run; only Run's goroutine touches it.
type run struct {
	dependents [][]int
	missing    []int // dependencies that have not succeeded yet
	priority   []int64
	ready      []int // in the order in which they start
	outcomes   []Outcome
}

func newRun(deps [][]int, priority []int64) *run {
	if priority == nil {
		priority = make([]int64, len(deps))
	}
	r := &run{dependents: make([][]int, len(deps)), missing: make([]int, len(deps)), priority: priority, outcomes: make([]Outcome, len(deps))}
	for node, on := range deps {
		r.outcomes[node].Cause = -1
		on = slices.Compact(slices.Sorted(slices.Values(on)))
		r.missing[node] = len(on)
		if len(on) == 0 {
			r.enqueue(node)
		}
		for _, d := range on {
			r.dependents[d] = append(r.dependents[d], node)
		}
	}
	return r
}

func (r *run) pop() int {
	node := r.ready[0]
	r.ready = r.ready[1:]
	return node
}

func (r *run) succeed(node int) {
	r.outcomes[node].State = Done
	for _, d := range r.dependents[node] {
		r.missing[d]--
		if r.missing[d] == 0 && r.outcomes[d].State == NotStarted {
			r.enqueue(d)
		}
	}
}

// enqueue puts a node that is ready in its place.
func (r *run) enqueue(node int) {
	i, _ := slices.BinarySearchFunc(r.ready, node, func(a, b int) int {
		return cmp.Or(cmp.Compare(r.priority[b], r.priority[a]), cmp.Compare(a, b))
	})
	r.ready = slices.Insert(r.ready, i, node)
}

// RemainingPath is, for each node, its own cost and that of the costliest chain
// of nodes that wait for it. To start nodes with the longest remaining path
// first keeps the last ones from running alone at the end (critical-path list
// scheduling: Graham, Bounds on Multiprocessing Timing Anomalies, 1969; Kohler,
// A Preliminary Evaluation of the Critical Path Method, 1975). deps is as for
// Run, with nodes after the nodes that they need.
func RemainingPath(deps [][]int, cost []int64) []int64 {
	out := slices.Clone(cost)
	longest := make([]int64, len(deps)) // of the chains behind a node
	for node := len(deps) - 1; node >= 0; node-- {
		out[node] = cost[node] + longest[node]
		for _, d := range deps[node] {
			longest[d] = max(longest[d], out[node])
		}
	}
	return out
}

func (r *run) fail(node int, err error) {
	r.outcomes[node] = Outcome{State: Failed, Err: err, Cause: node}
	r.block(node, node)
}

func (r *run) block(node, cause int) {
	for _, d := range r.dependents[node] {
		o := &r.outcomes[d]
		if o.State == Blocked && o.Cause <= cause {
			continue
		}
		o.State, o.Cause = Blocked, cause
		r.block(d, cause)
	}
}
