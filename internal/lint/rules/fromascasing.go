package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var fromAsCasing = &lint.Rule{
	Code: "FromAsCasing", Title: "AS in another case than FROM", Severity: lint.Style, Family: lint.BuildKit,
	Profiles: lint.Strict | lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/from-as-casing/",
	Why:    "Keywords in one line that are written in two ways read as if one of them were something else.",
	Bad:    "FROM debian:12 as build",
	Good:   "FROM debian:12 AS build",
	Check: func(p *lint.Pass) {
		warnings(p, func(from *syntax.Instruction, _ []checks.Warning) {
			as := fromWord(from, 1)
			want := "AS"
			if from.Raw == strings.ToLower(from.Raw) {
				want = "as"
			}
			p.Report(lint.At(as), "%s and %s are not in the same case", from.Raw, as.S).WithFix("write "+want, lint.Replace(as, want))
		}, "FROM")
	},
}
