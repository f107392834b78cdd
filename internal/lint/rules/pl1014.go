package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1014 = &lint.Rule{
	Code: "PL1014", Title: "rpm packages without a check of the signature", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_9"},
	Source:  "https://dnf.readthedocs.io/en/latest/conf_ref.html",
	Why: "Without the check dnf, yum and zypper install whatever comes from the network under a package's name, as root. A repository's " +
		"key is named with `gpgkey`, or imported with `rpm --import`.",
	Bad:  "FROM fedora:41\nRUN dnf install -y --nogpgcheck app",
	Good: "FROM fedora:41\nRUN rpm --import https://example.com/key.asc && dnf install -y app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			if w, ok := noGPGCheck(c); ok {
				p.Report(lint.At(w.Text), "%s %s installs packages whose signature nobody checks: import the key of the repository with rpm --import", c.Base(), w.S)
			}
		})
		eachWriting(s, func(w writing) {
			values, at := assignments(w.Text, "gpgcheck")
			for i, v := range values {
				if isFalse(v) && !containsFold(w.In.Text.S, "baseurl=file:") && !containsFold(w.Text.S, "baseurl=file:") {
					p.Report(lint.At(at[i]), "gpgcheck=%s makes dnf and yum take packages without a signature: name the key of the repository with gpgkey", v)
				}
			}
		}, "gpgcheck")
	},
}

// noGPGCheck finds the flag with which a package manager checks no signatures.
func noGPGCheck(c *shellscript.Command) (shellscript.Word, bool) {
	switch {
	case runsProgram(c, "dnf", "dnf5", "yum", "microdnf", "tdnf", "yum-config-manager", "dnf-3"):
		if w, ok := c.Find("--nogpgcheck", "--no-gpgchecks", "--no-gpg-checks"); ok {
			return w, true
		}
		return repositoryOptionOff(c, "gpgcheck")
	case runsProgram(c, "zypper"):
		if w, ok := c.Find("--no-gpg-checks", "--no-gpgcheck", "--gpgcheck-allow-unsigned"); ok {
			return w, true
		}
		if c.Has("addrepo", "ar", "modifyrepo", "mr") {
			return hasLetter(c, 'G', "cdpnt")
		}
	}
	return shellscript.Word{}, false
}

// repositoryOptionOff finds the word that switches an option off: --setopt=name=0, --setopt repo.name=false.
func repositoryOptionOff(c *shellscript.Command, name string) (shellscript.Word, bool) {
	for i, w := range c.Args() {
		setting, ok := strings.CutPrefix(w.S, "--setopt=")
		if !ok && i > 0 && (c.Args()[i-1].S == "--setopt" || c.Args()[i-1].S == "setopt") {
			setting, ok = w.S, true
		}
		key, value, _ := strings.Cut(setting, "=")
		if ok && key[strings.LastIndexByte(key, '.')+1:] == name && isFalse(value) {
			return w, true
		}
	}
	return shellscript.Word{}, false
}
