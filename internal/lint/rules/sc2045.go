package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2045 = &lint.Rule{
	Code: "SC2045", Title: "loop over the output of ls", Severity: lint.Error, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2045",
	Why:    "The output of `ls` is split at blanks, so a name with one becomes two. A pattern such as `dir/*` gives the names whole.",
	Bad:    "FROM debian:12\nRUN for f in $(ls /srv); do echo \"$f\"; done",
	Good:   "FROM debian:12\nRUN for f in /srv/*; do echo \"$f\"; done",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			each(t, kindFor, func(_ int, n *syntax.ForClause) {
				iter, ok := n.Loop.(*syntax.WordIter)
				if !ok || len(iter.Items) != 1 || len(iter.Items[0].Parts) != 1 {
					return
				}
				subst, ok := iter.Items[0].Parts[0].(*syntax.CmdSubst)
				if ok && len(subst.Stmts) == 1 {
					if isNamed(subst.Stmts[0], "ls") {
						t.report(p, t.at(subst), "names with blanks are split: loop over a pattern in the place of ls")
					}
				}
			})
		})
	},
}
