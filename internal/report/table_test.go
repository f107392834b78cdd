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
	Table(&b, []string{"NAME", "N", "WHY"}, [][]string{{"日本", "7", ""}, {"a", "1234", "x  y"}, {"ärger", "", "z"}}, 1)
	want := "NAME      N  WHY\n日本      7\na      1234  x  y\närger        z\n"
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
		Log: "logs/shop.log", Err: diag.Errorf(diag.Position{File: "shop/Dockerfile", Line: 2}, "cannot build shop").Hint("mend it"), Tail: []string{"a", "<b>"}},
	{Target: "web", Status: fleet.Blocked, Cause: "shop"},
	{Target: "api", Status: fleet.Cancelled},
	{Target: "db", Status: fleet.NotStarted},
}

func TestClosing(t *testing.T) {
	var b bytes.Buffer
	Closing(&b, rows, 90*time.Second)
	want := `TARGET  RESULT       TIME     SIZE  WHY
base    reused          -   2.0 MB
java    built        1.5s  45.0 kB  Dockerfile changed → the same image as before
shop    failed       20ms        -  never built here
web     blocked         -        -  shop failed
api     cancelled       -        -
db      not started     -        -  the run was stopped

6 targets: 1 built, 1 reused, 1 failed, 1 blocked, 1 cancelled, 1 not started in 1m30s
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
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
	if err := ClosingEvent(&b, rows[:2], 5); err != nil {
		t.Fatal(err)
	}
	want := `{"event":"finished","targets":[{"target":"base","status":"reused","digest":"sha256:1","size":2000000,"took":3600000000000},` +
		`{"target":"java","status":"built","reasons":[{"kind":"dockerfile","subject":"Dockerfile","detail":"Dockerfile changed"}],` +
		`"digest":"sha256:2","same":true,"size":45000,"took":1500000000}],"counts":{"built":1,"reused":1},"took":5}` + "\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := ClosingJSON(&b, rows[2:4], 5); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"error": "shop/Dockerfile:2: cannot build shop"`, `"log": "logs/shop.log"`, `"cause": "shop"`, `"blocked": 1`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not in\n%s", want, b.String())
		}
	}
	b.Reset()
	if err := ClosingJSON(&b, nil, 0); err != nil || b.String() != "{\n  \"targets\": [],\n  \"counts\": {},\n  \"took\": 0\n}\n" {
		t.Errorf("nothing gives %s, %v", b.String(), err)
	}
}

func TestPlainProgress(t *testing.T) {
	var b bytes.Buffer
	p := NewPlain(&b)
	p.Started("java", rows[1].Reasons)
	p.Step("java", "RUN make > log")
	for _, r := range rows {
		p.Ended(r)
	}
	want := `[java] build: Dockerfile changed
[java] RUN make > log
[java] built in 1.5s, the same image as before
[shop] failed after 20ms
[web] blocked: shop failed
[api] cancelled
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestJSONProgress(t *testing.T) {
	var b bytes.Buffer
	p := NewJSON(&b)
	p.Started("java", rows[1].Reasons)
	p.Step("java", "RUN make > log")
	p.Ended(rows[3])
	want := `{"event":"started","target":"java","reasons":[{"kind":"dockerfile","subject":"Dockerfile","detail":"Dockerfile changed"}]}
{"event":"step","target":"java","step":"RUN make > log"}
{"event":"ended","target":"web","row":{"target":"web","status":"blocked","took":0,"cause":"shop"}}
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
