package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc3024 = &lint.Rule{
	Code: "SC3024", Title: "+= in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3024",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash takes `name+=value` for the name of a command.",
	Bad:    "FROM debian:12\nRUN a=x; a+=y; echo \"$a\"",
	Good:   "FROM debian:12\nRUN a=x; a=\"${a}y\"; echo \"$a\"",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			each(t, kindAssign, func(_ int, n *syntax.Assign) {
				if n.Append && n.Name != nil {
					t.report(p, t.at(n.Name), "sh has no +=: use %s=\"${%s}…\", or bash", n.Name.Value, n.Name.Value)
				}
			})
		})
	},
}
