package rules

import (
	"errors"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc1073 = &lint.Rule{
	Code: "SC1073", Title: "shell script that cannot be parsed", Severity: lint.Error, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict | lint.Recommended, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC1073",
	Why:    "A shell stops at a part of a script that is not in its grammar, often after it has run what comes before. A quote, a `fi`, a `done` or a `;` is missing, or a `(` is not quoted.",
	Bad:    "FROM debian:12\nRUN if [ -f /etc/passwd ]; then echo yes",
	Good:   "FROM debian:12\nRUN if [ -f /etc/passwd ]; then echo yes; fi",
	Check: func(p *lint.Pass) {
		for _, t := range shellTrees(p.Doc) {
			var problem syntax.ParseError
			if !errors.As(t.Err, &problem) {
				continue // what is of another shell is valid as far as the grammar goes: a shell complains when it runs it
			}
			at := t.Text.Slice(t.ErrAt, min(t.ErrAt+1, len(t.Text.S)))
			t.report(p, lint.At(at), "the shell cannot parse this: %s", problem.Text)
		}
	},
}
