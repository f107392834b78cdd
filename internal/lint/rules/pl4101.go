package rules

import (
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl4101 = &lint.Rule{
	Code: "PL4101", Title: "Packages without versions in an image that is to stay the same", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Why: "The image says `refresh: never`: it is built afresh only when something in the catalog changes, and is to be the same then. Packages without versions are what the archive " +
		"has on that day. Pin them, take them from a snapshot of the archive, or let the image be refreshed.",
	Bad:  "FROM debian:12\nRUN apt-get update && apt-get install -y curl",
	Good: "FROM debian:12\nRUN apt-get update && apt-get install -y curl=7.88.1-10+deb12u12",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if p.Image == nil || p.Image.Refresh != "never" {
			return
		}
		s.Commands(func(_ *lint.Run, c *shellscript.Command) {
			if tool, words := unpinned(unwrap(c)); len(words) > 0 {
				p.Report(lint.At(words[0].Text), "%s installs %s without a version, and the image says refresh: never", tool, list(words))
			}
		})
	},
}
