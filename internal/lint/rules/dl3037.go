package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3037 = &lint.Rule{
	Code: "DL3037", Title: "zypper install without versions", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3037",
	Why: "Without a version, the same Dockerfile installs other packages tomorrow. zypper takes `httpd=2.4.58` and ranges such as `'httpd>=2.4'`, which have to be " +
		"quoted: the shell reads > as a redirection.",
	Bad:  "FROM opensuse/leap:15.6\nRUN zypper install -y httpd && zypper clean",
	Good: "FROM opensuse/leap:15.6\nRUN zypper install -y httpd=2.4.58 && zypper clean",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			var names []shellscript.Word
			for _, v := range zypper.calls(run) {
				if zypperInstalls(v) && packagesOnly(v) {
					names = append(names, withoutVersion(s, run, v, append(v.args, v.tail...), zypperPinned)...)
				}
			}
			if len(names) > 0 {
				p.Report(lint.At(names[0].Text), "zypper installs %s without a version", list(names))
			}
		}
	},
}

// packagesOnly says whether a call installs packages: patterns and products have no versions to name.
func packagesOnly(v *invocation) bool {
	for _, w := range v.values("-t", "--type") {
		if w.S != "package" {
			return false
		}
	}
	return true
}

// zypperPinned says whether a package has a version or a range, is a file, a pattern, or taken away.
func zypperPinned(s string) bool {
	return strings.ContainsAny(s, "=<>/:") || strings.HasSuffix(s, ".rpm") || s[0] == '!'
}
