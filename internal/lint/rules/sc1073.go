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
			if t.Err == nil || isOfAnotherShell(t.Err) {
				continue
			}
			at := t.Text.Slice(t.ErrAt, min(t.ErrAt+1, len(t.Text.S)))
			t.report(p, lint.At(at), "the shell cannot parse this: %s", parseProblem(t.Err))
		}
	},
}

// isOfAnotherShell says whether a script is valid as far as its grammar goes: it has something of another shell's,
// of which a shell complains no sooner than when it is run.
func isOfAnotherShell(err error) bool {
	var lang syntax.LangError
	return errors.As(err, &lang)
}

// parseProblem is what the parser says, without the place.
func parseProblem(err error) string {
	var parse syntax.ParseError
	if errors.As(err, &parse) {
		return parse.Text
	}
	return err.Error()
}
