package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3033 = &lint.Rule{
	Code: "DL3033", Title: "yum install without versions", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3033",
	Why: "Without a version, the same Dockerfile installs other packages tomorrow. yum takes a version behind a hyphen (`httpd-2.4.37`), and a stream for a module " +
		"(`nginx:1.18`).",
	Bad:  "FROM rockylinux:8\nRUN yum install -y httpd && yum clean all",
	Good: "FROM rockylinux:8\nRUN yum install -y httpd-2.4.37 && yum clean all",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			if names := unpinnedRPM(s, run, yum); len(names) > 0 {
				p.Report(lint.At(names[0].Text), "yum installs %s without a version", list(names))
			}
		}
	},
}
