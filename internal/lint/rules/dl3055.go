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
		is := isGitHash
		if p.Options.Hadolint { // to it a short hash has 7 digits, which is Git's least, and a whole one 40
			is = func(s string) bool { return isGitHash(s) && (len(s) == 7 || len(s) == 40) }
		}
		checkLabels(p, s, "hash", is, "the label %s is no Git hash: %s")
	},
}
