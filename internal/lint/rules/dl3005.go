package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3005 = &lint.Rule{
	Code: "DL3005", Title: "apt-get dist-upgrade", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3005",
	Why: "`apt-get dist-upgrade` may remove packages in order to bring others to their newest version. Which release an image has is for FROM to say; " +
		"`apt-get upgrade` removes nothing. Outside of the profile hadolint, PL1003 looks for this and for its other names.",
	Bad:  "FROM debian:12\nRUN apt-get update && apt-get dist-upgrade -y",
	Good: "FROM debian:12\nRUN apt-get update && apt-get upgrade -y",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			for _, v := range aptGet.calls(run) {
				if v.is("dist-upgrade") {
					p.Report(v.span(), "apt-get dist-upgrade may remove packages: take a newer base image, or upgrade")
					break
				}
			}
		}
	},
}
