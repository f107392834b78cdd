package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1013 = &lint.Rule{
	Code: "PL1013", Title: "apt-get with --force-yes", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_11"},
	Source:  "https://manpages.debian.org/bookworm/apt/apt-get.8.en.html",
	Why: "`--force-yes` answers all of apt's questions with yes: it takes packages without a signature, removes essential ones, and " +
		"downgrades. It is deprecated since apt 1.1; `-y` is enough, and there are `--allow-downgrades` and others for what is really " +
		"meant.",
	Bad:  "FROM debian:12\nRUN apt-get update && apt-get install -y --force-yes app",
	Good: "FROM debian:12\nRUN apt-get update && apt-get install -y --allow-downgrades app=1.2",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			if !runsProgram(c, "apt-get", "apt", "aptitude") {
				return
			}
			for _, w := range c.Args() {
				value, ok := strings.CutPrefix(w.S, "--force-yes=")
				if w.S == "--force-yes" || ok && isTrue(value) || isForceYes(w.S) {
					p.Report(lint.At(w.Text), "%s %s takes unsigned packages and removes essential ones without a word: -y is enough", c.Base(), w.S)
				}
			}
		})
		eachWriting(s, func(w writing) {
			values, at := assignments(w.Text, forceYes)
			for i, v := range values {
				if isTrue(v) {
					p.Report(lint.At(at[i]), "%s in a configuration makes apt take unsigned packages and remove essential ones without a word: -y is enough", forceYes)
				}
			}
		}, forceYes)
	},
}

const forceYes = "APT::Get::force-yes"

// isForceYes says whether a word sets apt's option of that name: -oNAME=yes, --option=NAME=yes, or what follows -o.
func isForceYes(word string) bool {
	word = strings.TrimPrefix(strings.TrimPrefix(word, "--option="), "-o")
	name, value, _ := strings.Cut(word, "=")
	return strings.EqualFold(name, forceYes) && isTrue(value)
}
