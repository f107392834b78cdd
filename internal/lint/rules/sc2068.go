package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2068 = &lint.Rule{
	Code: "SC2068", Title: "array without quotes", Severity: lint.Error, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict | lint.Recommended, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2068",
	Why:    "Without quotes each element is split at blanks again, so one element may become several words. `\"$@\"` and `\"${list[@]}\"` keep them whole.",
	Bad:    "FROM debian:12\nRUN f() { install $@; }; f a b",
	Good:   "FROM debian:12\nRUN f() { install \"$@\"; }; f a b",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			each(t, kindParam, func(i int, n *syntax.ParamExp) {
				if n.Length || n.Param.Value != "@" && !isArrayAt(n) || !t.makesWords(i) {
					return
				}
				if n.Exp != nil && (n.Exp.Op == syntax.AlternateUnset || n.Exp.Op == syntax.AlternateUnsetOrNull) {
					return
				}
				t.report(p, t.at(n), "the elements of %s are split again: put it in double quotes", t.Span(n).S)
			})
		})
	},
}
