package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1018 = &lint.Rule{
	Code: "PL1018", Title: "yum or dnf without a check of the certificate", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_15"},
	Source:  "https://dnf.readthedocs.io/en/latest/conf_ref.html",
	Why: "With `sslverify` off, yum and dnf take lists and packages from a host with any certificate. `sslcacert` names the authority " +
		"of a host inside a company.",
	Bad:  "FROM fedora:41\nRUN echo 'sslverify=0' >> /etc/dnf/dnf.conf",
	Good: "FROM fedora:41\nRUN echo 'sslcacert=/etc/ssl/company.pem' >> /etc/dnf/dnf.conf",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			if !runsProgram(c, "dnf", "dnf5", "yum", "microdnf", "tdnf", "yum-config-manager") {
				return
			}
			if w, ok := repositoryOptionOff(c, "sslverify"); ok {
				p.Report(lint.At(w.Text), "%s %s takes packages from a host with any certificate: name the authority with sslcacert", c.Base(), w.S)
			}
		})
		eachWriting(s, func(w writing) {
			if strings.Contains(w.Target, "gitconfig") {
				return
			}
			values, at := assignments(w.Text, "sslverify")
			for i, v := range values {
				if isFalse(v) {
					p.Report(lint.At(at[i]), "sslverify=%s makes yum and dnf take any certificate: name the authority with sslcacert", v)
				}
			}
		}, "sslverify")
	},
}
