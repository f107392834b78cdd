package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl4102 = &lint.Rule{
	Code: "PL4102", Title: "Pinned system packages in an image that is refreshed", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Why: "The image is built afresh to get its distribution's updates. A pinned package gets none, and Debian and Alpine drop superseded versions from their archives: " +
		"the refresh fails then. Leave the version out, or pin the upstream version alone (`=7.88.*`).",
	Bad:  "FROM debian:12\nRUN apt-get update && apt-get install -y curl=7.88.1-10+deb12u12",
	Good: "FROM debian:12\nRUN apt-get update && apt-get install -y curl",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if p.Image == nil || p.Image.Refresh == "" || p.Image.Refresh == "never" {
			return
		}
		s.Commands(func(_ *lint.Run, c *shellscript.Command) {
			tool, packages, ok := systemInstall(unwrap(c))
			if !ok || tool != "apt-get" && tool != "apt" && tool != "aptitude" && tool != "apk" {
				return
			}
			for _, w := range packages {
				name, version, ok := strings.Cut(w.S, "=")
				if ok && w.Literal && version != "" && !strings.ContainsAny(version, "*~") && !strings.ContainsAny(name, "<>~/") {
					p.Report(lint.At(w.Text), "%s is pinned to %s, and the image is refreshed (%s) to get updates: leave the version out", name, version, p.Image.Refresh)
				}
			}
		})
	},
}
