package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc3011 = &lint.Rule{
	Code: "SC3011", Title: "here-string in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3011",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash has no `<<<`; use printf and a pipe.",
	Bad:    "FROM debian:12\nRUN cat <<< hello",
	Good:   "FROM debian:12\nRUN echo hello | cat",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			each(t, kindRedirect, func(_ int, n *syntax.Redirect) {
				if n.Op == syntax.WordHdoc {
					t.report(p, t.token(n.OpPos, n.Op.String()), "sh has no <<<: use a pipe, or bash")
				}
			})
		})
	},
}
