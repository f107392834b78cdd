package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3041 = &lint.Rule{
	Code: "DL3041", Title: "dnf install without versions", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3041",
	Why: "Without a version, the same Dockerfile installs other packages tomorrow. dnf takes a version behind a hyphen (`httpd-2.4.62`), and a stream for a module " +
		"(`nginx:1.18`).",
	Bad:  "FROM fedora:41\nRUN dnf install -y httpd && dnf clean all",
	Good: "FROM fedora:41\nRUN dnf install -y httpd-2.4.62 && dnf clean all",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			if names := unpinnedRPM(s, run, dnf); len(names) > 0 {
				p.Report(lint.At(names[0].Text), "dnf installs %s without a version", list(names))
			}
		}
	},
}
