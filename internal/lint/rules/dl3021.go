package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3021 = &lint.Rule{
	Code: "DL3021", Title: "COPY of several sources to what is no folder", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0011"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3021",
	Why: "Several files can only go into a folder, and Docker takes a destination for one when it ends with a slash. " +
		"Without the slash the build stops.",
	Bad:  "FROM node:22\nCOPY package.json yarn.lock /app",
	Good: "FROM node:22\nCOPY package.json yarn.lock /app/",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachTriggered(s, func(i int, in *syntax.Instruction) {
			sources, destination, ok := sourcesAndDestination(in)
			if !ok || len(sources) < 2 || namesFolder(p, s, i, destination.Value) {
				return
			}
			f := p.Report(lint.At(destination.Text), "COPY of %d sources to %s: a folder ends with a slash", len(sources), destination.Text.S)
			if !strings.ContainsAny(destination.Text.S, "$\"'\\") {
				f.WithFix("end it with a slash", lint.Replace(destination.Text, destination.Text.S+"/"))
			}
		}, "COPY")
	},
}

// namesFolder says whether a destination ends with a slash, or may do so: with what a variable holds,
// which hadolint does not look at, or with the backslash of Windows.
func namesFolder(p *lint.Pass, s *lint.Stage, i int, destination string) bool {
	if strings.HasSuffix(destination, "/") {
		return true
	}
	if p.Options.Hadolint {
		return false
	}
	if isWindowsPath(destination) && strings.HasSuffix(destination, `\`) {
		return true
	}
	at := strings.LastIndexByte(destination, '$')
	if at < 0 || afterVariable(destination[at:]) != "" {
		return false
	}
	value := lint.Expand(destination, s.Before(i).Lookup)
	return strings.HasSuffix(value, "/") || strings.Contains(value[strings.LastIndexByte(value, '/')+1:], "$")
}
