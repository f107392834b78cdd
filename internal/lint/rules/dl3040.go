package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3040 = &lint.Rule{
	Code: "DL3040", Title: "dnf clean all is missing", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0019"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3040",
	Why: "dnf keeps repository data, often a hundred megabytes of it, below /var/cache. It is in the layer unless the same RUN deletes it behind the last installation or upgrade, " +
		"or a mount holds it.",
	Bad:  "FROM fedora:41\nRUN dnf install -y httpd",
	Good: "FROM fedora:41\nRUN dnf install -y httpd && dnf clean all",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		reportUncleaned(p, s, dnf, func(v *invocation) bool {
			return rpmInstalls(v) || v.is("upgrade", "up", "update", "distro-sync", "distrosync", "dsync", "swap")
		})
	},
}
