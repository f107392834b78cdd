package sched

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errBoom = errors.New("boom")

// 0 → 1 → 3, 0 → 2, 4 → 5
var family = [][]int{{}, {0}, {0}, {1}, {}, {4}}

func failing(nodes ...int) func(context.Context, int) error {
	return func(_ context.Context, n int) error {
		if slices.Contains(nodes, n) {
			return errBoom
		}
		return nil
	}
}

func states(out []Outcome) string {
	s := ""
	for _, o := range out {
		s += string("-DFBC"[o.State])
	}
	return s
}

func TestPolicies(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy Policy
		fail   []int
		want   string
		causes []int
	}{
		{"all well", StopStarting, nil, "DDDDDD", []int{-1, -1, -1, -1, -1, -1}},
		{"root fails, nothing new starts", StopStarting, []int{0}, "FBBB--", []int{0, 0, 0, 0, -1, -1}},
		{"keep going", KeepGoing, []int{0}, "FBBBDD", []int{0, 0, 0, 0, -1, -1}},
		{"keep going, two failures", KeepGoing, []int{1, 4}, "DFDBFB", []int{-1, 1, -1, 1, 4, 4}},
		{"fail fast", FailFast, []int{1}, "DF-B--", []int{-1, 1, -1, 1, -1, -1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := Run(context.Background(), family, Options{Jobs: 1, Policy: c.policy}, failing(c.fail...))
			if got := states(out); got != c.want {
				t.Errorf("states %s, want %s", got, c.want)
			}
			for i, o := range out {
				if o.Cause != c.causes[i] {
					t.Errorf("node %d: cause %d, want %d", i, o.Cause, c.causes[i])
				}
				if (o.Err != nil) != (o.State == Failed) {
					t.Errorf("node %d: error %v in state %d", i, o.Err, o.State)
				}
			}
		})
	}
}

func TestBlockedByTwoNamesTheFirst(t *testing.T) {
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		gate := make(chan struct{})
		out := Run(context.Background(), [][]int{{}, {}, {0, 1}, {2}}, Options{Jobs: 2, Policy: KeepGoing}, func(_ context.Context, n int) error {
			if n == order[0] {
				defer close(gate)
				return errBoom
			}
			<-gate
			return errBoom
		})
		if out[2].Cause != 0 || out[3].Cause != 0 || states(out) != "FFBB" {
			t.Errorf("causes %d and %d, states %s", out[2].Cause, out[3].Cause, states(out))
		}
	}
}

func TestNoMoreThanJobsAtOnce(t *testing.T) {
	for _, jobs := range []int{-1, 1, 2, 5} {
		var now, peak atomic.Int32
		synctest.Test(t, func(t *testing.T) {
			Run(context.Background(), make([][]int, 20), Options{Jobs: jobs}, func(context.Context, int) error {
				peak.Store(max(peak.Load(), now.Add(1)))
				time.Sleep(time.Second)
				now.Add(-1)
				return nil
			})
		})
		if got := int(peak.Load()); got != max(1, jobs) {
			t.Errorf("-j %d: %d at once", jobs, got)
		}
	}
}

func TestReadyNodesStartInOrder(t *testing.T) {
	var order []int
	Run(context.Background(), [][]int{{4}, {}, {4}, {1}, {}}, Options{Jobs: 1}, func(_ context.Context, n int) error {
		order = append(order, n)
		return nil
	})
	if want := []int{1, 3, 4, 0, 2}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

func TestFailFastCancelsWhatRuns(t *testing.T) {
	started := make(chan struct{})
	out := Run(context.Background(), [][]int{{}, {}, {}}, Options{Jobs: 2, Policy: FailFast}, func(ctx context.Context, n int) error {
		if n == 0 {
			<-started
			return errBoom
		}
		close(started)
		<-ctx.Done()
		return fmt.Errorf("work: %w", ctx.Err())
	})
	if got := states(out); got != "FC-" {
		t.Errorf("states %s", got)
	}
}

func TestStopStartingLetsRunningFinish(t *testing.T) {
	failed := make(chan struct{})
	out := Run(context.Background(), [][]int{{}, {}, {}}, Options{Jobs: 2}, func(ctx context.Context, n int) error {
		if n == 0 {
			defer close(failed)
			return errBoom
		}
		<-failed
		time.Sleep(10 * time.Millisecond)
		return ctx.Err()
	})
	if got := states(out); got != "FD-" {
		t.Errorf("states %s", got)
	}
}

func TestInterruptStartsNothingNew(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	out := Run(ctx, [][]int{{}, {0}, {}}, Options{Jobs: 1, Policy: KeepGoing}, func(ctx context.Context, n int) error {
		cancel()
		return ctx.Err()
	})
	if got := states(out); got != "C--" {
		t.Errorf("states %s", got)
	}
}

func TestRandomGraphsRunEachNodeOnceAfterItsDependencies(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		deps := make([][]int, 60)
		for i := range deps {
			for range rng.IntN(4) {
				if i > 0 {
					deps[i] = append(deps[i], rng.IntN(i)) // repeats happen
				}
			}
		}
		var mu sync.Mutex
		done := map[int]bool{}
		out := Run(context.Background(), deps, Options{Jobs: 8}, func(_ context.Context, n int) error {
			mu.Lock()
			defer mu.Unlock()
			if done[n] {
				t.Errorf("seed %d: node %d ran twice", seed, n)
			}
			for _, d := range deps[n] {
				if !done[d] {
					t.Errorf("seed %d: node %d ran before %d", seed, n, d)
				}
			}
			done[n] = true
			return nil
		})
		for i, o := range out {
			if o.State != Done || !done[i] {
				t.Fatalf("seed %d: node %d ended in state %d", seed, i, o.State)
			}
		}
	}
}

func TestPriorityOrdersWhatIsReady(t *testing.T) {
	var order []int
	work := func(_ context.Context, node int) error {
		order = append(order, node)
		return nil
	}
	// 3 and 4 become ready while 1 and 2 wait
	Run(context.Background(), [][]int{nil, nil, nil, {0}, {0}}, Options{Jobs: 1, Priority: []int64{9, 1, 3, 3, 7}}, work)
	if want := []int{0, 4, 2, 3, 1}; !slices.Equal(order, want) {
		t.Errorf("started %v, want %v", order, want)
	}
}

func TestRemainingPath(t *testing.T) {
	// 0 ← 1 ← 2, 0 ← 3, 4 alone, 5 needs 3 and 1 (named twice)
	deps := [][]int{nil, {0}, {1}, {0}, nil, {3, 1, 1}}
	cost := []int64{1, 2, 3, 10, 4, 20}
	got := RemainingPath(deps, cost)
	if want := []int64{31, 22, 3, 30, 4, 20}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if want := []int64{1, 2, 3, 10, 4, 20}; !slices.Equal(cost, want) {
		t.Errorf("the costs were changed to %v", cost)
	}
	if got := RemainingPath(nil, nil); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

// TestLongestPathFirstIsShorter: one chain of ten and twenty single nodes, all
// of the same cost, on two workers take 15 when the chain is started first.
func TestLongestPathFirstIsShorter(t *testing.T) {
	deps := make([][]int, 30)
	cost := make([]int64, 30)
	for i := range deps {
		cost[i] = 1
		if i > 20 {
			deps[i] = []int{i - 1}
		}
	}
	span := func(priority []int64) int {
		r := newRun(deps, priority)
		steps := 0
		for len(r.ready) > 0 {
			var running []int
			for len(running) < 2 && len(r.ready) > 0 {
				running = append(running, r.pop())
			}
			for _, node := range running {
				r.succeed(node)
			}
			steps++
		}
		return steps
	}
	if in, by := span(nil), span(RemainingPath(deps, cost)); in != 20 || by != 15 {
		t.Errorf("%d steps by number, %d by path; want 20 and 15", in, by)
	}
}
