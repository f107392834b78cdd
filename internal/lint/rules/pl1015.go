package rules

import (
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1015 = &lint.Rule{
	Code: "PL1015", Title: "rpm installs without a check of the signature", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_10"},
	Source:  "https://rpm.org/docs/4.20.x/man/rpm.8",
	Why: "`--nosignature` and `--nodigest` make rpm install a file that was changed on its way, as root. `rpm --import` adds the key of " +
		"whoever made it.",
	Bad:  "FROM fedora:41\nRUN rpm -i --nosignature https://example.com/app.rpm",
	Good: "FROM fedora:41\nRUN rpm --import https://example.com/key.asc && rpm -i https://example.com/app.rpm",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			if !runsProgram(c, "rpm") || c.HasFlag("-q", "--query", "-V", "--verify", "-e", "--erase", "-K", "--checksig") {
				return
			}
			for _, w := range c.Args() {
				switch w.S {
				case "--nosignature", "--nodigest", "--nogpg", "--nopgp":
					p.Report(lint.At(w.Text), "rpm %s installs what may have been changed on its way: import the key with rpm --import", w.S)
				}
			}
		})
	},
}
