package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
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
			t.eachCommand(func(c *shellscript.Command) {
				args := c.Args()
				if len(args) == 5 && args[0].S == "!" {
					args = args[1:]
				}
				if len(args) != 4 || !compares(args[1].S) {
					return
				}
				if w, ok := codeOrZero(args[0], args[2]); ok {
					t.reportCode(p, lint.At(w.Text))
				}
			}, "[")
			each(t, kindTest, func(_ int, n *syntax.TestClause) {
				b, ok := innerTest(n.X).(*syntax.BinaryTest)
				if !ok {
					return
				}
				x, okX := b.X.(*syntax.Word)
				y, okY := b.Y.(*syntax.Word)
				if !okX || !okY {
					return
				}
				if w, ok := codeOrZero(t.Word(x), t.Word(y)); ok {
					t.reportCode(p, lint.At(w.Text))
				}
			})
			each(t, kindArithmCmd, func(_ int, n *syntax.ArithmCmd) {
				if w := codeInArithmetic(n.X); w != nil {
					t.reportCode(p, t.at(w))
				}
			})
		})
	},
}

func (t *shellTree) reportCode(p *lint.Pass, at lint.Span) {
	t.report(p, at, "ask the command itself, as in if command; then, in the place of $?")
}

// isExitCode says whether a word is the exit code of the command before.
func isExitCode(s string) bool { return s == "$?" || s == "${?}" }

// codeOrZero gives the one of two words that is the exit code, if the other one is 0.
func codeOrZero(x, y shellscript.Word) (shellscript.Word, bool) {
	switch {
	case isExitCode(x.S) && y.S == "0":
		return x, true
	case x.S == "0" && isExitCode(y.S):
		return y, true
	}
	return x, false
}

// innerTest is what a test asks, without ! and parentheses around it.
func innerTest(x syntax.TestExpr) syntax.TestExpr {
	for {
		switch n := x.(type) {
		case *syntax.ParenTest:
			x = n.X
		case *syntax.UnaryTest:
			if n.Op != syntax.TsNot {
				return n
			}
			x = n.X
		default:
			return x
		}
	}
}

// codeInArithmetic gives the word that is the exit code, if an expression asks whether it is 0.
func codeInArithmetic(x syntax.ArithmExpr) *syntax.Word {
	switch n := x.(type) {
	case *syntax.Word:
		if len(n.Parts) == 1 {
			if p, ok := n.Parts[0].(*syntax.ParamExp); ok && p.Param.Value == "?" && isSimple(p) {
				return n
			}
		}
	case *syntax.UnaryArithm:
		if n.Op == syntax.Not {
			return codeInArithmetic(n.X)
		}
	case *syntax.BinaryArithm:
		for _, k := range [][2]syntax.ArithmExpr{{n.X, n.Y}, {n.Y, n.X}} {
			if zero, ok := k[1].(*syntax.Word); ok && zero.Lit() == "0" && comparesNumbers(n.Op) {
				return codeInArithmetic(k[0])
			}
		}
	}
	return nil
}

func comparesNumbers(op syntax.BinAritOperator) bool {
	switch op {
	case syntax.Eql, syntax.Neq, syntax.Gtr, syntax.Lss, syntax.Geq, syntax.Leq:
		return true
	}
	return false
}

// compares says whether an operator of test compares two values.
func compares(s string) bool {
	switch s {
	case "=", "==", "!=", "-eq", "-ne", "-gt", "-lt", "-ge", "-le":
		return true
	}
	return false
}
