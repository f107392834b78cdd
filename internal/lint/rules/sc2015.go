package rules

import (
	"slices"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2015 = &lint.Rule{
	Code: "SC2015", Title: "a && b || c is not if, then, else", Severity: lint.Info, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2015",
	Why:    "In `a && b || c`, c runs when b fails as well, not only when a does. With `if` it is clear which of them runs.",
	Bad:    "FROM debian:12\nRUN test -f /a && rm /a || touch /b",
	Good:   "FROM debian:12\nRUN if test -f /a; then rm /a; else touch /b; fi",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			each(t, kindBinary, func(i int, n *syntax.BinaryCmd) {
				x, ok := n.X.Cmd.(*syntax.BinaryCmd)
				if n.Op != syntax.OrStmt || !ok || x.Op != syntax.AndStmt || t.inCondition(t.nodes[i].up) || x.Y.Negated {
					return
				}
				// What does nothing is there, behind a plain command, for all that may fail before it; behind a test it is meant for that alone.
				if neverFails(x.Y) || ends(n.Y) || isNamed(n.Y, "true", ":") && !isTest(x.X) {
					return
				}
				t.report(p, t.token(x.OpPos, x.Op.String()), "what is behind || runs when what is behind && fails, too: use if, then, else")
			})
		})
	},
}

// neverFails says whether a command is one that does not fail in practice, or is a part of the condition.
func neverFails(s *syntax.Stmt) bool {
	return isTest(s) || onlyAssigns(s) || isNamed(s, "echo", "printf", "true", ":", "exit", "return")
}

// isTest says whether a command only asks something.
func isTest(s *syntax.Stmt) bool {
	_, ok := s.Cmd.(*syntax.TestClause)
	return ok || isNamed(s, "[", "test")
}

// ends says whether a command ends the script, or says that something failed, or is a value for when it does: then it may
// run in both cases.
func ends(s *syntax.Stmt) bool {
	switch n := s.Cmd.(type) {
	case *syntax.Block:
		return ends(n.Stmts[len(n.Stmts)-1])
	case *syntax.Subshell:
		return ends(n.Stmts[len(n.Stmts)-1])
	}
	return onlyAssigns(s) || isNamed(s, "exit", "return", "false", "echo", "printf")
}

// onlyAssigns says whether a statement is nothing but assignments.
func onlyAssigns(s *syntax.Stmt) bool {
	call, ok := s.Cmd.(*syntax.CallExpr)
	return ok && len(call.Args) == 0
}

// isNamed says whether a statement is a simple command with one of these names.
func isNamed(s *syntax.Stmt, names ...string) bool {
	call, ok := s.Cmd.(*syntax.CallExpr)
	return ok && len(call.Args) > 0 && slices.Contains(names, call.Args[0].Lit())
}
