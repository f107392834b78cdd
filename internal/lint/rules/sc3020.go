package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc3020 = &lint.Rule{
	Code: "SC3020", Title: "&> in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3020",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash takes `cmd &> file` for `cmd &` and an empty file: the command runs in the background and its result is lost.",
	Bad:    "FROM debian:12\nRUN apt-get update &> /dev/null",
	Good:   "FROM debian:12\nRUN apt-get update > /dev/null 2>&1",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			each(t, kindRedirect, func(_ int, n *syntax.Redirect) {
				if n.Op == syntax.RdrAll || n.Op == syntax.AppAll {
					t.report(p, t.at(n), "sh runs the command in the background at %s: use > file 2>&1", n.Op)
				}
			})
		})
	},
}
