package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/plan"
)

func TestTableIsAsWideAsWhatItShows(t *testing.T) {
	var b bytes.Buffer
	Table(&b, []string{"NAME", "N", "WHY"}, [][]string{{"日本", "7", ""}, {"a", "1234", "x  y"}, {"ärger", "", "\x1b[31mz\x1b[0m\nz"}}, 1)
	want := "NAME      N  WHY\n日本      7\na      1234  x  y\närger        z z\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		-1: "-", 0: "-", 1: "1 B", 999: "999 B", 1000: "1.0 kB", 1049: "1.0 kB", 1050: "1.1 kB", 999_949: "999.9 kB",
		999_950: "1.0 MB", 49_200_000: "49.2 MB", 999_950_000: "1.0 GB", 2_500_000_000_000: "2.5 TB", 5_000_000_000_000_000: "5000.0 TB",
	} {
		if got := Size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0ms", 999_900 * time.Microsecond: "999ms", time.Second: "1.0s", 4_250 * time.Millisecond: "4.2s",
		59_940 * time.Millisecond: "59.9s", 59_999 * time.Millisecond: "1m00s", time.Minute: "1m00s", 185_400 * time.Millisecond: "3m05s", 125 * time.Minute: "125m00s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 targets", 1: "1 target", 2: "2 targets"} {
		if got := Plural(n, "target"); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

func TestErrorsHaveAllHintsAndLines(t *testing.T) {
	var l diag.List
	l.Add(diag.Errorf(diag.Position{File: "b", Line: 2, Column: 3}, "cannot do it:\n  first\n  second").Hint("one").Hint("two\nlines"))
	l.AddErr(errors.New("cannot go on"))
	var b bytes.Buffer
	Errors(&b, l.Err())
	want := "error: cannot go on\nerror: b:2:3: cannot do it:\n    first\n    second\n  hint: one\n  hint: two\n        lines\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	Errors(&b, nil)
	if b.Len() > 0 {
		t.Errorf("no error prints %q", b.String())
	}
}

// rows has every end that a target can have.
var rows = []fleet.Row{
	{Target: "base", Status: fleet.Reused, Digest: "sha256:1", Size: 2_000_000, Took: time.Hour},
	{Target: "java", Status: fleet.Built, Digest: "sha256:2", Size: 45_000, Took: 1500 * time.Millisecond, Same: true,
		Reasons: []plan.Reason{{Kind: plan.Dockerfile, Subject: "Dockerfile", Detail: "Dockerfile changed"}}},
	{Target: "shop", Status: fleet.Failed, Took: 20 * time.Millisecond, Reasons: []plan.Reason{{Kind: plan.First, Subject: "shop", Detail: "never built here"}},
		Log: "logs/shop.log", Err: diag.Errorf(diag.Position{File: "shop/Dockerfile", Line: 2}, "cannot build shop").Hint("mend it"), Tail: []string{"a", "\x1b[2J<b>"}},
	{Target: "web", Status: fleet.Blocked, Cause: "shop"},
	{Target: "api", Status: fleet.Cancelled},
	{Target: "db", Status: fleet.NotStarted},
}

// sums has every part of a summary.
var sums = fleet.Summary{Wall: 90 * time.Second, CPU: 125 * time.Second, Critical: []string{"base", "java"}, CriticalTook: 72 * time.Second}

func TestClosing(t *testing.T) {
	var b bytes.Buffer
	Closing(&b, rows, sums)
	want := `TARGET  RESULT       TIME     SIZE  WHY
base    reused          -   2.0 MB
java    built        1.5s  45.0 kB  Dockerfile changed → the same image as before
shop    failed       20ms        -  never built here
web     blocked         -        -  shop failed
api     cancelled       -        -
db      not started     -        -  the run was stopped

6 targets: 1 built, 1 reused, 1 failed, 1 blocked, 1 cancelled, 1 not started in 1m30s
CPU time 2m05s
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestTotals(t *testing.T) {
	built := []fleet.Row{{Status: fleet.Built}, {Status: fleet.Built}, {Status: fleet.Failed}}
	for want, rows := range map[string][]fleet.Row{
		"2 targets: 2 built in 1m30s\nCPU time 2m05s, critical path 1m12s: base → java":           built[:2],
		"3 targets: 2 built, 1 failed in 1m30s\nCPU time 2m05s, critical path 1m12s: base → java": built,
		"1 target: 1 built in 1m30s\nCPU time 2m05s":                                              built[:1],
		"1 target: 1 failed in 1m30s\nCPU time 2m05s":                                             built[2:],
		"1 target: 1 cancelled in 1m30s\nCPU time 2m05s":                                          {{Status: fleet.Cancelled}},
		"3 targets: 1 reused, 1 blocked, 1 not started in 1m30s":                                  {{Status: fleet.Reused}, {Status: fleet.NotStarted}, {Status: fleet.Blocked}},
	} {
		if got := strings.Join(totals(rows, sums), "\n"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestFailures(t *testing.T) {
	var b bytes.Buffer
	Failures(&b, rows)
	want := "\nshop, the last lines of its log:\n  │ a\n  │ <b>\n\nerror: shop/Dockerfile:2: cannot build shop\n  hint: mend it\n  full log: logs/shop.log\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	Failures(&b, []fleet.Row{rows[0], {Target: "x", Status: fleet.Failed, Err: errors.New("cannot")}})
	if want := "\nerror: cannot\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestClosingForPrograms(t *testing.T) {
	var b bytes.Buffer
	now := time.Date(2026, 11, 22, 11, 0, 0, 7_900_000, time.FixedZone("", 3600))
	if err := ClosingEvent(&b, rows[:2], fleet.Summary{Wall: 5, CPU: 6, Critical: []string{"java"}, CriticalTook: 7}, now); err != nil {
		t.Fatal(err)
	}
	want := `{"event":"finished","time":"2026-11-22T10:00:00.007Z","targets":[{"target":"base","status":"reused","digest":"sha256:1","size":2000000,"took":3600000000000},` +
		`{"target":"java","status":"built","reasons":[{"kind":"dockerfile","subject":"Dockerfile","detail":"Dockerfile changed"}],` +
		`"digest":"sha256:2","same":true,"size":45000,"took":1500000000}],"counts":{"built":1,"reused":1},"took":5,"cpu":6,"critical_path":["java"],"critical_took":7}` + "\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := ClosingJSON(&b, rows[2:4], sums); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"error": "shop/Dockerfile:2: cannot build shop"`, `"log": "logs/shop.log"`, `"cause": "shop"`, `"blocked": 1`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not in\n%s", want, b.String())
		}
	}
	b.Reset()
	want = "{\n  \"targets\": [],\n  \"counts\": {},\n  \"took\": 0,\n  \"cpu\": 0,\n  \"critical_path\": [],\n  \"critical_took\": 0\n}\n"
	if err := ClosingJSON(&b, nil, fleet.Summary{}); err != nil || b.String() != want {
		t.Errorf("nothing gives %s, %v", b.String(), err)
	}
}
