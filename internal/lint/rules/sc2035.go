package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2035 = &lint.Rule{
	Code: "SC2035", Title: "pattern that may match a flag", Severity: lint.Info, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2035",
	Why:    "A file whose name begins with a dash is taken for a flag when `*` finds it. `./*` finds the same files, and none of them begins with a dash.",
	Bad:    "FROM debian:12\nRUN cd /srv && rm -f *",
	Good:   "FROM debian:12\nRUN cd /srv && rm -f ./*",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			for _, c := range t.Commands {
				switch c.Base() {
				case "echo", "printf", "set", "[":
					continue
				}
				for i, w := range c.Args() {
					if w.S == "--" {
						break
					}
					lit, ok := w.Tree.Parts[0].(*syntax.Lit)
					if !ok || lit.Value[0] != '*' && lit.Value[0] != '?' {
						continue
					}
					f := t.report(p, lint.At(w.Text.Slice(0, 1)), "%s may match a name that begins with a dash: use ./%s", w.Text.S, w.Text.S)
					if takesFiles(c.Name()) && (i == 0 || !strings.HasPrefix(c.Words[i].S, "--")) {
						f.WithFix("write ./ before the pattern", lint.InsertBefore(w.Text, "./"))
					}
				}
			}
		})
	},
}

// takesFiles says whether a command's operands are files whose names do not come out of it again.
func takesFiles(name string) bool {
	switch name {
	case "rm", "cp", "mv", "chmod", "chown", "chgrp", "touch":
		return true
	}
	return false
}
