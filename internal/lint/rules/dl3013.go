package rules

import (
	"slices"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3013 = &lint.Rule{
	Code: "DL3013", Title: "pip install without versions", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3013",
	Why: "Without a version, the same Dockerfile installs other packages tomorrow, and whoever takes over a package's account is in the next image. " +
		"A requirements file, or a constraints file, has all versions in one place.",
	Bad:  "FROM python:3.12\nRUN pip install --no-cache-dir django",
	Good: "FROM python:3.12\nRUN pip install --no-cache-dir django==5.1",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		pinned := pipPinned
		if p.Options.Hadolint {
			pinned = pipPinnedAsHadolint
		}
		for _, run := range s.Runs() {
			var names []shellscript.Word
			for _, v := range append(pipInstalls(run), pipWrapperInstalls(run)...) {
				if !v.has("-r", "--requirement", "-c", "--constraint") {
					names = append(names, withoutVersion(s, run, v, pipPackages(v), pinned)...)
				}
			}
			if len(names) > 0 {
				p.Report(lint.At(names[0].Text), "pip installs %s without a version", list(names))
			}
		}
	},
}

// pipPackages are what a call installs, what it installs as editable included.
func pipPackages(v *invocation) []shellscript.Word {
	packages := slices.Concat(v.args, v.tail)
	return append(packages, v.values("-e", "--editable")...)
}
