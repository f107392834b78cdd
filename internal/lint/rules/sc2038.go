package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc2038 = &lint.Rule{
	Code: "SC2038", Title: "find into xargs without -print0", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2038",
	Why:    "xargs splits at blanks and takes quotes off, so a file name with one of them becomes several names, and with `rm` the wrong ones are gone. `-print0` with `xargs -0`, or `-exec … +`, keep names whole.",
	Bad:    "FROM debian:12\nRUN find / -name '*.pyc' | xargs rm",
	Good:   "FROM debian:12\nRUN find / -name '*.pyc' -print0 | xargs -0 rm",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			each(t, kindBinary, func(_ int, n *syntax.BinaryCmd) {
				if !isPipe(n) {
					return
				}
				find, args := t.lastOf(n.X), t.simple(n.Y)
				if find == nil || args == nil || find.Base() != "find" || args.Base() != "xargs" {
					return
				}
				if find.Has("-print0") || find.Has("-printf") || find.Has("-fprint0") || args.HasFlag("-0", "--null") {
					return
				}
				t.report(p, lint.At(find.Text()), "xargs splits names with blanks: use find -print0 with xargs -0, or -exec … +")
			})
		})
	},
}

// lastOf is the command whose output comes out of a statement.
func (t *shellTree) lastOf(s *syntax.Stmt) *shellscript.Command {
	if n, ok := s.Cmd.(*syntax.BinaryCmd); ok {
		return t.simple(n.Y)
	}
	return t.simple(s)
}

// simple is the simple command that a statement is, nil for another one.
func (t *shellTree) simple(s *syntax.Stmt) *shellscript.Command {
	if call, ok := s.Cmd.(*syntax.CallExpr); ok {
		return t.command(call)
	}
	return nil
}
