package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1017 = &lint.Rule{
	Code: "PL1017", Title: "git without a check of the certificate", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_14"},
	Source:  "https://git-scm.com/docs/git-config#Documentation/git-config.txt-httpsslVerify",
	Why: "With `http.sslVerify` off or `GIT_SSL_NO_VERIFY` set, git takes any certificate, and what it clones is built or run. " +
		"`http.sslCAInfo` names the authority of a host inside a company.",
	Bad:  "FROM debian:12\nRUN git -c http.sslVerify=false clone https://git.example.com/app.git",
	Good: "FROM debian:12\nRUN git -c http.sslCAInfo=/etc/ssl/company.pem clone https://git.example.com/app.git",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachSetting(p, s, "GIT_SSL_NO_VERIFY", false, func(v setting) {
			if v.Value != "" && !isFalse(v.Value) {
				p.Report(v.At, "GIT_SSL_NO_VERIFY in %s makes git take any certificate: name the authority with GIT_SSL_CAINFO", v.Keyword)
			}
		})
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			if !runsProgram(c, "git") {
				return
			}
			args := c.Args()
			for i, w := range args {
				key, value, has := strings.Cut(strings.TrimPrefix(w.S, "--config="), "=")
				key = strings.ToLower(key)
				if !strings.HasPrefix(key, "http.") || !strings.HasSuffix(key, ".sslverify") {
					continue
				}
				if !has && i+1 < len(args) {
					value = args[i+1].S
				}
				if isFalse(value) {
					p.Report(lint.At(w.Text), "git with http.sslVerify off takes any certificate: name the authority with http.sslCAInfo")
				}
			}
		})
		eachWriting(s, func(w writing) {
			if !strings.Contains(w.Target, "gitconfig") {
				return
			}
			values, at := assignments(w.Text, "sslVerify")
			for i, v := range values {
				if isFalse(v) {
					p.Report(lint.At(at[i]), "sslVerify is off in %s: git takes any certificate, name the authority with sslCAInfo", w.Target)
				}
			}
		}, "sslVerify")
	},
}
