package rules

import (
	"slices"
	"strings"

	sh "mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3059 = &lint.Rule{
	Code: "DL3059", Title: "RUN directly behind another RUN", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3059",
	Why: "Each RUN is a layer, and what a later one deletes is still in the earlier one. Single commands that follow one another are better joined with &&. " +
		"A RUN that is a chain already, or has other flags, is left alone: there somebody has thought about the layers.",
	Bad:  "FROM debian:12\nRUN mkdir /a\nRUN touch /a/b",
	Good: "FROM debian:12\nRUN mkdir /a && touch /a/b",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		runs := runsOf(s)
		var before *syntax.Instruction
		for _, outer := range s.Instructions {
			in := triggered(outer)
			if in.Keyword != "RUN" || isChain(runs[in]) {
				before = nil
				continue
			}
			if before != nil && (before.Onbuild == nil) == (in.Onbuild == nil) && slices.Equal(flagTexts(before), flagTexts(in)) {
				p.Report(lint.Keyword(in), "RUN directly behind the one in line %d: join them with &&", before.Line)
			}
			before = in
		}
	},
}

// isChain says whether a step has more than two commands, or is not known.
func isChain(run *lint.Run) bool {
	if len(run.In.Heredocs) > 0 {
		return true
	}
	n := 0
	for _, script := range run.Scripts {
		if script.Err != nil {
			return true
		}
		if script.Tree == nil {
			if n++; !run.Exec && strings.ContainsAny(script.Text.S, ";&|") {
				return true // a shell that is not read here
			}
			continue
		}
		sh.Walk(script.Tree, func(node sh.Node) bool {
			switch node := node.(type) {
			case *sh.CallExpr:
				if len(node.Args) > 0 {
					n++
				}
			case *sh.DeclClause, *sh.LetClause:
				n++
			}
			return true
		})
	}
	return n > 2
}

func flagTexts(in *syntax.Instruction) (out []string) {
	for _, f := range in.Flags {
		out = append(out, f.Text.S)
	}
	return out
}
