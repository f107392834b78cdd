package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc3006 = &lint.Rule{
	Code: "SC3006", Title: "((…)) in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3006",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash takes `((` for two subshells; use [ ] and $(( )).",
	Bad:    "FROM debian:12\nRUN ((1 > 0)) && echo yes",
	Good:   "FROM debian:12\nRUN [ 1 -gt 0 ] && echo yes",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			each(t, kindArithmCmd, func(_ int, n *syntax.ArithmCmd) {
				t.report(p, t.at(n), "sh has no ((…)): use [ ] or $((…)), or bash")
			})
		})
	},
}
