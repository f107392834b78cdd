package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2043 = &lint.Rule{
	Code: "SC2043", Title: "loop over one word", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2043",
	Why:    "A loop over a single constant word runs once. Either a `$`, a pattern or further words are missing, or no loop is needed.",
	Bad:    "FROM debian:12\nRUN for f in files; do cat \"$f\"; done",
	Good:   "FROM debian:12\nRUN for f in a b; do cat \"$f\"; done",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			each(t, kindFor, func(_ int, n *syntax.ForClause) {
				iter, ok := n.Loop.(*syntax.WordIter)
				if !ok || len(iter.Items) != 1 {
					return
				}
				w := iter.Items[0]
				if _, single := w.Parts[0].(*syntax.SglQuoted); single && len(w.Parts) == 1 {
					return // SC2041 is about these
				}
				_, several := braceAt(t, w)
				if s, constant := literal(t, w); constant && !several && !hasGlob(w) && !strings.Contains(w.Lit(), ",") { // with commas it is meant as several
					t.report(p, t.at(w), "this loop runs once, with %s", s)
				}
			})
		})
	},
}
