package rules

import (
	"slices"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl5007 = &lint.Rule{
	Code: "PL5007", Title: "HEALTHCHECK without a timeout", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/dockerfile/#healthcheck",
	Why: "Without --timeout a check that hangs fails after 30 seconds, and the image is unhealthy after three of them. A service that answers at all does so within " +
		"a few seconds.",
	Bad:  "FROM debian:12\nHEALTHCHECK CMD [\"/app\", \"health\"]",
	Good: "FROM debian:12\nHEALTHCHECK --timeout=3s CMD [\"/app\", \"health\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if in, ok := healthcheck(s); ok {
			if _, has := in.Flag("timeout"); !has && !limitsItself(checkCommands(s, in)) {
				p.Report(lint.Keyword(in), "HEALTHCHECK has no --timeout: a check that hangs takes 30 s to fail")
			}
		}
	},
}

// limitsItself says whether a check ends by itself: it runs below timeout, or curl or wget has a limit.
func limitsItself(check []*shellscript.Command) bool {
	return slices.ContainsFunc(check, func(c *shellscript.Command) bool {
		switch c.Base() {
		case "timeout":
			return true
		case "curl":
			return c.HasFlag("-m", "--max-time")
		case "wget":
			return c.HasFlag("-T", "--timeout")
		case "nc":
			return c.HasFlag("-w")
		}
		return false
	})
}
