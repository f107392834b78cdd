package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3032 = &lint.Rule{
	Code: "DL3032", Title: "yum clean all is missing", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0015"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3032",
	Why: "yum keeps repository data, and sometimes packages, in /var/cache/yum. They are in the layer unless the same RUN deletes them behind the last installation, " +
		"or a mount holds them.",
	Bad:   "FROM rockylinux:8\nRUN yum install -y httpd",
	Good:  "FROM rockylinux:8\nRUN yum install -y httpd && yum clean all",
	Stage: func(p *lint.Pass, s *lint.Stage) { reportUncleaned(p, s, yum, rpmInstalls) },
}
