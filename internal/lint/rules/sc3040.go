package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc3040 = &lint.Rule{
	Code: "SC3040", Title: "set -o pipefail in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3040",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine. Older versions of dash have no `set -o pipefail` and end with an error; say SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"].",
	Bad:    "FROM debian:12\nRUN set -o pipefail; curl example.com | tar -x",
	Good:   "FROM debian:12\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN curl example.com | tar -x",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			t.eachCommand(func(c *shellscript.Command) {
				for i, w := range c.Args() {
					if i == 0 || notInPOSIX(w.S) == "" {
						continue
					}
					if before := c.Words[i].S; strings.HasSuffix(before, "o") && (before[0] == '-' || before[0] == '+') {
						t.report(p, lint.At(w.Text), "not every sh has set -o %s: use bash for it", w.S)
					}
				}
			}, "set")
		})
	},
}

// notInPOSIX gives the name of an option of set back if POSIX does not have it.
func notInPOSIX(option string) string {
	switch option {
	case "pipefail", "errtrace", "functrace", "braceexpand", "hashall", "histexpand", "keyword", "onecmd", "physical", "posix", "privileged", "history":
		return option
	}
	return ""
}
