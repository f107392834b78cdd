package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3030 = &lint.Rule{
	Code: "DL3030", Title: "yum install without -y", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3030",
	Why:    "yum asks before it installs anything. Nobody answers during a build, so the step fails.",
	Bad:    "FROM rockylinux:8\nRUN yum install httpd && yum clean all",
	Good:   "FROM rockylinux:8\nRUN yum install -y httpd && yum clean all",
	Stage:  func(p *lint.Pass, s *lint.Stage) { reportAsking(p, s, yum) },
}
