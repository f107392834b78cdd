package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2006 = &lint.Rule{
	Code: "SC2006", Title: "backticks", Severity: lint.Style, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2006",
	Why:    "`$(…)` can be nested and quoted like everything else. In backticks, backslashes and quotes have a meaning of their own.",
	Bad:    "FROM debian:12\nRUN echo \"built on `date`\" > /built",
	Good:   "FROM debian:12\nRUN echo \"built on $(date)\" > /built",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			each(t, kindSubst, func(_ int, n *syntax.CmdSubst) {
				if !n.Backquotes || len(n.Stmts) == 0 { // without a command it is a comment in the middle of a line
					return
				}
				f := t.report(p, t.at(n), "use $(…) in the place of backticks")
				inner := t.Text.Slice(int(n.Left.Offset())+1, int(n.Right.Offset()))
				if !strings.ContainsAny(inner.S, "\\#`") && !strings.HasPrefix(inner.S, "(") {
					left, right := t.Text.Slice(int(n.Left.Offset()), int(n.Left.Offset())+1), t.Text.Slice(int(n.Right.Offset()), int(n.Right.Offset())+1)
					f.WithFix("use $(…)", lint.Replace(left, "$("), lint.Replace(right, ")"))
				}
			})
		})
	},
}
