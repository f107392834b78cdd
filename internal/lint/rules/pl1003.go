package rules

import (
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1003 = &lint.Rule{
	Code: "PL1003", Title: "dist-upgrade while an image is built", Severity: lint.Warning, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0024", "dockle:DKL-DI-0003"},
	Source:  "https://docs.docker.com/build/building/best-practices/#apt-get",
	Why: "`dist-upgrade` may remove packages and install others in order to get everything to its newest version, and what it does " +
		"depends on the day of the build. An image gets its updates from a newer base image, or with `apt-get upgrade`, which removes " +
		"nothing.",
	Bad:  "FROM debian:12\nRUN apt-get update && apt-get dist-upgrade -y",
	Good: "FROM debian:12\nRUN apt-get update && apt-get upgrade -y",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			if runsProgram(c, "do-release-upgrade") {
				p.Report(lint.At(c.Words[0].Text), "do-release-upgrade makes another release of the image: name that release in FROM")
				return
			}
			if !runsProgram(c, "apt-get", "apt", "aptitude") || c.HasFlag("-s", "--simulate", "--dry-run", "--just-print", "--print-uris") {
				return
			}
			if verb := packageVerb(c); verb == "dist-upgrade" || verb == "full-upgrade" {
				w, _ := c.Find(verb)
				p.Report(lint.At(w.Text), "%s %s may remove packages, and what it does depends on the day: take a newer base image, or upgrade", c.Base(), verb)
			}
		})
	},
}
