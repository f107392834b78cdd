package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl5008 = &lint.Rule{
	Code: "PL5008", Title: "Package installed for the HEALTHCHECK alone", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/dockerfile/#healthcheck",
	Why: "curl or wget for one request brings libraries with findings of their own, and a tool for whoever breaks in. Most programs can check themselves, " +
		"with a command of their own or a few lines of the language that they are written in.",
	Bad:  "FROM debian:12\nRUN apt-get update && apt-get install -y curl\nHEALTHCHECK --timeout=3s CMD curl -f http://localhost/",
	Good: "FROM debian:12\nHEALTHCHECK --timeout=3s CMD [\"/app\", \"health\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		in, ok := healthcheck(s)
		if !ok {
			return
		}
		for _, c := range checkCommands(s, in) {
			if name := unwrap(c).Base(); name == "curl" || name == "wget" {
				onlyForCheck(p, s, name)
				return
			}
		}
	},
}

// onlyForCheck reports the word that installs a package which nothing else in the file uses.
func onlyForCheck(p *lint.Pass, s *lint.Stage, name string) {
	var at *shellscript.Word
	used := false
	for f := s; f != nil; f = f.Parent {
		f.Commands(func(_ *lint.Run, c *shellscript.Command) {
			c = unwrap(c)
			_, packages, ok := systemInstall(c)
			for _, w := range packages {
				if packageName(w.S) == name {
					at = &w
				}
			}
			used = used || c.Base() == name || !ok && strings.Contains(c.Text().S, name)
		})
	}
	processCommands(s, func(_ *syntax.Instruction, c *shellscript.Command) { used = used || strings.Contains(c.Text().S, name) })
	if at != nil && !used {
		p.Report(lint.At(at.Text), "%s is installed, and HEALTHCHECK alone uses it here: let the program check itself", name)
	}
}
