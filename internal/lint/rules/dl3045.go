package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3045 = &lint.Rule{
	Code: "DL3045", Title: "COPY to a relative path without WORKDIR", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3045",
	Why: "Without a WORKDIR in the Dockerfile a relative path goes to the parent image's working directory, or to the root: where the files are depends on what is not seen here. " +
		"Set WORKDIR before, or write an absolute path.",
	Bad:  "FROM debian:12\nCOPY app.conf .",
	Good: "FROM debian:12\nWORKDIR /app\nCOPY app.conf .",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		onbuild := false
		eachTriggered(s, func(i int, in *syntax.Instruction) {
			if in.Keyword == "WORKDIR" {
				onbuild = onbuild || in.Onbuild != nil
				return
			}
			_, destination, ok := sourcesAndDestination(in)
			to := destination.Value
			if !ok || isAbsolute(to, p.File.Escape) || strings.HasPrefix(to, "$") {
				return
			}
			if in.Onbuild != nil && (onbuild || s.After().Workdir.Set) || in.Onbuild == nil && s.Before(i).Workdir.Set {
				return
			}
			p.Report(lint.At(destination.Text), "COPY to %s, and no WORKDIR says where that is: set one before, or write an absolute path", to)
		}, "COPY", "WORKDIR")
	},
}
