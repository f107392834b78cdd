package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3052 = &lint.Rule{
	Code: "DL3052", Title: "Label is no URL", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3052",
	Why:    "The label schema says that this label is a URL. Whoever reads the image's labels wants to open it: it needs a scheme and a host.",
	Bad:    "FROM debian:12\nLABEL org.opencontainers.image.url=example",
	Good:   "FROM debian:12\nLABEL org.opencontainers.image.url=https://example.com/app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		checkLabels(p, s, "url", isURI, "the label %s is no URL: %s")
	},
}
