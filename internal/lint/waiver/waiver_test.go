package waiver

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lint"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

func find(file, code string, targets ...string) *lint.Finding {
	return &lint.Finding{Rule: &lint.Rule{Code: code}, Severity: lint.Warning, File: file, Line: 2, Column: 1, Message: "m", Targets: targets}
}

// whole is a waiver that counts, for a rule and paths, changed by a function.
func whole(rule string, paths []string, change ...func(*Waiver)) Waiver {
	w := Waiver{Rule: rule, Paths: paths, Reason: "because", Owner: "team-a", Expires: day("2026-12-31"), Pos: diag.Position{File: "plinth.yaml", Line: 7, Column: 5}}
	for _, c := range change {
		c(&w)
	}
	return w
}

func expires(date string) func(*Waiver) { return func(w *Waiver) { w.Expires = day(date) } }

func forTargets(globs ...string) func(*Waiver) { return func(w *Waiver) { w.Targets = globs } }

func show(r Result) string {
	name := func(f *lint.Finding) string {
		return strings.TrimSpace(f.File + " " + f.Rule.Code + " " + strings.Join(f.Targets, ","))
	}
	var b strings.Builder
	for _, f := range r.Kept {
		fmt.Fprintf(&b, "kept %s\n", name(f))
	}
	for _, w := range r.Waived {
		fmt.Fprintf(&b, "waived %s by %s\n", name(w.Finding), w.Waiver.Owner)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "%s %s: %s\n", p.Severity, p.Rule.Code, p.Message)
	}
	return b.String()
}

func TestApply(t *testing.T) {
	built := func(file string) []string {
		if file == "a/Dockerfile" {
			return []string{"a-jdk", "a-jre"}
		}
		return nil
	}
	a, b := find("a/Dockerfile", "R1"), find("b/Dockerfile", "R1")
	owner := func(name string) func(*Waiver) { return func(w *Waiver) { w.Owner = name } }
	for name, test := range map[string]struct {
		findings []*lint.Finding
		waivers  []Waiver
		want     string
	}{
		"none": {[]*lint.Finding{a, b}, nil, "kept a/Dockerfile R1\nkept b/Dockerfile R1\n"},
		"for a path": {[]*lint.Finding{a, b, find("a/Dockerfile", "R2")}, []Waiver{whole("R1", []string{"x/**", "a/*"})},
			"kept b/Dockerfile R1\nkept a/Dockerfile R2\nwaived a/Dockerfile R1 by team-a\n"},
		"for all paths": {[]*lint.Finding{a, b}, []Waiver{whole("R1", nil)},
			"waived a/Dockerfile R1 by team-a\nwaived b/Dockerfile R1 by team-a\n"},
		"on its last day": {[]*lint.Finding{a}, []Waiver{whole("R1", nil, expires("2026-03-10"))},
			"waived a/Dockerfile R1 by team-a\n"},
		"on the day after": {[]*lint.Finding{a}, []Waiver{whole("R1", nil, expires("2026-03-09"))},
			"kept a/Dockerfile R1\nwarning waiver-expired: the waiver of R1 by team-a expired on 2026-03-09: its finding is reported again\n"},
		"expired for two": {[]*lint.Finding{a, b, find("c", "R1")}, []Waiver{whole("R1", []string{"a/*", "b/*"}, expires("2025-12-31"))},
			"kept a/Dockerfile R1\nkept b/Dockerfile R1\nkept c R1\n" +
				"warning waiver-expired: the waiver of R1 for a/*, b/* by team-a expired on 2025-12-31: its 2 findings are reported again\n"},
		"expired and renewed": {[]*lint.Finding{a}, []Waiver{whole("R1", nil, expires("2026-01-01")), whole("R1", nil, owner("team-b"))},
			"waived a/Dockerfile R1 by team-b\ninfo waiver-unused: the waiver of R1 by team-a expired on 2026-01-01 and matches nothing\n"},
		"the first one counts, and the other is not needed": {[]*lint.Finding{a}, []Waiver{whole("R1", nil), whole("R1", []string{"a/*"}, owner("team-b"))},
			"waived a/Dockerfile R1 by team-a\ninfo waiver-unused: the waiver of R1 for a/* by team-b matches nothing\n"},
		"matches nothing": {[]*lint.Finding{a}, []Waiver{whole("R1", []string{"b/*"}), whole("R2", nil)},
			"kept a/Dockerfile R1\ninfo waiver-unused: the waiver of R1 for b/* by team-a matches nothing\ninfo waiver-unused: the waiver of R2 by team-a matches nothing\n"},
		"for a target of two": {[]*lint.Finding{a}, []Waiver{whole("R1", nil, forTargets("x", "*-jre"))},
			"kept a/Dockerfile R1 a-jdk\nwaived a/Dockerfile R1 a-jre by team-a\n"},
		"for both targets": {[]*lint.Finding{a}, []Waiver{whole("R1", nil, forTargets("a-*"))},
			"waived a/Dockerfile R1 by team-a\n"},
		"for both targets, by two": {[]*lint.Finding{a}, []Waiver{whole("R1", nil, forTargets("a-jdk")), whole("R1", nil, forTargets("a-jre"), owner("team-b"))},
			"waived a/Dockerfile R1 a-jdk by team-a\nwaived a/Dockerfile R1 a-jre by team-b\n"},
		"the finding is for one target": {[]*lint.Finding{find("a/Dockerfile", "R1", "a-jdk")}, []Waiver{whole("R1", nil, forTargets("a-jre"))},
			"kept a/Dockerfile R1 a-jdk\ninfo waiver-unused: the waiver of R1 by team-a matches nothing\n"},
		"for a target, outside of a catalog": {[]*lint.Finding{b}, []Waiver{whole("R1", nil, forTargets("*"))},
			"kept b/Dockerfile R1\ninfo waiver-unused: the waiver of R1 by team-a matches nothing\n"},
		"expired for the target that another one covers": {[]*lint.Finding{a},
			[]Waiver{whole("R1", nil, forTargets("a-jdk"), expires("2026-01-01")), whole("R1", nil, forTargets("a-jdk"), owner("team-b"))},
			"kept a/Dockerfile R1 a-jre\nwaived a/Dockerfile R1 a-jdk by team-b\ninfo waiver-unused: the waiver of R1 by team-a expired on 2026-01-01 and matches nothing\n"},
		"no reason": {[]*lint.Finding{a}, []Waiver{whole("R1", nil, func(w *Waiver) { w.Reason = " " })},
			"kept a/Dockerfile R1\nerror waiver-invalid: the waiver of R1 has no reason\n"},
		"no owner": {[]*lint.Finding{a}, []Waiver{whole("R1", nil, func(w *Waiver) { w.Owner = "\t" })},
			"kept a/Dockerfile R1\nerror waiver-invalid: the waiver of R1 has no owner\n"},
		"no date": {[]*lint.Finding{a}, []Waiver{whole("R1", nil, func(w *Waiver) { w.Expires = time.Time{} })},
			"kept a/Dockerfile R1\nerror waiver-invalid: the waiver of R1 has no expiry date\n"},
		"nothing at all": {[]*lint.Finding{a}, []Waiver{{}},
			"kept a/Dockerfile R1\nerror waiver-invalid: the waiver has no rule, no reason, no owner, no expiry date\n"},
		"broken patterns": {[]*lint.Finding{a}, []Waiver{whole("R1", []string{"a/*", "["}, forTargets("[x", ""))},
			"kept a/Dockerfile R1\n" +
				"error waiver-invalid: the waiver of R1 for a/*, [ has the pattern \"\", which cannot match anything\n" +
				"error waiver-invalid: the waiver of R1 for a/*, [ has the pattern \"[\", which cannot match anything\n" +
				"error waiver-invalid: the waiver of R1 for a/*, [ has the pattern \"[x\", which cannot match anything\n"},
	} {
		before := fmt.Sprint(test.findings, test.waivers)
		got := Apply(test.findings, test.waivers, now, built)
		if s := show(got); s != test.want {
			t.Errorf("%s:\n%swant\n%s", name, s, test.want)
		}
		if fmt.Sprint(test.findings, test.waivers) != before {
			t.Errorf("%s: it changed what it was given", name)
		}
		for _, p := range got.Problems {
			if len(test.waivers) > 0 && test.waivers[0].Pos.Line > 0 && (p.File != "plinth.yaml" || p.Line != 7 || p.Column != 5 || p.EndLine != 7 || p.EndCol != 5) {
				t.Errorf("%s: a problem at %s:%d:%d", name, p.File, p.Line, p.Column)
			}
			if !slices.Contains(Rules(), p.Rule) {
				t.Errorf("%s: the rule %s is not listed", name, p.Rule.Code)
			}
		}
	}
	if len(a.Targets) != 0 {
		t.Error("a finding was changed")
	}
}

// The day is that of UTC, wherever the clock is.
func TestDayIsUTC(t *testing.T) {
	late := time.Date(2026, 3, 11, 1, 0, 0, 0, time.FixedZone("east", 2*3600)) // still the 10th
	w := whole("R1", nil, expires("2026-03-10"))
	if r := Apply([]*lint.Finding{find("a", "R1")}, []Waiver{w}, late, nil); len(r.Waived) != 1 {
		t.Errorf("%s", show(r))
	}
	if r := Apply([]*lint.Finding{find("a", "R1")}, []Waiver{w}, late.Add(time.Hour), nil); len(r.Kept) != 1 {
		t.Errorf("%s", show(r))
	}
}

func TestWithoutCatalog(t *testing.T) {
	r := Apply([]*lint.Finding{find("a", "R1")}, []Waiver{whole("R1", nil, forTargets("*"))}, now, nil)
	if len(r.Kept) != 1 || len(r.Waived) != 0 {
		t.Errorf("%s", show(r))
	}
}
