package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	dockerfile "github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// setting is a variable that gets a value.
type setting struct {
	Value   string
	At      lint.Span // NAME=VALUE
	Keyword string    // ENV, ARG or RUN
}

// eachSetting calls fn where a stage gives a variable of the environment a value: in ENV, ARG and RUN. Letters are
// compared without regard to case when fold is set.
func eachSetting(p *lint.Pass, s *lint.Stage, name string, fold bool, fn func(setting)) {
	same := func(other string) bool { return other == name || fold && strings.EqualFold(other, name) }
	eachInner(s, func(in *dockerfile.Instruction) {
		if !containsFold(in.Args.S, name) {
			return
		}
		for _, pair := range in.Pairs() {
			if pair.Has && same(pair.Name(p.File.Escape)) {
				fn(setting{dockerfile.Unquote(pair.Value.S, p.File.Escape), lint.Span{From: lint.At(pair.Key).From, To: lint.At(pair.Value).To}, in.Keyword})
			}
		}
	}, "ENV", "ARG")
	for _, run := range s.Runs() {
		eachScript(run.Scripts, func(script *shellscript.Script) {
			if !run.Exec && !containsFold(script.Text.S, name) { // the exec form is words, not a text
				return
			}
			if script.Tree != nil {
				syntax.Walk(script.Tree, func(n syntax.Node) bool {
					if a, ok := n.(*syntax.Assign); ok && a.Name != nil && a.Value != nil && same(a.Name.Value) {
						fn(setting{script.Word(a.Value).S, lint.At(script.Span(a)), "RUN"})
					}
					return true
				})
			}
			for _, c := range script.Commands {
				eachPrefix(c, func(w shellscript.Word) {
					if key, value, ok := strings.Cut(w.S, "="); ok && same(key) {
						fn(setting{value, lint.At(w.Text), "RUN"})
					}
				})
			}
		})
	}
}

// eachPrefix calls fn for the words of a command before the one that it wraps: env A=1 make.
func eachPrefix(c *shellscript.Command, fn func(shellscript.Word)) {
	n := len(c.Words) - len(unwrap(c).Words)
	if runsProgram(c, "env") && n == 0 {
		n = len(c.Words)
	}
	for _, w := range c.Words[:n] {
		fn(w)
	}
}
