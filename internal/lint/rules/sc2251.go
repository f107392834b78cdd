package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2251 = &lint.Rule{
	Code: "SC2251", Title: "! that set -e does not see", Severity: lint.Info, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict | lint.Recommended, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2251",
	Why:    "A command behind `!` never ends a script under `set -e`, whatever comes out of it: the check has no effect. `! command || exit 1` or `if command; then exit 1; fi` does what is meant.",
	Bad:    "FROM debian:12\nRUN set -e; ! grep -q root /etc/shadow; echo checked",
	Good:   "FROM debian:12\nRUN set -e; if grep -q root /etc/shadow; then exit 1; fi; echo checked",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			if !t.errExit() {
				return
			}
			each(t, kindStmt, func(i int, s *syntax.Stmt) {
				if s.Negated && !t.inCondition(i) && !t.isLast(i) {
					t.report(p, t.token(s.Position, "!"), "set -e does not see what is behind !: add || exit 1")
				}
			})
		})
	},
}

// isLast says whether a statement's result is that of what it is in. What is in a substitution counts as that: whether set -e
// is on there depends on the shell.
func (t *shellTree) isLast(i int) bool {
	s := t.nodes[i].node
	switch n := t.parent(i).(type) {
	case *syntax.File:
		return n.Stmts[len(n.Stmts)-1] == s
	case *syntax.Block:
		return n.Stmts[len(n.Stmts)-1] == s && t.isLast(t.nodes[t.nodes[i].up].up)
	case *syntax.Subshell:
		return n.Stmts[len(n.Stmts)-1] == s
	case *syntax.IfClause, *syntax.WhileClause, *syntax.ForClause, *syntax.CaseItem:
		return false
	}
	return true
}
