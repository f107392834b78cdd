package rules

import (
	"time"

	"github.com/plinth-build/plinth/internal/lint"
)

var pl5006 = &lint.Rule{
	Code: "PL5006", Title: "HEALTHCHECK may take longer than its interval", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/dockerfile/#healthcheck",
	Why: "The next check begins an interval after the last one has ended. With a timeout that is longer than the interval, a service that hangs is found out later than the interval " +
		"makes believe.",
	Bad:  "FROM debian:12\nHEALTHCHECK --interval=5s --timeout=30s CMD [\"/app\", \"health\"]",
	Good: "FROM debian:12\nHEALTHCHECK --interval=30s --timeout=3s CMD [\"/app\", \"health\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		in, ok := healthcheck(s)
		if !ok {
			return
		}
		timeout, flag, ok := duration(in, "timeout")
		if !ok {
			return // PL5007 says it
		}
		interval, said, ok := duration(in, "interval")
		switch {
		case !ok && said.HasValue:
			return
		case !ok || interval == 0:
			interval = 30 * time.Second
		}
		if timeout > interval {
			p.Report(lint.At(flag.Text), "the timeout of %s is longer than the interval of %s: a service that hangs is found out late", timeout, interval)
		}
	},
}
