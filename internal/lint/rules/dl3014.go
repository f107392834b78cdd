package rules

import (
	"slices"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3014 = &lint.Rule{
	Code: "DL3014", Title: "apt-get install without -y", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0021"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3014",
	Why: "apt-get asks before it installs anything beside what is named. Nobody answers during a build, so it stops as soon as a package has a dependency " +
		"that is not there yet. DEBIAN_FRONTEND does not change that.",
	Bad:  "FROM debian:12\nRUN apt-get install curl",
	Good: "FROM debian:12\nRUN apt-get install -y curl",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			asking := keep(aptInstalls(s, run), func(v *invocation) bool { return (!v.unknown || p.Options.Hadolint) && !aptYes(v) })
			if len(asking) == 0 || !p.Options.Hadolint && answered(run) {
				continue
			}
			f := p.Report(asking[0].span(), "apt-get install asks before it goes on: add -y")
			if !aptSets(asking, assumeYes) {
				addFlag(f, asking, "-y")
			}
		}
	},
}

const assumeYes = "APT::Get::Assume-Yes"

// aptYes says whether a call assumes yes: by a flag, by an option, or by being quiet twice.
func aptYes(v *invocation) bool {
	if v.has("-y", "--yes", "--assume-yes") {
		return true
	}
	if value, set := aptOption(v, assumeYes); set && slices.Contains(aptTrue, value) {
		return true
	}
	quiet := 0
	for _, w := range v.values("-q", "--quiet") {
		quiet++
		if w.S == "2" || w.S == "3" {
			quiet = 2
		}
	}
	return quiet >= 2
}

// answered says whether a step has something that answers questions.
func answered(run *lint.Run) bool {
	for c := range programs(run) {
		if c.name() == "yes" {
			return true
		}
	}
	return false
}
