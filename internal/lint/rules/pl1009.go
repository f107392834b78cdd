package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1009 = &lint.Rule{
	Code: "PL1009", Title: "Python's check of certificates is off", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_5"},
	Source:  "https://peps.python.org/pep-0493/",
	Why: "`PYTHONHTTPSVERIFY=0` makes Python's HTTPS clients take any certificate. In ENV it stays on for all that ever runs in the " +
		"image. `ssl_verify: false` does the same for the packages that conda takes.",
	Bad:  "FROM python:2.7\nENV PYTHONHTTPSVERIFY=0",
	Good: "FROM python:2.7\nENV SSL_CERT_FILE=/etc/ssl/company.pem",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachSetting(p, s, "PYTHONHTTPSVERIFY", false, func(v setting) {
			if v.Value == "0" {
				p.Report(v.At, "PYTHONHTTPSVERIFY=0 in %s makes Python take any certificate: add the authority with SSL_CERT_FILE", v.Keyword)
			}
		})
		eachSetting(p, s, "CONDA_SSL_VERIFY", false, func(v setting) {
			if isFalse(v.Value) {
				p.Report(v.At, "CONDA_SSL_VERIFY=%s in %s makes conda take any certificate: name the authority with it", v.Value, v.Keyword)
			}
		})
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			if !runsProgram(c, "conda", "mamba", "micromamba") || c.Sub() != "config" {
				return
			}
			for i, w := range c.Args() {
				if isFalse(w.S) && i > 0 && c.Args()[i-1].S == "ssl_verify" {
					p.Report(lint.At(w.Text), "%s with ssl_verify %s takes packages from a host with any certificate: name the authority with ssl_verify", c.Base(), w.S)
				}
			}
		})
		eachWriting(s, func(w writing) {
			values, at := assignments(w.Text, "ssl_verify")
			for i, v := range values {
				if isFalse(v) && strings.Contains(w.Target, "condarc") {
					p.Report(lint.At(at[i]), "ssl_verify is off in %s: conda takes packages from a host with any certificate, name the authority with ssl_verify", w.Target)
				}
			}
		}, "ssl_verify")
	},
}
