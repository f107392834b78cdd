package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3056 = &lint.Rule{
	Code: "DL3056", Title: "Label is no semantic version", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3056",
	Why:    "The label schema says that this label is a semantic version: three numbers, and if need be a pre-release and a build behind them. Tools that compare versions take nothing else.",
	Bad:    "FROM debian:12\nLABEL version=latest",
	Good:   "FROM debian:12\nLABEL version=1.0.0-rc1",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		checkLabels(p, s, "semver", isSemver, "the label %s is no semantic version, such as 1.4.2 or 2.0.0-rc.1: %s")
	},
}
