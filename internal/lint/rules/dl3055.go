package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3055 = &lint.Rule{
	Code: "DL3055", Title: "Label is no Git hash", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3055",
	Why:    "The label schema says that this label is a Git hash, whole or short: that of the commit the image was built from. A branch's or a tag's name points elsewhere tomorrow.",
	Bad:    "FROM debian:12\nLABEL org.opencontainers.image.revision=main",
	Good:   "FROM debian:12\nLABEL org.opencontainers.image.revision=43c572f1272b6b3171dd1db9e41b7027128ce080",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		checkLabels(p, s, "hash", isGitHash, "the label %s is no Git hash: %s")
	},
}
