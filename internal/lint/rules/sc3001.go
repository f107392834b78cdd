package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc3001 = &lint.Rule{
	Code: "SC3001", Title: "process substitution in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3001",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine. It has no `<(…)`; use a pipe or a file, or say SHELL [\"/bin/bash\", \"-c\"].",
	Bad:    "FROM debian:12\nRUN diff <(sort /a) /b",
	Good:   "FROM debian:12\nRUN sort /a | diff - /b",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			if t.Dialect != shellscript.Sh {
				return // a bash that is called sh counts as sh: it has this since version 5.1 only
			}
			each(t, kindProc, func(_ int, n *syntax.ProcSubst) {
				t.report(p, t.at(n), "sh has no %s…): use a pipe or a file, or bash", n.Op)
			})
		})
	},
}
