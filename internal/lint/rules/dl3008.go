package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3008 = &lint.Rule{
	Code: "DL3008", Title: "apt-get install without versions", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3008",
	Why: "Without a version, the same Dockerfile installs other packages tomorrow. Debian's archive drops superseded versions, though, so a pinned version " +
		"stops working within weeks. Where an image says `refresh: never`, PL4101 asks for pins instead.",
	Bad:  "FROM debian:12\nRUN apt-get update && apt-get install -y curl",
	Good: "FROM debian:12\nRUN apt-get update && apt-get install -y curl=7.88.1-10+deb12u12",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			var names []shellscript.Word
			for _, v := range aptInstalls(s, run) {
				names = append(names, withoutVersion(s, run, v, aptPackages(v), func(name string) bool {
					return aptPinned(name) || !p.Options.Hadolint && strings.HasSuffix(name, "-") // which takes it away
				})...)
			}
			if len(names) > 0 {
				p.Report(lint.At(names[0].Text), "apt-get installs %s without a version", list(names))
			}
		}
	},
}

// aptPinned says whether a package has a version or a release, or is a file.
func aptPinned(s string) bool {
	return strings.ContainsAny(s, "=/") || strings.HasSuffix(s, ".deb")
}
