package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1008 = &lint.Rule{
	Code: "PL1008", Title: "configuration makes pip trust a host without a certificate", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_16"},
	Source:  "https://pip.pypa.io/en/stable/topics/configuration/",
	Why: "A trusted host in the environment or the configuration of the image counts for each pip that ever runs in it, also in images " +
		"that build on it: all of them take what that host sends without a check of its certificate.",
	Bad:  "FROM python:3.12\nENV PIP_TRUSTED_HOST=pypi.example.com",
	Good: "FROM python:3.12\nENV PIP_CERT=/etc/ssl/company.pem",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, name := range []string{"PIP_TRUSTED_HOST", "UV_INSECURE_HOST"} {
			eachSetting(p, s, name, false, func(v setting) {
				if v.Value != "" && !isLocalHost(v.Value) {
					p.Report(v.At, "%s in %s makes %s take packages from %s without a check of its certificate: %s", name, v.Keyword, strings.ToLower(name[:strings.IndexByte(name, '_')]), v.Value, authority[name])
				}
			})
		}
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			pip, ok := asPip(c)
			if !ok || pip.Sub() != "config" || !pip.Has("set") {
				return
			}
			for _, w := range pip.Args() {
				if strings.HasSuffix(w.S, ".trusted-host") {
					p.Report(lint.At(w.Text), "pip config set %s makes pip take packages without a check of the certificate: set global.cert", w.S)
				}
			}
		})
		eachWriting(s, func(w writing) {
			values, at := assignments(w.Text, "trusted-host")
			for i, v := range values {
				if v != "" && !isLocalHost(v) {
					p.Report(lint.At(at[i]), "trusted-host in a configuration makes pip take packages from %s without a check of its certificate: name the authority with cert", v)
				}
			}
		}, "trusted-host")
	},
}

// authority says how the program of a variable is told whom to trust.
var authority = map[string]string{
	"PIP_TRUSTED_HOST": "name the authority with PIP_CERT",
	"UV_INSECURE_HOST": "name the authority with SSL_CERT_FILE",
}
