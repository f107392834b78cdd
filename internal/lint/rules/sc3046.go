package rules

import (
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc3046 = &lint.Rule{
	Code: "SC3046", Title: "source in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3046",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash has no `source`; `.` does the same everywhere.",
	Bad:    "FROM debian:12\nRUN source /opt/env.sh && run",
	Good:   "FROM debian:12\nRUN . /opt/env.sh && run",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			t.eachCommand(func(c *shellscript.Command) {
				if len(c.Words) > 1 {
					t.report(p, lint.At(c.Words[0].Text), "sh has no source: a dot does the same").WithFix("use .", lint.Replace(c.Words[0].Text, "."))
				}
			}, "source")
		})
	},
}
