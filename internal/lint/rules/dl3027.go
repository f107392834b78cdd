package rules

import (
	"slices"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3027 = &lint.Rule{
	Code: "DL3027", Title: "apt instead of apt-get", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Aliases: []string{"checkov:CKV_DOCKER_9"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3027",
	Why: "apt is made for people at a terminal: its output and behaviour may change from one version to the next, and it says so itself. apt-get and apt-cache " +
		"stay as they are, for scripts.",
	Bad:  "FROM debian:12\nRUN apt install -y curl",
	Good: "FROM debian:12\nRUN apt-get install -y curl",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			calls := apt.calls(run)
			if len(calls) == 0 {
				continue
			}
			f := p.Report(lint.At(calls[0].name.Text), "apt is for terminals: use apt-get or apt-cache")
			var edits []lint.Edit
			for _, v := range calls {
				if v.name.Text.S != "apt" || !sameForAptGet(v) {
					edits = nil
					break
				}
				edits = append(edits, lint.Replace(v.name.Text, "apt-get"))
			}
			if edits != nil {
				f.WithFix("use apt-get", edits...)
			}
		}
	},
}

var apt = &tool{names: []string{"apt"}, valued: aptValued}

// sameForAptGet says whether apt-get takes the same subcommand and does the same. It has none for
// listing, and its upgrade installs no new packages.
func sameForAptGet(v *invocation) bool {
	return !v.unknown && slices.Contains([]string{
		"install", "update", "remove", "purge", "autoremove", "autopurge", "clean", "autoclean", "build-dep", "source", "download",
	}, v.verb.S)
}
