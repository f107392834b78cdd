package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1007 = &lint.Rule{
	Code: "PL1007", Title: "pip trusts a host without a certificate", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_4"},
	Source:  "https://pip.pypa.io/en/stable/cli/pip/#cmdoption-trusted-host",
	Why: "`--trusted-host` makes pip take what that host sends without TLS or with any certificate, and a package runs code when it is " +
		"installed. `--cert` names the authority of a host inside a company.",
	Bad:  "FROM python:3.12\nRUN pip install --trusted-host pypi.example.com -i https://pypi.example.com/simple app",
	Good: "FROM python:3.12\nRUN pip install --cert /etc/ssl/company.pem -i https://pypi.example.com/simple app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			pip, ok := asPip(c)
			if !ok {
				return
			}
			args := pip.Args()
			for i, w := range args {
				flag, host, has := strings.Cut(w.S, "=")
				if flag != "--trusted-host" && flag != "--allow-insecure-host" {
					continue
				}
				if !has && i+1 < len(args) {
					host = args[i+1].S
				}
				if !isLocalHost(host) {
					p.Report(lint.At(w.Text), "%s %s takes packages from %s without a check of its certificate: name the authority with --cert", pip.Base(), flag, host)
				}
			}
		})
	},
}

// asPip gives a command of pip, however it is called: pip3.11, python -m pip, uv pip.
func asPip(c *shellscript.Command) (*shellscript.Command, bool) {
	base, words := c.Base(), c.Words
	if strings.HasPrefix(base, "python") || base == "pypy" || base == "pypy3" {
		for i, w := range words {
			if w.S == "-m" && i+1 < len(words) && words[i+1].S == "pip" {
				words = words[i+1:]
				base = "pip"
				break
			}
		}
	}
	if base == "pipenv" || base == "uv" || strings.TrimRight(base, "0123456789.") == "pip" {
		return &shellscript.Command{Script: c.Script, Stmt: c.Stmt, Call: c.Call, Words: words}, true
	}
	return nil, false
}
