package fleet

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/graph"
)

// summaryTargets makes targets with these names and parents.
func summaryTargets(names []string, parents map[string][]string) []*graph.Target {
	byName := map[string]*graph.Target{}
	var out []*graph.Target
	for _, n := range names {
		t := &graph.Target{Name: n}
		for _, p := range parents[n] {
			t.Parents = append(t.Parents, graph.Edge{Target: byName[p]})
		}
		byName[n] = t
		out = append(out, t)
	}
	return out
}

func TestSummarise(t *testing.T) {
	// a ─ b ─ d ─ e
	//   └ c ┘
	targets := summaryTargets([]string{"a", "b", "c", "d", "e", "z"}, map[string][]string{"b": {"a"}, "c": {"a"}, "d": {"b", "c"}, "e": {"d"}})
	const s = time.Second
	for _, tt := range []struct {
		what string
		ends []Status
		took []time.Duration
		path []string
		sum  time.Duration
	}{
		{"the longer side", []Status{Built, Built, Built, Built, Built, Built}, []time.Duration{1 * s, 2 * s, 3 * s, 1 * s, 1 * s, 5 * s}, []string{"a", "c", "d", "e"}, 6 * s},
		{"of equal sides the first", []Status{Built, Built, Built, Built, Built, Built}, []time.Duration{1 * s, 2 * s, 2 * s, 1 * s, 1 * s, 5 * s}, []string{"a", "b", "d", "e"}, 5 * s},
		{"one target is longer than the chain", []Status{Built, Built, Built, Built, Built, Built}, []time.Duration{1 * s, 1 * s, 1 * s, 1 * s, 1 * s, 9 * s}, []string{"z"}, 9 * s},
		{"through reused ones", []Status{Built, Reused, Reused, Reused, Built, Built}, []time.Duration{2 * s, 0, 0, 0, 2 * s, 3 * s}, []string{"a", "e"}, 4 * s},
		{"a failed target ends it", []Status{Built, Built, Failed, Blocked, Blocked, NotStarted}, []time.Duration{1 * s, 1 * s, 9 * s, 0, 0, 0}, []string{"a", "b"}, 2 * s},
		{"what is reused has no time", []Status{Reused, Built, Reused, Reused, Reused, Reused}, []time.Duration{time.Hour, 1 * s, time.Hour, 0, 0, 0}, []string{"b"}, 1 * s},
		{"nothing built", []Status{Reused, Reused, Reused, Reused, Reused, Reused}, make([]time.Duration, 6), nil, 0},
		{"built in no time", []Status{Built, Reused, Reused, Reused, Reused, Reused}, make([]time.Duration, 6), []string{"a"}, 0},
	} {
		var rows []Row
		for i, target := range targets {
			rows = append(rows, Row{Target: target.Name, Status: tt.ends[i], Took: tt.took[i]})
		}
		want := Summary{Wall: 7, CPU: 8, Critical: tt.path, CriticalTook: tt.sum}
		if got := Summarise(targets, rows, 7, 8); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", tt.what, got, want)
		}
	}
	if got := Summarise(targets, nil, 1, 2); !reflect.DeepEqual(got, Summary{Wall: 1, CPU: 2}) {
		t.Errorf("no rows: %+v", got)
	}
}

func TestOutlook(t *testing.T) {
	w := newWorld(t, map[string]string{"a": "FROM scratch\n", "b": "FROM a\n", "c": "FROM b\n", "z": "FROM scratch\nENV Z=1\n"})
	clock := time.Unix(0, 0)
	w.opts.Now = func() time.Time { return clock }
	w.fake.during = func(context.Context, string) { clock = clock.Add(time.Second) }
	expected := func(want string) {
		t.Helper()
		if got := fmt.Sprint(w.log.expected); got != want {
			t.Errorf("expected %s, want %s", got, want)
		}
		if o := w.log.outlook; o.Targets != 4 || o.Jobs != 1 {
			t.Errorf("%d targets, %d jobs", o.Targets, o.Jobs)
		}
	}
	w.want("a built, b built, c built, z built")
	expected("[{a [] 0s} {b [a] 0s} {c [b] 0s} {z [] 0s}]")
	w.write("b/Dockerfile", "FROM a\nENV B=1\n")
	w.want("a reused, b built same, c reused, z reused")
	expected("[{b [a] 1s} {c [b] 1s}]")
	w.want("a reused, b reused, c reused, z reused")
	expected("[]")
}
