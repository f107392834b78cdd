package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl1001 = &lint.Rule{
	Code: "DL1001", Title: "A comment switches rules off", Severity: lint.Warning, Family: lint.Hadolint,
	Since: "0.1.0", Source: "https://github.com/hadolint/hadolint#inline-ignores",
	Why: "A comment such as `# hadolint ignore=DL3008` switches a rule off where nobody else looks. Where rules are a company's, exceptions belong into its " +
		"configuration, next to the reason for them. The rule is in no profile: who wants it names it.",
	Bad:  "FROM debian:12\n# hadolint ignore=DL3000\nWORKDIR app",
	Good: "FROM debian:12\nWORKDIR /app",
	Check: func(p *lint.Pass) {
		for _, c := range p.File.Comments {
			codes, _ := p.Ignores(c)
			if len(codes) == 0 {
				continue
			}
			end := p.File.LineStart(c.Line) + len(p.File.LineText(c.Line))
			p.Report(lint.Span{From: c.Offset, To: end}, "a comment switches %s off: mend what it hides, or say so in the configuration", strings.Join(codes, ", "))
		}
	},
}
