package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3054 = &lint.Rule{
	Code: "DL3054", Title: "Label is no SPDX licence", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3054",
	Why:    "The label schema says that this label is a licence. Scanners compare it with the SPDX list, which has the identifiers (MIT, Apache-2.0, GPL-3.0-only) and the words between them (AND, OR, WITH).",
	Bad:    "FROM debian:12\nLABEL org.opencontainers.image.licenses=Apache2",
	Good:   "FROM debian:12\nLABEL org.opencontainers.image.licenses=Apache-2.0",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		is := isSPDX
		if p.Options.Hadolint {
			is = isSPDXAsWritten
		}
		checkLabels(p, s, "spdx", is, "the label %s is no SPDX licence expression: %s")
	},
}
