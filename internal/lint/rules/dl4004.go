package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl4004 = &lint.Rule{
	Code: "DL4004", Title: "More than one ENTRYPOINT", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"buildkit:MultipleInstructionsDisallowed", "trivy:DS-0007"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL4004",
	Why:     "Only the last ENTRYPOINT of a stage counts. The others look as if they did something.",
	Bad:     "FROM debian:12\nENTRYPOINT [\"/bin/true\"]\nENTRYPOINT [\"/bin/false\"]",
	Good:    "FROM debian:12\nENTRYPOINT [\"/bin/false\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachRepeated(s, "ENTRYPOINT", func(before, in *syntax.Instruction) {
			p.Report(lint.Whole(in), "the ENTRYPOINT in line %d does nothing: this one takes its place", before.Line)
		})
	},
}
