package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

// overridden are the instructions of a kind in a stage that a later one takes the place of.
func overridden(s *lint.Stage, keyword string) (out []*syntax.Instruction) {
	eachRepeated(s, keyword, func(before, _ *syntax.Instruction) { out = append(out, before) })
	return out
}

// eachRepeated calls fn for each instruction of a kind in a stage that takes the place of one before it, those
// under ONBUILD among themselves.
func eachRepeated(s *lint.Stage, keyword string, fn func(before, in *syntax.Instruction)) {
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
			fn(*before, in)
		}
		*before = in
	}
}
