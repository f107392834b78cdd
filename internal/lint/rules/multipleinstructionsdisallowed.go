package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var multipleInstructionsDisallowed = &lint.Rule{
	Code: "MultipleInstructionsDisallowed", Title: "CMD, ENTRYPOINT or HEALTHCHECK that a later one replaces", Severity: lint.Warning, Family: lint.BuildKit,
	Profiles: lint.BuildKitProfile, Since: "0.1.0",
	Aliases: []string{"hadolint:DL4003", "hadolint:DL4004", "hadolint:DL3012"},
	Source:  "https://docs.docker.com/reference/build-checks/multiple-instructions-disallowed/",
	Why: "Only the last CMD, ENTRYPOINT and HEALTHCHECK of a stage counts. One before it does nothing, and a reader may " +
		"take it for what is run.",
	Bad:  "FROM debian:12\nCMD [\"a\"]\nCMD [\"b\"]",
	Good: "FROM debian:12\nCMD [\"b\"]",
	Check: func(p *lint.Pass) {
		warnings(p, func(in *syntax.Instruction, _ []checks.Warning) {
			p.Report(lint.Keyword(in), "a later %s of the stage replaces this one", in.Keyword)
		}, "CMD", "ENTRYPOINT", "HEALTHCHECK")
	},
}
