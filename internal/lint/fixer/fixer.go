// Package fixer mends a Dockerfile by the fixes of findings, again and again until none is left,
// and shows what that changed.
//
//	result := fixer.Fix("Dockerfile", data, func(data []byte) []*lint.Finding { … })
//	os.Stdout.Write(fixer.Diff("Dockerfile", data, result.Data))
//
// A fix is kept only when the file parses as well as before and its rule finds less than before. What a fix
// means for the image is the rule's business; nothing is built here.
package fixer

import (
	"path"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/dockerfile"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

// MaxRounds is how often a file is mended and looked at again.
const MaxRounds = 10

// Result is a mended file.
type Result struct {
	Data    []byte
	Rounds  int             // that changed something
	Fixed   []*lint.Finding // whose fixes are in it, in the order in which they were taken
	Refused []*lint.Finding // whose fixes did not do what they should, and are not in it
	Left    []*lint.Finding // what check says of the mended file
}

// Fix mends a file. check gives its findings in their order; it is asked again after each change.
func Fix(file string, data []byte, check func(data []byte) []*lint.Finding) Result {
	f := &fixer{file: file, check: check, seen: map[string]bool{string(data): true}, refused: map[refusal]bool{}}
	f.now = f.look(data)
	for f.result.Rounds < MaxRounds && f.round() {
		f.result.Rounds++
	}
	f.result.Data, f.result.Left = f.now.data, f.now.findings
	return f.result
}

type fixer struct {
	file    string
	check   func([]byte) []*lint.Finding
	now     state
	seen    map[string]bool // contents that were there: two fixes may take each other back
	refused map[refusal]bool
	result  Result
}

// state is a content and what is known of it.
type state struct {
	data     []byte
	findings []*lint.Finding
	count    map[string]int // findings by rule
	problems int            // that keep it from being split or built
}

// refusal tells a fix that does no good.
type refusal struct {
	rule string
	at   lint.Span // of the finding, as the file is now
}

func (f *fixer) look(data []byte) state {
	s := state{data: data, findings: f.check(data), count: map[string]int{}}
	for _, finding := range s.findings {
		s.count[finding.Rule.Code]++
	}
	_, err := dockerfile.Parse(f.file, data)
	s.problems = len(syntax.Parse(f.file, data).Errors) + len(diag.Flatten(err))
	return s
}

// round takes all fixes that there are, or, when they do not go well together, those that
// go well one by one. It says whether something changed.
func (f *fixer) round() bool {
	todo := f.fixable()
	if len(todo) == 0 {
		return false
	}
	if f.take(todo) {
		return true
	}
	for _, one := range todo {
		if f.take([]*lint.Finding{one}) {
			return true // the others' places may have moved
		}
		f.refused[f.key(one)] = true
		f.result.Refused = append(f.result.Refused, one)
	}
	return false
}

func (f *fixer) fixable() (out []*lint.Finding) {
	for _, finding := range f.now.findings {
		if finding.Fix != nil && !f.refused[f.key(finding)] {
			out = append(out, finding)
		}
	}
	return out
}

func (f *fixer) key(finding *lint.Finding) refusal {
	return refusal{finding.Rule.Code, finding.Span}
}

// move keeps the places of refused fixes where they are when edits are made before them.
func (f *fixer) move(applied []*lint.Finding) {
	moved := map[refusal]bool{}
	for r := range f.refused {
		by := 0
		for _, finding := range applied {
			for _, e := range finding.Fix.Edits {
				if e.To <= r.at.From {
					by += len(e.Text) - (e.To - e.From)
				}
			}
		}
		moved[refusal{r.rule, lint.Span{From: r.at.From + by, To: r.at.To + by}}] = true
	}
	f.refused = moved
}

// take tries fixes; what comes out stays if it is better.
func (f *fixer) take(todo []*lint.Finding) bool {
	data, applied := lint.Apply(f.now.data, todo)
	if f.seen[string(data)] {
		return false
	}
	next := f.look(data)
	if next.problems > f.now.problems {
		return false
	}
	most := map[string]int{}
	for _, finding := range applied {
		code := finding.Rule.Code
		if _, ok := most[code]; !ok {
			most[code] = f.now.count[code]
		}
		most[code]--
	}
	for code, n := range most {
		if next.count[code] > n {
			return false
		}
	}
	f.seen[string(data)] = true
	f.now = next
	f.move(applied)
	f.result.Fixed = append(f.result.Fixed, applied...)
	return true
}

// Diff is what changed in a file, for patch and git apply; empty when nothing did.
func Diff(file string, before, after []byte) []byte {
	name := path.Clean(file)
	return diff.Diff(path.Join("a", name), before, path.Join("b", name), after)
}
