package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3053 = &lint.Rule{
	Code: "DL3053", Title: "Label is no RFC 3339 time", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3053",
	Why:    "The label schema says that this label is a time. In any other form than RFC 3339's, tools read it wrongly or not at all, and without an offset nobody knows which hour is meant.",
	Bad:    "FROM debian:12\nLABEL org.opencontainers.image.created=yesterday",
	Good:   "FROM debian:12\nLABEL org.opencontainers.image.created=2026-01-31T12:00:00Z",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		checkLabels(p, s, "rfc3339", isRFC3339, "the label %s is no RFC 3339 time, such as 2026-01-31T12:00:00Z: %s")
	},
}
