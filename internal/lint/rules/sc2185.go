package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc2185 = &lint.Rule{
	Code: "SC2185", Title: "find without a folder", Severity: lint.Info, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2185",
	Why:    "Not every find takes the current folder when none is named. `find .` says it.",
	Bad:    "FROM debian:12\nRUN cd /srv && find -name '*.pyc' -delete",
	Good:   "FROM debian:12\nRUN cd /srv && find . -name '*.pyc' -delete",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			t.eachCommand(func(c *shellscript.Command) {
				args := c.Args()
				last := c.Words[0]
				for len(args) > 0 && (args[0].S == "-L" || args[0].S == "-H" || args[0].S == "-P" || strings.HasPrefix(args[0].S, "-O")) {
					last, args = args[0], args[1:]
				}
				if len(args) == 0 || strings.HasPrefix(args[0].S, "-") && !strings.HasPrefix(args[0].S, "-D") && !asksAboutFind(args[0].S) {
					t.report(p, lint.At(c.Words[0].Text), "find names no folder to look in: write find . for this one").
						WithFix("look in .", lint.InsertAfter(last.Text, " ."))
				}
			}, "find", "/usr/bin/find")
		})
	},
}

// asksAboutFind says whether a flag makes find tell about itself and look nowhere.
func asksAboutFind(flag string) bool {
	switch flag {
	case "-help", "--help", "-version", "--version":
		return true
	}
	return false
}
