package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2181 = &lint.Rule{
	Code: "SC2181", Title: "exit code looked at through $?", Severity: lint.Style, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2181",
	Why:    "`$?` is that of the last command only, and every line between breaks it. Under `set -e` the step has ended already. `if command; then` asks directly.",
	Bad:    "FROM debian:12\nRUN make; if [ $? -ne 0 ]; then exit 1; fi",
	Good:   "FROM debian:12\nRUN if ! make; then exit 1; fi",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			each(t, kindCall, func(_ int, n *syntax.CallExpr) {
				if len(n.Args) != 5 || n.Args[0].Lit() != "[" {
					return
				}
				c := t.command(n)
				if !compares(c.Words[2].S) {
					return
				}
				for _, k := range [][2]int{{1, 3}, {3, 1}} {
					if c.Words[k[0]].S == "$?" && c.Words[k[1]].S == "0" {
						t.report(p, lint.At(c.Words[k[0]].Text), "ask the command itself, as in if command; then, in the place of $?")
					}
				}
			})
			each(t, kindTest, func(_ int, n *syntax.TestClause) {
				b, ok := n.X.(*syntax.BinaryTest)
				if !ok {
					return
				}
				x, okX := b.X.(*syntax.Word)
				y, okY := b.Y.(*syntax.Word)
				if okX && okY && t.Word(x).S == "$?" && y.Lit() == "0" {
					t.report(p, t.at(x), "ask the command itself, as in if command; then, in the place of $?")
				}
			})
		})
	},
}

// compares says whether an operator of test compares two values.
func compares(s string) bool {
	switch s {
	case "=", "==", "!=", "-eq", "-ne", "-gt", "-lt", "-ge", "-le":
		return true
	}
	return false
}
