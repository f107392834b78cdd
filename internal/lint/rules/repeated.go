package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

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
