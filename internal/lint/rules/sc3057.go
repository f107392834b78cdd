package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc3057 = &lint.Rule{
	Code: "SC3057", Title: "part of a string in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3057",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash has no `${name:1:2}`: it is a bad substitution and the step fails.",
	Bad:    "FROM debian:12\nRUN echo \"${HOME:1}\"",
	Good:   "FROM debian:12\nRUN echo \"${HOME#/}\"",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			each(t, kindParam, func(_ int, n *syntax.ParamExp) {
				if n.Slice != nil {
					t.report(p, t.at(n), "sh has no ${name:from:length}: use cut, # and %%, or bash")
				}
			})
		})
	},
}
