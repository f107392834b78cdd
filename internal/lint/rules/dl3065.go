package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3065 = &lint.Rule{
	Code: "DL3065", Title: "Redundant --platform=$TARGETPLATFORM", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"buildkit:RedundantTargetPlatform"},
	Source:  "https://docs.docker.com/reference/build-checks/redundant-target-platform/",
	Why:     "FROM takes the image for the target platform anyway. The flag is there to say something else, such as $BUILDPLATFORM for a stage that cross-compiles.",
	Bad:     "FROM --platform=$TARGETPLATFORM debian:12",
	Good:    "FROM debian:12",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if s.Platform != "$TARGETPLATFORM" && s.Platform != "${TARGETPLATFORM}" {
			return
		}
		f, _ := s.From.Flag("platform")
		p.Report(lint.At(f.Text), "--platform=%s is what FROM does without it", s.Platform).
			WithFix("remove --platform", removeFlag(p.File, f))
	},
}

// removeFlag is the edit that takes a flag out, with the blanks behind it.
func removeFlag(file *syntax.File, f syntax.Flag) lint.Edit {
	span := lint.At(f.Text)
	rest := string(file.Data[span.To:])
	span.To += len(rest) - len(strings.TrimLeft(rest, " \t"))
	return lint.Edit{Span: span}
}
