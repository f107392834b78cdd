package rules

import "github.com/plinth-build/plinth/internal/lint"

var pl1010 = &lint.Rule{
	Code: "PL1010", Title: "Node's check of certificates is off", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_6"},
	Source:  "https://nodejs.org/api/cli.html#node_tls_reject_unauthorizedvalue",
	Why: "`NODE_TLS_REJECT_UNAUTHORIZED=0` makes all TLS connections of Node take any certificate. In ENV it stays on for all that ever " +
		"runs in the image. `NODE_EXTRA_CA_CERTS` adds an authority.",
	Bad:  "FROM node:22\nENV NODE_TLS_REJECT_UNAUTHORIZED=0",
	Good: "FROM node:22\nENV NODE_EXTRA_CA_CERTS=/etc/ssl/company.pem",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachSetting(p, s, "NODE_TLS_REJECT_UNAUTHORIZED", false, func(v setting) {
			if v.Value == "0" {
				p.Report(v.At, "NODE_TLS_REJECT_UNAUTHORIZED=0 in %s makes Node take any certificate: add the authority with NODE_EXTRA_CA_CERTS", v.Keyword)
			}
		})
	},
}
