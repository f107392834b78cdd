// Package waiver lets findings pass for a reason, by somebody's word, and for a time.
//
//	result := waiver.Apply(findings, waivers, time.Now(), targetsOf)
//
// A waiver that is not whole lets nothing pass. One that has expired does not either, and says
// whose it was. What is wrong with waivers comes out as findings, with rules of their own (Rules), so
// that whatever prints findings prints them too.
package waiver

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lint"
)

// Waiver says which findings pass.
type Waiver struct {
	Rule    string    // its code
	Paths   []string  // globs as lint.Match has them; none: all files
	Targets []string  // globs as path.Match has them; none: all targets
	Reason  string    // why it may be so
	Owner   string    // who answers for it
	Expires time.Time // the last day, in UTC, on which it counts

	Pos diag.Position // where it is written
}

// Waived is a finding that passes.
type Waived struct {
	Finding *lint.Finding
	Waiver  Waiver
}

// Result is what waivers make of findings.
type Result struct {
	Kept     []*lint.Finding // in the order in which they came
	Waived   []Waived        // likewise
	Problems []*lint.Finding // with the waivers themselves, sorted
}

// The rules of what is wrong with waivers.
var (
	Invalid = &lint.Rule{
		Code: "waiver-invalid", Title: "waiver that is not whole", Severity: lint.Error, Family: lint.Custom, Since: "0.1.0",
		Why: "A waiver says which rule it is about, why its findings may stay, who answers for that, and until when. Without one of them nobody " +
			"can tell later whether it still holds, so it lets nothing pass.",
	}
	Expired = &lint.Rule{
		Code: "waiver-expired", Title: "waiver that has expired", Severity: lint.Warning, Family: lint.Custom, Since: "0.1.0",
		Why: "The time that was agreed on is over, and the findings are reported again. Mend them, or let the owner say until when they may stay.",
	}
	Unused = &lint.Rule{
		Code: "waiver-unused", Title: "waiver that matches nothing", Severity: lint.Info, Family: lint.Custom, Since: "0.1.0",
		Why: "What it was written for is mended, or has moved to another path. It would let the next finding of its kind pass unseen: take it out.",
	}
)

// Rules are all rules of waivers.
func Rules() []*lint.Rule { return []*lint.Rule{Invalid, Expired, Unused} }

// Apply takes out the findings that waivers cover at a time. targets gives the targets that are built from a file,
// none outside of a catalog; nil is for a run without a catalog. A waiver for some targets of a finding
// leaves it for the others.
func Apply(findings []*lint.Finding, waivers []Waiver, now time.Time, targets func(file string) []string) Result {
	a := &applier{targets: targets, today: now.UTC().Format(time.DateOnly)}
	for i := range waivers {
		a.states = append(a.states, a.check(&waivers[i]))
	}
	for _, f := range findings {
		a.apply(f)
	}
	for _, s := range a.states {
		a.complain(s)
	}
	a.result.Problems = lint.Sort(a.result.Problems)
	return a.result
}

type applier struct {
	targets func(string) []string
	today   string
	states  []*state
	result  Result
}

// state is a waiver in use.
type state struct {
	*Waiver
	valid, expired bool
	used           bool
	again          int // findings that are reported though they are its own
}

func (a *applier) check(w *Waiver) *state {
	s := &state{Waiver: w, valid: true}
	var missing []string
	for _, part := range []struct {
		name string
		ok   bool
	}{{"rule", w.Rule != ""}, {"reason", strings.TrimSpace(w.Reason) != ""}, {"owner", strings.TrimSpace(w.Owner) != ""}, {"expiry date", !w.Expires.IsZero()}} {
		if !part.ok {
			missing = append(missing, part.name)
		}
	}
	if len(missing) > 0 {
		s.valid = false
		a.report(w, Invalid, "the waiver%s has no %s", of(w), strings.Join(missing, ", no "))
	}
	for _, glob := range slices.Concat(w.Paths, w.Targets) {
		if _, err := path.Match(glob, ""); err != nil || glob == "" {
			s.valid = false
			a.report(w, Invalid, "the waiver%s has the pattern %q, which cannot match anything", of(w), glob)
		}
	}
	s.expired = !w.Expires.IsZero() && w.Expires.UTC().Format(time.DateOnly) < a.today
	return s
}

func (a *applier) apply(f *lint.Finding) {
	var late []*state
	for _, s := range a.states {
		if !s.valid || s.Rule != f.Rule.Code || len(s.Paths) > 0 && !slices.ContainsFunc(s.Paths, func(g string) bool { return lint.Match(g, cmp.Or(f.Rel, f.File)) }) {
			continue
		}
		pass, rest := a.split(s, f)
		switch {
		case pass == nil:
		case s.expired:
			late = append(late, s)
		default:
			s.used = true
			a.result.Waived = append(a.result.Waived, Waived{pass, *s.Waiver})
			if f = rest; f == nil {
				return
			}
		}
	}
	a.result.Kept = append(a.result.Kept, f)
	for _, s := range late {
		if pass, _ := a.split(s, f); pass != nil { // another waiver may cover it for those targets by now
			s.again++
		}
	}
}

// split divides a finding into the part that a waiver covers and the rest, nil for nothing.
func (a *applier) split(s *state, f *lint.Finding) (pass, rest *lint.Finding) {
	if len(s.Targets) == 0 {
		return f, nil
	}
	all := f.Targets
	if len(all) == 0 && a.targets != nil {
		all = a.targets(f.File)
	}
	var in, out []string
	for _, t := range all {
		if slices.ContainsFunc(s.Targets, func(g string) bool { ok, _ := path.Match(g, t); return ok }) {
			in = append(in, t)
		} else {
			out = append(out, t)
		}
	}
	switch {
	case len(in) == 0:
		return nil, f
	case len(out) == 0:
		return f, nil
	}
	some, others := *f, *f
	some.Targets, others.Targets = in, out
	return &some, &others
}

// complain reports what has expired or is not needed.
func (a *applier) complain(s *state) {
	day := s.Expires.UTC().Format(time.DateOnly)
	switch {
	case !s.valid || s.used:
	case s.expired && s.again > 0:
		findings := "its finding is reported again"
		if s.again > 1 {
			findings = fmt.Sprintf("its %d findings are reported again", s.again)
		}
		a.report(s.Waiver, Expired, "the waiver%s by %s expired on %s: %s", of(s.Waiver), s.Owner, day, findings)
	case s.expired:
		a.report(s.Waiver, Unused, "the waiver%s by %s expired on %s and matches nothing", of(s.Waiver), s.Owner, day)
	default:
		a.report(s.Waiver, Unused, "the waiver%s by %s matches nothing", of(s.Waiver), s.Owner)
	}
}

func (a *applier) report(w *Waiver, r *lint.Rule, format string, args ...any) {
	a.result.Problems = append(a.result.Problems, &lint.Finding{
		Rule: r, Severity: r.Severity, File: w.Pos.File, Line: w.Pos.Line, Column: w.Pos.Column, EndLine: w.Pos.Line, EndCol: w.Pos.Column,
		Message: fmt.Sprintf(format, args...),
	})
}

// of says which waiver it is.
func of(w *Waiver) string {
	text := ""
	if w.Rule != "" {
		text = " of " + w.Rule
	}
	if len(w.Paths) > 0 {
		text += " for " + strings.Join(w.Paths, ", ")
	}
	return text
}
