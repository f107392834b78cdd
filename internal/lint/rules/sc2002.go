package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2002 = &lint.Rule{
	Code: "SC2002", Title: "cat of one file into a pipe", Severity: lint.Style, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2002",
	Why:    "A command can read a file itself, or get it with `<`. A process and a pipe less, and the command sees a real file.",
	Bad:    "FROM debian:12\nRUN cat /etc/passwd | grep root",
	Good:   "FROM debian:12\nRUN grep root /etc/passwd",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			each(t, kindBinary, func(_ int, n *syntax.BinaryCmd) {
				call, ok := n.X.Cmd.(*syntax.CallExpr)
				if !ok || !isPipe(n) || len(call.Args) != 2 || call.Args[0].Lit() != "cat" || !isOneFile(t, call.Args[1]) {
					return
				}
				t.report(p, t.at(call.Args[1]), "cat is not needed: give %s to the next command by its name or with <", t.Span(call.Args[1]).S)
			})
		})
	},
}

// isPipe says whether a command joins two with a pipe.
func isPipe(n *syntax.BinaryCmd) bool { return n.Op == syntax.Pipe || n.Op == syntax.PipeAll }

// isOneFile says whether a word names exactly one file.
func isOneFile(t *shellTree, w *syntax.Word) bool {
	if s, _ := literal(t, w); strings.HasPrefix(s, "-") || hasGlob(w) {
		return false
	}
	if _, several := braceAt(t, w); several {
		return false
	}
	for _, part := range w.Parts {
		switch part := part.(type) {
		case *syntax.Lit, *syntax.SglQuoted:
		case *syntax.DblQuoted:
			for _, inner := range part.Parts {
				if p, ok := inner.(*syntax.ParamExp); ok && (p.Param.Value == "@" || p.Names != 0 || isArrayAt(p)) {
					return false
				}
			}
		default:
			return false
		}
	}
	return true
}
