package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3058 = &lint.Rule{
	Code: "DL3058", Title: "Label is no e-mail address", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3058",
	Why:    "The label schema says that this label is an e-mail address as RFC 5322 has it. It is there to be written to, by people and by tools.",
	Bad:    "FROM debian:12\nLABEL maintainer=base-team",
	Good:   "FROM debian:12\nLABEL maintainer=base-team@example.com",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		checkLabels(p, s, "email", isEmail, "the label %s is no e-mail address: %s")
	},
}
