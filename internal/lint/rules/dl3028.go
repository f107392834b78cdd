package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3028 = &lint.Rule{
	Code: "DL3028", Title: "gem install without versions", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3028",
	Why: "Without a version, the same Dockerfile installs another gem tomorrow, perhaps one that needs a newer Ruby. gem takes a version behind a colon, " +
		"or one for all with -v.",
	Bad:  "FROM ruby:3.3\nRUN gem install bundler",
	Good: "FROM ruby:3.3\nRUN gem install bundler:2.5.17",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			var names []shellscript.Word
			for _, v := range gem.calls(run) {
				if v.is("install", "i") && !v.has("-v", "--version") {
					names = append(names, withoutVersion(s, run, v, v.args, gemPinned)...)
				}
			}
			if len(names) > 0 {
				p.Report(lint.At(names[0].Text), "gem installs %s without a version", list(names))
			}
		}
	},
}

var gem = &tool{
	names:    []string{"gem"},
	switches: gemSwitches,
	valued: []string{
		"-v", "--version", "-i", "--install-dir", "-n", "--bindir", "-P", "--trust-policy", "-s", "--source", "-p", "--http-proxy",
		"--platform", "-g", "--file", "-B", "--bulk-threshold", "--build-root", "--config-file", "--target-rbconfig",
	},
}

// gemSwitches are the long flags without a value. Any other one may be for the build of a gem, and its value in the next word.
var gemSwitches = []string{
	"--both", "--backtrace", "--conservative", "--debug", "--default", "--development", "--development-all", "--env-shebang", "--explain", "--force",
	"--format-executable", "--help", "--ignore-dependencies", "--local", "--lock", "--minimal-deps", "--post-install-message", "--pre", "--prerelease",
	"--quiet", "--rdoc", "--remote", "--ri", "--silent", "--suggestions", "--update-sources", "--user-install", "--vendor", "--verbose", "--wrappers",
	"--clear-sources", "--norc",
}

func gemPinned(s string) bool { return strings.Contains(s, ":") || strings.HasSuffix(s, ".gem") }
