package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl4003 = &lint.Rule{
	Code: "DL4003", Title: "More than one CMD", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"buildkit:MultipleInstructionsDisallowed", "trivy:DS-0016"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL4003",
	Why:     "Only the last CMD of a stage counts. The others look as if they did something.",
	Bad:     "FROM debian:12\nCMD [\"/bin/true\"]\nCMD [\"/bin/false\"]",
	Good:    "FROM debian:12\nCMD [\"/bin/false\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachRepeated(s, "CMD", func(before, in *syntax.Instruction) {
			p.Report(lint.Whole(in), "the CMD in line %d does nothing: this one takes its place", before.Line)
		})
	},
}
