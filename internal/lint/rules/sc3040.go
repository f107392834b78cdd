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
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. Older versions of dash have no `set -o pipefail` and end with an error; say SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"].",
	Bad:    "FROM debian:12\nRUN set -o pipefail; curl example.com | tar -x",
	Good:   "FROM debian:12\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN curl example.com | tar -x",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			t.eachCommand(func(c *shellscript.Command) {
				for i, w := range c.Args() {
					if w.S == "--" {
						return
					}
					if before := c.Words[i].S; w.Literal && strings.HasSuffix(before, "o") && (before[0] == '-' || before[0] == '+') && !inPOSIX(w.S) {
						t.report(p, lint.At(w.Text), "not every sh has set -o %s: use bash for it", w.S)
					}
				}
			}, "set")
		})
	},
}

// inPOSIX says whether POSIX knows an option of set, or the word is none.
func inPOSIX(option string) bool {
	switch option {
	case "allexport", "errexit", "ignoreeof", "monitor", "noclobber", "noexec", "noglob", "nolog", "notify", "nounset", "verbose", "vi", "xtrace":
		return true
	}
	return strings.HasPrefix(option, "-") || strings.HasPrefix(option, "+")
}
