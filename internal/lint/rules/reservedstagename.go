package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var reservedStageName = &lint.Rule{
	Code: "ReservedStageName", Title: "Stage name that means something else", Severity: lint.Error, Family: lint.BuildKit,
	Profiles: lint.BuildKitProfile, Since: "0.1.0",
	Aliases: []string{"hadolint:DL3063"},
	Source:  "https://docs.docker.com/reference/build-checks/reserved-stage-name/",
	Why: "`scratch` is the empty image and `context` the folder that is built from. A stage of that name cannot be used " +
		"by it.",
	Bad:  "FROM debian:12 AS scratch\nRUN a",
	Good: "FROM debian:12 AS base\nRUN a",
	Check: func(p *lint.Pass) {
		warnings(p, func(from *syntax.Instruction, _ []checks.Warning) {
			name := fromWord(from, 2)
			p.Report(lint.At(name), "%s is no name for a stage: it means something else to the builder", name.S)
		}, "FROM")
	},
}
