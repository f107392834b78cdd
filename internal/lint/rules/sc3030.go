package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc3030 = &lint.Rule{
	Code: "SC3030", Title: "array in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3030",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash has no arrays: `(` is a syntax error and the whole step fails.",
	Bad:    "FROM debian:12\nRUN list=(a b); echo \"$list\"",
	Good:   "FROM debian:12\nRUN set -- a b; echo \"$@\"",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			each(t, kindAssign, func(_ int, n *syntax.Assign) {
				if n.Array != nil {
					t.report(p, t.at(n.Array), "sh has no arrays: use a plain list of words, or bash")
				}
			})
		})
	},
}
