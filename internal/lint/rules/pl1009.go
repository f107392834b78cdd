package rules

import "github.com/plinth-build/plinth/internal/lint"

var pl1009 = &lint.Rule{
	Code: "PL1009", Title: "Python's check of certificates is off", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_5"},
	Source:  "https://peps.python.org/pep-0493/",
	Why: "`PYTHONHTTPSVERIFY=0` makes Python's HTTPS clients take any certificate. In ENV it stays on for all that ever runs in the " +
		"image.",
	Bad:  "FROM python:2.7\nENV PYTHONHTTPSVERIFY=0",
	Good: "FROM python:2.7\nENV SSL_CERT_FILE=/etc/ssl/company.pem",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachSetting(p, s, "PYTHONHTTPSVERIFY", false, func(v setting) {
			if v.Value == "0" {
				p.Report(v.At, "PYTHONHTTPSVERIFY=0 in %s makes Python take any certificate: add the authority with SSL_CERT_FILE", v.Keyword)
			}
		})
	},
}
