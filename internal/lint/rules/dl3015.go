package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3015 = &lint.Rule{
	Code: "DL3015", Title: "apt-get install with recommended packages", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0029"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3015",
	Why: "apt-get also installs what a package recommends, which is often larger than the package: documentation viewers, mail servers, a desktop's icons. " +
		"With --no-install-recommends an image has what its Dockerfile names, and fewer packages to update for their vulnerabilities.",
	Bad:  "FROM debian:12\nRUN apt-get install -y git",
	Good: "FROM debian:12\nRUN apt-get install -y --no-install-recommends git ca-certificates",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		asHadolint := p.Options.Hadolint // it looks at the call alone
		if !asHadolint && configured(s.Parent) {
			return
		}
		for _, run := range s.Runs() {
			if !asHadolint && configures(run) {
				return
			}
			loose := keep(aptInstalls(s, run), func(v *invocation) bool {
				value, _ := aptOption(v, installRecommends)
				return (!v.unknown || asHadolint) && !v.has("--no-install-recommends") && !slices.Contains(aptFalse, value)
			})
			if len(loose) == 0 {
				continue
			}
			f := p.Report(loose[0].span(), "apt-get install takes recommended packages too: add --no-install-recommends")
			if !aptSets(loose, installRecommends) {
				addRecommendsFlag(f, loose, p.File.Data)
			}
		}
	},
}

const installRecommends = "APT::Install-Recommends"

// addRecommendsFlag adds the flag before the word behind install, so that another fix has room to add -y there.
func addRecommendsFlag(f *lint.Finding, calls []*invocation, file []byte) {
	const flag = "--no-install-recommends"
	var edits []lint.Edit
	for _, v := range calls {
		if !v.editable() {
			return
		}
		edit := lint.InsertAfter(v.verb.Text, " "+flag)
		for _, w := range v.program.words {
			if at := w.Text.Offset(0); at > edit.From {
				if strings.Trim(string(file[edit.From:at]), " \t") == "" {
					edit = lint.InsertBefore(w.Text, flag+" ")
				}
				break
			}
		}
		edits = append(edits, edit)
	}
	f.WithFix("add "+flag, edits...)
}

// configured says whether a stage, or one that it stands on, switches recommended packages off for all calls.
func configured(s *lint.Stage) bool {
	for ; s != nil; s = s.Parent {
		for _, run := range s.Runs() {
			if configures(run) {
				return true
			}
		}
	}
	return false
}

// configures says whether a step writes a configuration of apt that switches recommended packages off.
func configures(run *lint.Run) bool {
	for c := range programs(run) {
		if name := c.name(); name != "echo" && name != "printf" {
			continue
		}
		for _, w := range c.words[1:] {
			_, value, ok := strings.Cut(strings.ToLower(w.S), strings.ToLower(installRecommends))
			if !ok {
				continue
			}
			value, _, _ = strings.Cut(value, ";")
			if slices.Contains(aptFalse, strings.Trim(value, "\"' =\\")) {
				return true
			}
		}
	}
	return false
}
