package rules

import (
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc3037 = &lint.Rule{
	Code: "SC3037", Title: "flag of echo in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3037",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash prints `-e` itself, and `-n` is not in POSIX; use printf. busybox knows both.",
	Bad:    "FROM debian:12\nRUN echo -e \"a\\tb\" > /list",
	Good:   "FROM debian:12\nRUN printf 'a\\tb\\n' > /list",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			t.eachCommand(func(c *shellscript.Command) {
				if len(c.Words) < 2 || t.busybox && !p.Options.Hadolint {
					return
				}
				if w := c.Words[1]; isEchoFlag(w.S) {
					t.report(p, lint.At(w.Text), "not every sh knows echo %s: use printf", w.S)
				}
			}, "echo")
		})
	},
}
