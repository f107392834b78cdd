package rules

import (
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
				if neverFails(x.Y) || ends(n.Y) || ignores(n.Y) && !isTest(x.X) {
					return
				}
				t.report(p, t.between(x.OpPos, syntax.NewPos(x.OpPos.Offset()+2, 1, 1)), "what is behind || runs when what is behind && fails, too: use if, then, else")
			})
		})
	},
}

// neverFails says whether a command is one that does not fail in practice, or is a part of the condition.
func neverFails(s *syntax.Stmt) bool {
	if _, ok := s.Cmd.(*syntax.TestClause); ok {
		return true
	}
	call, ok := s.Cmd.(*syntax.CallExpr)
	if !ok {
		return false
	}
	if len(call.Args) == 0 {
		return true
	}
	switch call.Args[0].Lit() {
	case "echo", "printf", "true", ":", "exit", "return", "[", "test":
		return true
	}
	return false
}

// ignores says whether a command does nothing. Behind a plain command it is there for all that may fail before it; behind a
// test it is meant for that alone.
func ignores(s *syntax.Stmt) bool {
	call, ok := s.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	name := call.Args[0].Lit()
	return name == "true" || name == ":"
}

// isTest says whether a command only asks something.
func isTest(s *syntax.Stmt) bool {
	switch n := s.Cmd.(type) {
	case *syntax.TestClause:
		return true
	case *syntax.CallExpr:
		name := ""
		if len(n.Args) > 0 {
			name = n.Args[0].Lit()
		}
		return name == "[" || name == "test"
	}
	return false
}

// ends says whether a command ends the script, or says that something failed: then it may run in both cases.
func ends(s *syntax.Stmt) bool {
	switch n := s.Cmd.(type) {
	case *syntax.CallExpr:
		if len(n.Args) == 0 {
			return true // a value for when it fails
		}
		switch n.Args[0].Lit() {
		case "exit", "return", "false", "echo", "printf":
			return true
		}
	case *syntax.Block:
		return len(n.Stmts) > 0 && ends(n.Stmts[len(n.Stmts)-1])
	case *syntax.Subshell:
		return len(n.Stmts) > 0 && ends(n.Stmts[len(n.Stmts)-1])
	}
	return false
}
