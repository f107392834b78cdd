package rules

import (
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl4001 = &lint.Rule{
	Code: "DL4001", Title: "Both wget and curl", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0014"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL4001",
	Why: "The two do the same. A stage that uses both has to have both, with their libraries and their updates; one is enough. " +
		"Each stage is looked at for itself; from where both are used on, each RUN with one of them is reported.",
	Bad:  "FROM debian:12\nRUN wget https://example.com/a\nRUN curl -O https://example.com/b",
	Good: "FROM debian:12\nRUN curl -O https://example.com/a\nRUN curl -O https://example.com/b",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		first, both := "", false
		var reported *lint.Run
		s.Commands(func(run *lint.Run, c *shellscript.Command) {
			c = unwrap(c)
			name := c.Base()
			if name != "wget" && name != "curl" || reported == run {
				return
			}
			if first == "" {
				first = name
			}
			if both = both || name != first; !both {
				return
			}
			reported = run
			other := "wget"
			if name == other {
				other = "curl"
			}
			p.Report(lint.At(c.Words[0].Text), "%s is used here, and %s before in the same stage: one of them is enough", name, other)
		})
	},
}
