package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3012 = &lint.Rule{
	Code: "DL3012", Title: "More than one HEALTHCHECK", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0023", "buildkit:MultipleInstructionsDisallowed"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3012",
	Why:     "An image has one health check: the last HEALTHCHECK of a stage counts, those before it do nothing and only look as if they did.",
	Bad:     "FROM debian:12\nHEALTHCHECK CMD [\"check\", \"a\"]\nHEALTHCHECK CMD [\"check\", \"b\"]",
	Good:    "FROM debian:12\nHEALTHCHECK CMD [\"check\", \"a\", \"b\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		var own, onbuild *syntax.Instruction
		eachTriggered(s, func(_ int, in *syntax.Instruction) {
			before := &own
			if in.Onbuild != nil {
				before = &onbuild
			}
			if *before != nil {
				p.Report(lint.Keyword(in), "this HEALTHCHECK makes the one in line %d useless: keep one in a stage", (*before).Line)
			}
			*before = in
		}, "HEALTHCHECK")
	},
}
