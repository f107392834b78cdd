package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc3010 = &lint.Rule{
	Code: "SC3010", Title: "[[ ]] in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3010",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash has no `[[`; use `[ ]`. busybox has one, and nothing is reported.",
	Bad:    "FROM debian:12\nRUN [[ -f /a ]] || touch /a",
	Good:   "FROM debian:12\nRUN [ -f /a ] || touch /a",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			if t.busybox && !p.Options.Hadolint {
				return
			}
			each(t, kindTest, func(_ int, n *syntax.TestClause) {
				t.report(p, t.at(n), "sh has no [[ ]]: use [ ], or bash")
			})
		})
	},
}
