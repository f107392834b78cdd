package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2048 = &lint.Rule{
	Code: "SC2048", Title: "$* without quotes", Severity: lint.Error, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict | lint.Recommended, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2048",
	Why:    "`$*` gives the arguments as one text, which is then split again, so an argument with a blank becomes two. `\"$@\"` gives them as they are.",
	Bad:    "FROM debian:12\nRUN f() { install $*; }; f a b",
	Good:   "FROM debian:12\nRUN f() { install \"$@\"; }; f a b",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			each(t, kindParam, func(i int, n *syntax.ParamExp) {
				if n.Length || n.Exp != nil || !t.makesWords(i) {
					return
				}
				if w := t.parent(i).(*syntax.Word); len(w.Parts) > 1 {
					return // it makes one text with what is around it
				}
				w, ok := n.Index.(*syntax.Word)
				if n.Param.Value == "*" || ok && w.Lit() == "*" {
					t.report(p, t.at(n), "%s is split again: use \"$@\" to keep the words whole", t.Span(n).S)
				}
			})
		})
	},
}

// makesWords says whether an expansion stands where a shell makes as many words of it as there are: those of a command, the
// name as well, or of a loop.
func (t *shellTree) makesWords(i int) bool {
	where, _, _ := t.unquoted(i)
	return where == placeName || where == placeArg || t.splitAt(i) || t.inLoopItems(i)
}

// inLoopItems says whether an expansion is one of the words that a loop goes over.
func (t *shellTree) inLoopItems(i int) bool {
	up := t.nodes[i].up
	if _, ok := t.nodes[up].node.(*syntax.Word); !ok {
		return false
	}
	_, ok := t.parent(up).(*syntax.WordIter)
	return ok
}
