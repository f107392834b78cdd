package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3035 = &lint.Rule{
	Code: "DL3035", Title: "zypper dist-upgrade", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3035",
	Why: "`zypper dist-upgrade` brings the image to whatever release the repositories have, with other vendors' packages if need be. Which release an image " +
		"has is for FROM to say.",
	Bad:  "FROM opensuse/leap:15.6\nRUN zypper --non-interactive dist-upgrade && zypper clean",
	Good: "FROM opensuse/leap:15.6\nRUN zypper --non-interactive update && zypper clean",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			for _, v := range zypper.calls(run) {
				if v.is("dist-upgrade", "dup") {
					p.Report(v.span(), "%s changes the release of the image: name another one in FROM", v.title())
					break
				}
			}
		}
	},
}
