package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc3003 = &lint.Rule{
	Code: "SC3003", Title: "$'…' in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3003",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash takes $'…' for a dollar and a quoted text; use printf.",
	Bad:    "FROM debian:12\nRUN printf '%s' $'a\\tb'",
	Good:   "FROM debian:12\nRUN printf 'a\\tb'",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			each(t, kindSingle, func(_ int, n *syntax.SglQuoted) {
				if n.Dollar {
					t.report(p, t.at(n), "sh has no $'…': use printf, or bash")
				}
			})
		})
	},
}
