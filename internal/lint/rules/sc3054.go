package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc3054 = &lint.Rule{
	Code: "SC3054", Title: "element of an array in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3054",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash has no arrays: `${list[@]}` is a bad substitution and the step fails.",
	Bad:    "FROM debian:12\nRUN echo \"${list[0]}\"",
	Good:   "FROM debian:12\nRUN set -- a b; echo \"$1\"",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			each(t, kindParam, func(_ int, n *syntax.ParamExp) {
				if n.Index != nil && n.Dollar.IsValid() {
					t.report(p, t.at(n), "sh has no arrays: %s is a bad substitution", t.Span(n).S)
				}
			})
		})
	},
}
