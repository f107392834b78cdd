package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var workdirRelativePath = &lint.Rule{
	Code: "WorkdirRelativePath", Title: "First WORKDIR is not absolute", Severity: lint.Warning, Family: lint.BuildKit,
	Profiles: lint.BuildKitProfile, Since: "0.1.0",
	Aliases: []string{"hadolint:DL3000"},
	Source:  "https://docs.docker.com/reference/build-checks/workdir-relative-path/",
	Why: "A relative WORKDIR with no absolute one before it goes on from that of the image below, and moves when that " +
		"image changes.",
	Bad:  "FROM debian:12\nWORKDIR app",
	Good: "FROM debian:12\nWORKDIR /app",
	Check: func(p *lint.Pass) {
		warnings(p, func(in *syntax.Instruction, _ []checks.Warning) {
			if isWindowsPath(in.Args.S) || strings.Contains(in.Args.S, "$") && len(variables(in.Args, p.File.Escape, true)) > 0 {
				return // a variable may hold anything, and a drive is as good as a slash
			}
			p.Report(lint.At(in.Args), "WORKDIR %s depends on the image below: there is no absolute one before it", in.Args.S)
		}, "WORKDIR")
	},
}
