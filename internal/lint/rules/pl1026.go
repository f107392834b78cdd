package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var pl1026 = &lint.Rule{
	Code: "PL1026", Title: "RUN without the protection of the sandbox", Severity: lint.Warning, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/dockerfile/#run---security",
	Why: "`--security=insecure` runs the step with all capabilities and without the limits of the sandbox, so it may change the machine " +
		"that builds. It has to be allowed for each build (`--allow security.insecure`), and most steps that ask for it need a single " +
		"capability or another tool.",
	Bad:  "# syntax=docker/dockerfile:1\nFROM debian:12\nRUN --security=insecure mount -t tmpfs none /mnt",
	Good: "# syntax=docker/dockerfile:1\nFROM debian:12\nRUN --mount=type=tmpfs,target=/mnt ls /mnt",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachInner(s, func(in *syntax.Instruction) {
			for _, f := range in.Flags {
				if f.Name == "security" && f.Value == "insecure" {
					p.Report(lint.At(f.Text), "--security=insecure lets this step change the machine that builds: use a mount or a tool that needs no privileges")
				}
			}
		}, "RUN")
	},
}
