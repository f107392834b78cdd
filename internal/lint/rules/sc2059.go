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
				args := c.Args()
				if len(args) > 2 && args[0].S == "-v" {
					args = args[2:]
				}
				if len(args) > 1 && args[0].S == "--" {
					args = args[1:]
				}
				if len(args) > 0 && !args[0].Literal && !strings.Contains(args[0].S, "%") {
					t.report(p, lint.At(args[0].Text), "a %% in the value would be a part of the format: use printf '%%s' and give it as an argument")
				}
			}, "printf")
		})
	},
}
