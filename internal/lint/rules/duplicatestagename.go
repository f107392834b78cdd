package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var duplicateStageName = &lint.Rule{
	Code: "DuplicateStageName", Title: "Stage name used twice", Severity: lint.Error, Family: lint.BuildKit,
	Profiles: lint.BuildKitProfile, Since: "0.1.0",
	Aliases: []string{"hadolint:DL3024"},
	Source:  "https://docs.docker.com/reference/build-checks/duplicate-stage-name/",
	Why: "A name that two stages have means the later one from there on. What was meant to be built or copied may be the " +
		"other one.",
	Bad:  "FROM debian:12 AS app\nRUN a\n\nFROM debian:12 AS app\nRUN b",
	Good: "FROM debian:12 AS build\nRUN a\n\nFROM debian:12 AS app\nRUN b",
	Check: func(p *lint.Pass) {
		warnings(p, func(from *syntax.Instruction, _ []checks.Warning) {
			s := stageOf(p.Doc, from)
			if first := p.StageNamed(s.Name, s.Index); first != nil {
				p.Report(lint.At(s.NameText), "stage %s is already there, in line %d", s.Name, first.From.Line)
			}
		}, "FROM")
	},
}
