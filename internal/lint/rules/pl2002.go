package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var pl2002 = &lint.Rule{
	Code: "PL2002", Title: "Whole context copied twice", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Why: "Each COPY is a layer: with the whole context in two of them, everything is in the image twice. The second one alone is mostly enough, with the few files " +
		"that steps before it need copied by name.",
	Bad:  "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCOPY . .",
	Good: "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, steps := range sequences(s) {
			var first *syntax.Instruction
			for _, st := range steps {
				source, ok := wholeContext(st.in)
				_, some := st.in.Flag("exclude")
				switch {
				case !ok || some:
				case first == nil:
					first = st.in
				default:
					p.Report(lint.At(source), "the whole context is copied a second time, after line %d: each of its files is in the layers twice", first.Line)
				}
			}
		}
	},
}
