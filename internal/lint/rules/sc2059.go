package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc2059 = &lint.Rule{
	Code: "SC2059", Title: "variable in the format of printf", Severity: lint.Info, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2059",
	Why:    "A `%` or `\\` in the value of the variable is taken as a part of the format. `printf '%s' \"$name\"` prints it as it is.",
	Bad:    "FROM debian:12\nRUN printf \"$HOME\" > /etc/home",
	Good:   "FROM debian:12\nRUN printf '%s' \"$HOME\" > /etc/home",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			t.eachCommand(func(c *shellscript.Command) {
				for i, w := range c.Args() {
					if w.S == "-v" || w.S == "--" || c.Words[i].S == "-v" {
						continue // printf -v name -- format
					}
					if !w.Literal && !strings.Contains(w.S, "%") {
						t.report(p, lint.At(w.Text), "a %% in the value would be a part of the format: use printf '%%s' and give it as an argument")
					}
					return
				}
			}, "printf")
		})
	},
}
