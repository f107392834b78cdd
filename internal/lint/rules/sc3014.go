package rules

import (
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc3014 = &lint.Rule{
	Code: "SC3014", Title: "== in [ ] in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3014",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash knows only `=`; with `==` the comparison is an error and counts as false.",
	Bad:    "FROM debian:12\nRUN if [ \"$HOME\" == /root ]; then echo root; fi",
	Good:   "FROM debian:12\nRUN if [ \"$HOME\" = /root ]; then echo root; fi",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			t.eachCommand(func(c *shellscript.Command) {
				for i, w := range c.Args() {
					if w.S == "==" && i > 0 && !w.Quoted {
						t.report(p, lint.At(w.Text), "sh has no == in %s: use =", c.Name()).WithFix("use =", lint.Replace(w.Text, "="))
					}
				}
			}, "[", "test")
		})
	},
}
