package rules

import (
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc2162 = &lint.Rule{
	Code: "SC2162", Title: "read without -r", Severity: lint.Info, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2162",
	Why:    "Without `-r`, read takes backslashes out of what it reads.",
	Bad:    "FROM debian:12\nRUN while read line; do echo \"$line\"; done < /etc/passwd",
	Good:   "FROM debian:12\nRUN while read -r line; do echo \"$line\"; done < /etc/passwd",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			t.eachCommand(func(c *shellscript.Command) {
				if !c.HasFlag("-r") {
					t.report(p, lint.At(c.Words[0].Text), "read takes backslashes out of its input: use read -r")
				}
			}, "read")
		})
	},
}
