package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2155 = &lint.Rule{
	Code: "SC2155", Title: "result of a command lost in export", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2155",
	Why:    "`export NAME=$(command)` succeeds whatever the command does, so `set -e` and `&&` do not see that it failed. Assign first and export then.",
	Bad:    "FROM debian:12\nRUN export DIR=\"$(mktemp -d)\" && ls \"$DIR\"",
	Good:   "FROM debian:12\nRUN DIR=\"$(mktemp -d)\" && export DIR && ls \"$DIR\"",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			each(t, kindDecl, func(i int, d *syntax.DeclClause) {
				if isConstant(d) && t.inBody(i) {
					return // it cannot be assigned later
				}
				for _, a := range d.Args {
					if a.Name != nil && a.Value != nil && runsCommand(a.Value.Parts) {
						t.report(p, t.at(a.Name), "%s hides whether the command for %s failed: assign it first and %s it then", d.Variant.Value, a.Name.Value, d.Variant.Value)
					}
				}
			})
		})
	},
}

// isConstant says whether local, declare or typeset make constants.
func isConstant(d *syntax.DeclClause) bool {
	if v := d.Variant.Value; v == "export" || v == "readonly" {
		return false
	}
	for _, a := range d.Args {
		if a.Name == nil && a.Value != nil && isShortFlag(a.Value.Lit(), 'r') {
			return true
		}
	}
	return false
}

// inBody says whether a node is in the body of a function.
func (t *shellTree) inBody(i int) bool {
	for ; i != top; i = t.nodes[i].up {
		if _, ok := t.nodes[i].node.(*syntax.FuncDecl); ok {
			return true
		}
	}
	return false
}

// runsCommand says whether there is a command substitution among the parts of a word.
func runsCommand(parts []syntax.WordPart) bool {
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.CmdSubst:
			return true
		case *syntax.DblQuoted:
			if runsCommand(p.Parts) {
				return true
			}
		}
	}
	return false
}
