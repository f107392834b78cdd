package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var consistentInstructionCasing = &lint.Rule{
	Code: "ConsistentInstructionCasing", Title: "Keywords in upper and lower case", Severity: lint.Style, Family: lint.BuildKit,
	Profiles: lint.Strict | lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/consistent-instruction-casing/",
	Why:    "Keywords are found at a glance when all of them are written in one way. The usual one is upper case.",
	Bad:    "FROM debian:12\nrun apt-get update\nRUN apt-get install -y curl",
	Good:   "FROM debian:12\nRUN apt-get update\nRUN apt-get install -y curl",
	Check: func(p *lint.Pass) {
		warnings(p, func(in *syntax.Instruction, here []checks.Warning) {
			want, most := in.Keyword, "upper"
			if strings.Contains(here[0].Message, "(lowercase)") {
				want, most = strings.ToLower(want), "lower"
			}
			p.Report(lint.Keyword(in), "%s: the other keywords are in %s case", in.Raw, most).
				WithFix("write "+want, lint.Edit{Span: lint.Keyword(in), Text: want})
		})
	},
}
