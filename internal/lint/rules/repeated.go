package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

// overridden are the instructions of a kind in a stage that a later one takes the place of, those
// under ONBUILD among themselves.
func overridden(s *lint.Stage, keyword string) (out []*syntax.Instruction) {
	var last, lastTrigger *syntax.Instruction
	for _, in := range s.Instructions {
		before := &last
		if in.Inner != nil {
			in, before = in.Inner, &lastTrigger
		}
		if in.Keyword != keyword {
			continue
		}
		if *before != nil {
			out = append(out, *before)
		}
		*before = in
	}
	return out
}
