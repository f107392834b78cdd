package rules

import (
	"mvdan.cc/sh/v3/syntax"

	dockerfile "github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc2236 = &lint.Rule{
	Code: "SC2236", Title: "negated -z", Severity: lint.Style, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2236",
	Why:    "`-n` is the opposite of `-z`.",
	Bad:    "FROM debian:12\nRUN if [ ! -z \"$HOME\" ]; then echo yes; fi",
	Good:   "FROM debian:12\nRUN if [ -n \"$HOME\" ]; then echo yes; fi",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			t.eachCommand(func(c *shellscript.Command) {
				for i := 1; i+3 < len(c.Words); i++ { // behind the two are an operand and the ]
					if w := c.Words[i+1]; c.Words[i].S == "!" && (w.S == "-z" || w.S == "-n") {
						t.reportNegated(p, c.Words[i].Text, w.Text)
					}
				}
			}, "[")
			each(t, kindTest, func(_ int, n *syntax.TestClause) {
				syntax.Walk(n.X, func(x syntax.Node) bool {
					not, ok := x.(*syntax.UnaryTest)
					if !ok || not.Op != syntax.TsNot {
						return true
					}
					if u, ok := not.X.(*syntax.UnaryTest); ok && (u.Op == syntax.TsEmpStr || u.Op == syntax.TsNempStr) {
						from, op := int(not.OpPos.Offset()), int(u.OpPos.Offset())
						t.reportNegated(p, t.Text.Slice(from, from+1), t.Text.Slice(op, op+2))
					}
					return true
				})
			})
		})
	},
}

func (t *shellTree) reportNegated(p *lint.Pass, not, op dockerfile.Text) {
	other := "-n"
	if op.S == "-n" {
		other = "-z"
	}
	f := t.report(p, lint.At(not), "use %s in the place of ! %s", other, op.S)
	if from, to := not.Offset(0), op.Offset(2); to-from == 4 {
		f.WithFix("use "+other, lint.Edit{Span: lint.Span{From: from, To: to}, Text: other})
	}
}
