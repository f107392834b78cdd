package rules

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2046 = &lint.Rule{
	Code: "SC2046", Title: "output of a command without quotes", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2046",
	Why:    "The output of `$(…)` is split at blanks, and `*` and `?` in it match files, unless it is in double quotes. What may be nothing, as in `$(test -e /x && echo --with-x)`, is not reported: in quotes it would be an empty argument. Nor is what is one word by its nature, as of `nproc`, or names packages to a package manager, which quotes would make one name of.",
	Bad:    "FROM debian:12\nRUN tar -xf $(ls -t /tmp/*.tar)",
	Good:   "FROM debian:12\nRUN tar -xf \"$(ls -t /tmp/*.tar)\"",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			each(t, kindSubst, func(i int, n *syntax.CmdSubst) {
				if !t.splitAt(i) || givesWords(n) || !p.Options.Hadolint && (mayGiveNothing(n) || t.givesOneWord(n) || t.givesPackages(i)) {
					return
				}
				t.report(p, t.at(n), "a blank in the output of %s would split it: put it in double quotes", t.firstName(n))
			})
		})
	},
}

// givesWords says whether a command's output is meant to be split.
func givesWords(n *syntax.CmdSubst) bool {
	if len(n.Stmts) != 1 {
		return len(n.Stmts) == 0 // there is only a comment in it
	}
	call, ok := n.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	name := call.Args[0].Lit()
	return name == "seq" || name == "pgrep"
}

// mayGiveNothing says whether what a command prints is there in some cases only: "$(test … && echo --flag)". In quotes it would
// be an empty argument in the others.
func mayGiveNothing(n *syntax.CmdSubst) bool {
	if len(n.Stmts) != 1 {
		return false
	}
	switch c := n.Stmts[0].Cmd.(type) {
	case *syntax.BinaryCmd:
		return alwaysSucceeds(c.Y) && (c.Op == syntax.AndStmt || c.Op == syntax.OrStmt && printsNothing(c.X))
	case *syntax.IfClause:
		return c.Else == nil && len(c.Then) == 1 && alwaysSucceeds(c.Then[0])
	}
	return false
}

// printsNothing says whether a statement is a test, or its output goes to /dev/null.
func printsNothing(s *syntax.Stmt) bool {
	if _, ok := s.Cmd.(*syntax.TestClause); ok || isNamed(s, "test", "[") {
		return true
	}
	for _, r := range s.Redirs {
		if (r.Op == syntax.RdrOut && (r.N == nil || r.N.Value == "1") || r.Op == syntax.RdrAll) && r.Word.Lit() == "/dev/null" {
			return true
		}
	}
	return false
}

// givesPackages says whether a substitution stands where a package manager takes names of packages.
func (t *shellTree) givesPackages(i int) bool {
	where, word, _ := t.unquoted(i)
	return where == placeArg && len(word.Parts) == 1 && slices.Contains(packageLists, t.argumentOf(i))
}

// firstName is a few words that name a command substitution in a message.
func (t *shellTree) firstName(n *syntax.CmdSubst) string {
	s := strings.Join(strings.Fields(t.Span(n).S), " ")
	if len(s) > 40 {
		return "$(…)"
	}
	return s
}
