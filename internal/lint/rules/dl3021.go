package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3021 = &lint.Rule{
	Code: "DL3021", Title: "COPY of several files to something that need not be a folder", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0011"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3021",
	Why: "Several files can only be copied into a folder. The builder asks for a slash at the end of its name, which says so; " +
		"without it some builders stop, and readers can't tell what it is.",
	Bad:  "FROM node:20\nWORKDIR /app\nCOPY package.json yarn.lock app",
	Good: "FROM node:20\nWORKDIR /app\nCOPY package.json yarn.lock app/",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachTriggered(s, func(i int, in *syntax.Instruction) {
			sources, destination, ok := sourcesAndDestination(in)
			if !ok || len(sources) < 2 {
				return
			}
			folder := lint.Expand(destination.Value, s.Before(i).Lookup)
			if strings.HasSuffix(folder, "/") || strings.HasSuffix(destination.Text.S, `\`) || endsInVariable(folder) {
				return
			}
			f := p.Report(lint.At(destination.Text), "COPY of %d sources to %s, which has no / at its end: it has to be a folder", len(sources), destination.Value)
			inner := destination.Text
			if n := len(inner.S); strings.HasSuffix(inner.S, `"`) || strings.HasSuffix(inner.S, "'") {
				inner = inner.Slice(0, n-1)
			}
			f.WithFix("write a / at the end", lint.InsertAfter(inner, "/"))
		}, "COPY")
	},
}

// endsInVariable says whether what a word ends with is not known.
func endsInVariable(word string) bool {
	i := strings.LastIndexByte(word, '$')
	return i >= 0 && afterVariable(word[i:]) == ""
}
