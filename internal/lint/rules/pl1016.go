package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1016 = &lint.Rule{
	Code: "PL1016", Title: "npm or yarn without a check of the certificate", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_12", "checkov:CKV2_DOCKER_13"},
	Source:  "https://docs.npmjs.com/cli/v10/using-npm/config#strict-ssl",
	Why: "With `strict-ssl` off, npm, pnpm and yarn take packages from a registry with any certificate, and a package runs code when it " +
		"is installed. `cafile` or `NODE_EXTRA_CA_CERTS` names the authority of a registry inside a company.",
	Bad:  "FROM node:22\nRUN npm config set strict-ssl false",
	Good: "FROM node:22\nRUN npm config set cafile /etc/ssl/company.pem",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, name := range []string{"NPM_CONFIG_STRICT_SSL", "YARN_STRICT_SSL", "YARN_ENABLE_STRICT_SSL"} {
			eachSetting(p, s, name, true, func(v setting) {
				if isFalse(v.Value) {
					p.Report(v.At, "%s=%s in %s makes package managers take any certificate: name the authority with NODE_EXTRA_CA_CERTS", name, v.Value, v.Keyword)
				}
			})
		}
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			if !runsProgram(c, "npm", "pnpm", "yarn", "yarnpkg", "npx") {
				return
			}
			if w, ok := strictSSLOff(c); ok {
				p.Report(lint.At(w.Text), "%s with strict-ssl off takes packages from a registry with any certificate: name the authority with cafile", c.Base())
			}
		})
		eachWriting(s, func(w writing) {
			for _, name := range []string{"strict-ssl", "enableStrictSsl"} {
				values, at := assignments(w.Text, name)
				for i, v := range values {
					if isFalse(v) {
						p.Report(lint.At(at[i]), "%s is off in a configuration: packages come from a registry with any certificate, name the authority with cafile", name)
					}
				}
			}
		}, "strict-ssl", "enableStrictSsl")
	},
}

// strictSSLOff finds the word of npm or yarn that switches strict-ssl off.
func strictSSLOff(c *shellscript.Command) (shellscript.Word, bool) {
	args := c.Args()
	for i, w := range args {
		if w.S == "--no-strict-ssl" {
			return w, true
		}
		name, value, has := strings.Cut(strings.TrimPrefix(w.S, "--"), "=")
		if name != "strict-ssl" && name != "enableStrictSsl" {
			continue
		}
		if !has && i+1 < len(args) {
			value = args[i+1].S
		}
		if isFalse(value) {
			return w, true
		}
	}
	return shellscript.Word{}, false
}
