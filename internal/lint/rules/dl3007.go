package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3007 = &lint.Rule{
	Code: "DL3007", Title: "FROM names the tag latest", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0001", "checkov:CKV_DOCKER_7", "dockle:DKL-DI-0006"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3007",
	Why: "The tag `latest` moves with every release, over major versions too: the same Dockerfile builds something else tomorrow, or nothing. " +
		"Name the version that it was written for, or a digest.",
	Bad:  "FROM debian:latest",
	Good: "FROM debian:12",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if i := splitImage(s.Image); i.Tag == "latest" && i.Digest == "" && !ofCatalog(p.Doc, s.Image) {
			p.Report(lint.At(s.ImageText), "FROM %s moves with every release: name a version", s.Image)
		}
	},
}
