package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc3043 = &lint.Rule{
	Code: "SC3043", Title: "local in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3043",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. POSIX has no `local`; dash and busybox do, other shells may not, or do it in another way: the rule is for those who want to run the same lines there.",
	Bad:    "FROM debian:12\nRUN f() { local x=\"$1\"; echo \"$x\"; }; f a",
	Good:   "FROM debian:12\nRUN f() { x=\"$1\"; echo \"$x\"; }; f a",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			each(t, kindDecl, func(_ int, n *syntax.DeclClause) {
				if n.Variant.Value == "local" {
					t.report(p, t.at(n.Variant), "POSIX has no local: use bash, or names that do not meet")
				}
			})
		})
	},
}
