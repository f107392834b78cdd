package rules

import (
	"slices"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3016 = &lint.Rule{
	Code: "DL3016", Title: "npm install without versions", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3016",
	Why: "Without a version, the same Dockerfile installs another package tomorrow, and whoever takes over a package's account is in the next image. " +
		"`npm ci` installs what a lock file says.",
	Bad:  "FROM node:22\nRUN npm install -g pnpm",
	Good: "FROM node:22\nRUN npm install -g pnpm@9.7.0",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			var names []shellscript.Word
			for _, v := range npm.calls(run) {
				if v.is("install") || !p.Options.Hadolint && v.is("i", "add") {
					names = append(names, withoutVersion(s, run, v, npmPackages(v, p.Options.Hadolint), npmPinned)...)
				}
			}
			if len(names) > 0 {
				p.Report(lint.At(names[0].Text), "npm installs %s without a version", list(names))
			}
		}
	},
}

// npmPackages are the words that npm install is to install. Hadolint knows of two flags only that their values are the
// next word, and takes the values of others for packages.
func npmPackages(v *invocation, asHadolint bool) []shellscript.Word {
	words := slices.Concat(v.args, v.tail)
	if !asHadolint {
		return words
	}
	for _, f := range v.flags {
		at := f.word.Text.Offset(0)
		if f.name != "--loglevel" && f.name != "--registry" && at > v.verb.Text.Offset(0) && f.value.S != "" && f.value.Text.Offset(0) != at {
			words = append(words, f.value)
		}
	}
	return words
}
