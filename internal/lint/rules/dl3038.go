package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3038 = &lint.Rule{
	Code: "DL3038", Title: "dnf install without -y", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3038",
	Why: "dnf asks before it installs anything. Nobody answers during a build, so the step fails. The microdnf of Red Hat's " +
		"images never asks, that of Fedora does.",
	Bad:   "FROM fedora:41\nRUN dnf install httpd && dnf clean all",
	Good:  "FROM fedora:41\nRUN dnf install -y httpd && dnf clean all",
	Stage: func(p *lint.Pass, s *lint.Stage) { reportAsking(p, s, dnf) },
}
