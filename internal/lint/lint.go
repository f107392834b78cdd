// Package lint looks for mistakes in Dockerfiles.
//
//	l, err := lint.New(rules.All(), lint.Config{Profile: lint.Recommended})
//	file := syntax.Parse("0100-java17/Dockerfile", data)
//	findings := l.Check(lint.NewDoc(file, l.Options(), folder, image))
//
// A rule is data and a function (Rule); it gets a Dockerfile as stages with the
// configuration that is in effect at each instruction (Effective), and as shell
// commands (Stage.Runs). The rules themselves are in the package rules. Nothing is
// built, nothing is looked up: what is not known from the files is not reported.
//
// What is known to be missing: variables are expanded only as far as their values stand in
// the file or the catalog.
package lint

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Config says which rules are on, and how bad their findings are.
type Config struct {
	Profile  Profile
	Severity map[string]Severity // by code, over the profile's; Off switches a rule off
	Paths    []PathConfig        // later ones win
	Options  Options
}

// PathConfig is a part of a configuration that counts for some files.
type PathConfig struct {
	Globs    []string // of slash paths, as path.Match has them; ** is any number of folders
	Severity map[string]Severity
}

// Linter checks files by one configuration. It may be used by several goroutines at once.
type Linter struct {
	rules  []*Rule
	config Config
	known  map[string]*Rule
}

// New makes a linter. An error names a rule in the configuration that there is not.
func New(all []*Rule, c Config) (*Linter, error) {
	c.Options.Hadolint = c.Profile == HadolintProfile
	l := &Linter{rules: all, config: c, known: map[string]*Rule{}}
	for _, r := range all {
		l.known[r.Code] = r
	}
	named := slices.Collect(maps.Keys(c.Severity))
	for _, p := range c.Paths {
		named = append(named, slices.Collect(maps.Keys(p.Severity))...)
	}
	slices.Sort(named)
	for _, code := range named {
		if !l.knows(code) {
			return nil, fmt.Errorf("there is no rule %s", code)
		}
	}
	return l, nil
}

// knows says whether there is a rule of that code. ShellCheck has more than are here.
func (l *Linter) knows(code string) bool {
	_, ok := l.known[code]
	return ok || IsShellCheck(code)
}

// IsShellCheck says whether a code is one of ShellCheck's.
func IsShellCheck(code string) bool {
	digits, ok := strings.CutPrefix(code, "SC")
	return ok && len(digits) == 4 && strings.Trim(digits, "0123456789") == ""
}

// Options are those of the configuration.
func (l *Linter) Options() *Options { return &l.config.Options }

// SeverityOf says how bad findings of a rule are in a file, Off when it is not on there.
func (l *Linter) SeverityOf(r *Rule, file string) Severity {
	s := Off
	if r.Profiles&l.config.Profile != 0 {
		s = r.Severity
	}
	if named, ok := l.config.Severity[r.Code]; ok {
		s = named
	}
	for _, p := range l.config.Paths {
		if named, ok := p.Severity[r.Code]; ok && slices.ContainsFunc(p.Globs, func(g string) bool { return Match(g, file) }) {
			s = named
		}
	}
	return s
}

// Check runs the rules over a Dockerfile. The findings are in their order, those that
// comments switch off are left out.
func (l *Linter) Check(d *Doc) []*Finding {
	var out []*Finding
	pragmas := readPragmas(d)
	for _, r := range l.rules {
		severity := l.SeverityOf(r, d.Rel)
		if severity == Off {
			continue
		}
		for _, f := range r.Findings(d) {
			f.Severity = severity
			if pragmas.ignore(f) {
				continue
			}
			out = append(out, l.placed(f))
		}
	}
	return Sort(out)
}

// placed is a finding where the profile has it. With hadolint's it moves to the start of its instruction, which is
// where hadolint reports it: whoever changes from one to the other keeps what goes by lines.
func (l *Linter) placed(f *Finding) *Finding {
	if l.config.Profile == HadolintProfile && f.instruction != nil {
		f.Line, f.Column = f.instruction.Line, 1
		f.EndLine, f.EndCol = f.Line, 1+len(f.instruction.Raw)
	}
	return f
}

// Filter keeps those of findings that come from elsewhere whose rules are on for a file and which no
// comment switches off, with the severity that they have there.
func (l *Linter) Filter(d *Doc, findings []*Finding) (out []*Finding) {
	pragmas := readPragmas(d)
	for _, f := range findings {
		f.Severity = l.SeverityOf(f.Rule, d.Rel)
		if f.Severity != Off && !pragmas.ignore(f) {
			out = append(out, l.placed(f))
		}
	}
	return Sort(out)
}

// Findings are what one rule finds, in the order in which it finds them, whether it is on or not.
func (r *Rule) Findings(d *Doc) (out []*Finding) {
	p := &Pass{Doc: d, Rule: r, out: &out}
	if r.Check != nil {
		r.Check(p)
	}
	if r.Stage != nil {
		for _, s := range d.Stages {
			r.Stage(p, s)
		}
	}
	return out
}

// Sort puts findings in their total order and makes one of those that are the same; its fix is those of all.
func Sort(findings []*Finding) []*Finding {
	slices.SortStableFunc(findings, func(a, b *Finding) int { return a.Compare(b) })
	kept := findings[:0]
	for _, f := range findings {
		if n := len(kept); n > 0 && kept[n-1].Compare(f) == 0 {
			kept[n-1].joinFix(f.Fix)
			continue
		}
		kept = append(kept, f)
	}
	return kept
}

// joinFix makes the fix of another finding a part of this one's, where both can be made.
func (f *Finding) joinFix(other *Fix) {
	switch {
	case other == nil:
	case f.Fix == nil:
		f.Fix = other
	case !slices.ContainsFunc(other.Edits, func(e Edit) bool { return overlaps(e, f.Fix.Edits) }):
		f.Fix = &Fix{Title: f.Fix.Title, Edits: slices.Concat(f.Fix.Edits, other.Edits)}
	}
}

// Match matches a slash path against a pattern: as path.Match, and ** stands for any number of
// folders. A pattern without a slash matches names in all folders.
func Match(pattern, name string) bool {
	if !strings.Contains(pattern, "/") {
		ok, err := path.Match(pattern, path.Base(name))
		return ok && err == nil
	}
	return matchParts(strings.Split(strings.TrimPrefix(pattern, "/"), "/"), strings.Split(name, "/"))
}

func matchParts(pattern, name []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for i := range len(name) + 1 {
				if matchParts(pattern[1:], name[i:]) {
					return true
				}
			}
			return false
		}
		if len(name) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], name[0]); !ok || err != nil {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return len(name) == 0
}
