package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var redundantTargetPlatform = &lint.Rule{
	Code: "RedundantTargetPlatform", Title: "--platform=$TARGETPLATFORM", Severity: lint.Style, Family: lint.BuildKit,
	Profiles: lint.BuildKitProfile, Since: "0.1.0",
	Aliases: []string{"hadolint:DL3065"},
	Source:  "https://docs.docker.com/reference/build-checks/redundant-target-platform/",
	Why:     "FROM takes the image for the target platform by itself.",
	Bad:     "FROM --platform=$TARGETPLATFORM debian:12",
	Good:    "FROM debian:12",
	Check: func(p *lint.Pass) {
		warnings(p, func(from *syntax.Instruction, _ []checks.Warning) {
			flag, ok := from.Flag("platform")
			if !ok {
				return
			}
			f := p.Report(lint.At(flag.Text), "%s says what FROM does anyway", flag.Text.S)
			if at := withBlanks(p.File, lint.At(flag.Text)); at.To > at.From {
				f.WithFix("leave it out", lint.Edit{Span: at})
			}
		}, "FROM")
	},
}

// withBlanks is a span with the blanks behind it on its line; an empty one if it is the last thing there.
func withBlanks(f *syntax.File, at lint.Span) lint.Span {
	end := at.To
	for end < len(f.Data) && (f.Data[end] == ' ' || f.Data[end] == '\t') {
		end++
	}
	if end == at.To || end == len(f.Data) || f.Data[end] == f.Escape {
		return lint.Span{}
	}
	return lint.Span{From: at.From, To: end}
}
