package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc3009 = &lint.Rule{
	Code: "SC3009", Title: "brace expansion in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3009",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash does not expand `{a,b}`: mkdir /srv/{a,b} makes one folder with braces in its name.",
	Bad:    "FROM debian:12\nRUN mkdir -p /srv/{a,b}",
	Good:   "FROM debian:12\nRUN mkdir -p /srv/a /srv/b",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			each(t, kindWord, func(i int, w *syntax.Word) {
				switch n := t.parent(i).(type) {
				case *syntax.CallExpr, *syntax.WordIter:
				case *syntax.Redirect:
					if n.Hdoc != nil {
						return // the document, and the word that ends it
					}
				default:
					return
				}
				if at, ok := braceAt(t, w); ok {
					span := t.Span(w)
					t.report(p, lint.At(span.Slice(at, len(span.S))), "sh does not expand %s: write the words out, or use bash", span.S)
				}
			})
		})
	},
}
