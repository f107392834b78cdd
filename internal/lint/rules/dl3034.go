package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3034 = &lint.Rule{
	Code: "DL3034", Title: "zypper asks questions", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3034",
	Why:    "zypper asks before it changes anything. Nobody answers during a build, so the step fails. It goes on with --non-interactive, or with -y behind the subcommand.",
	Bad:    "FROM opensuse/leap:15.6\nRUN zypper install httpd && zypper clean",
	Good:   "FROM opensuse/leap:15.6\nRUN zypper --non-interactive install httpd && zypper clean",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			asking := keep(zypper.calls(run), func(v *invocation) bool {
				return v.is("install", "in", "remove", "rm", "source-install", "si", "patch") && (!v.unknown || p.Options.Hadolint) &&
					!v.has("-n", "--non-interactive", "--non-interactive-include-reboot-patches", "-y", "--no-confirm", "--dry-run")
			})
			if len(asking) == 0 || !p.Options.Hadolint && answered(run) {
				continue
			}
			f := p.Report(asking[0].span(), "%s asks before it goes on: add --non-interactive", asking[0].title())
			var edits []lint.Edit
			for _, v := range asking {
				if !v.editable() {
					edits = nil
					break
				}
				edits = append(edits, lint.InsertAfter(v.name.Text, " --non-interactive"))
			}
			if edits != nil {
				f.WithFix("add --non-interactive", edits...)
			}
		}
	},
}
