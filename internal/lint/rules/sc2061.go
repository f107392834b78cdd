package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc2061 = &lint.Rule{
	Code: "SC2061", Title: "pattern of find without quotes", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict | lint.Recommended, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2061",
	Why:    "The shell expands the pattern before find sees it. With one matching file in the folder, find looks for that name; with two, it fails.",
	Bad:    "FROM debian:12\nRUN find / -name *.pyc -delete",
	Good:   "FROM debian:12\nRUN find / -name '*.pyc' -delete",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			t.eachCommand(func(c *shellscript.Command) {
				args := c.Args()
				for i, w := range args {
					if i == 0 || !findsBy(args[i-1].S) || !hasGlob(w.Tree) {
						continue
					}
					f := t.report(p, lint.At(w.Text), "the shell expands %s before find sees it: put it in quotes", w.Text.S)
					if w.Tree.Lit() == w.Text.S && !strings.ContainsAny(w.Text.S, "'\\") {
						f.WithFix("put the pattern in quotes", lint.InsertBefore(w.Text, "'"), lint.InsertAfter(w.Text, "'"))
					}
				}
			}, "find", "/usr/bin/find")
		})
	},
}

// findsBy says whether a word of find takes a pattern.
func findsBy(s string) bool {
	switch s {
	case "-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename", "-regex", "-iregex", "-lname", "-ilname":
		return true
	}
	return false
}
