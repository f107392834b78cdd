package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var fromPlatformFlagConstDisallowed = &lint.Rule{
	Code: "FromPlatformFlagConstDisallowed", Title: "FROM for one platform", Severity: lint.Warning, Family: lint.BuildKit,
	Profiles: lint.BuildKitProfile, Since: "0.1.0",
	Aliases: []string{"hadolint:DL3029"},
	Source:  "https://docs.docker.com/reference/build-checks/from-platform-flag-const-disallowed/",
	Why: "A constant platform makes an image of that one, whatever `docker build --platform` asks for. `$BUILDPLATFORM` " +
		"is for stages whose result runs while building; a stage that is for one platform says so in its name.",
	Bad:  "FROM --platform=linux/amd64 debian:12",
	Good: "FROM debian:12",
	Check: func(p *lint.Pass) {
		warnings(p, func(from *syntax.Instruction, _ []checks.Warning) {
			if flag, ok := from.Flag("platform"); ok {
				p.Report(lint.At(flag.Text), "the stage is for %s, whatever platform is asked for", flag.Value)
			}
		}, "FROM")
	},
}
