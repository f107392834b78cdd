package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var pl3003 = &lint.Rule{
	Code: "PL3003", Title: "A Dockerfile for each environment", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://12factor.net/dev-prod-parity",
	Why: "What was tested is not what runs when development and production have images of their own: the files drift apart. One image for all environments, with the differences " +
		"in its configuration at run time, or one Dockerfile with a stage for each that stands on the other.",
	Bad:  "FROM node:22\nCMD [\"npm\", \"run\", \"dev\"]",
	Good: "FROM node:22 AS production\nCMD [\"npm\", \"start\"]\nFROM production AS development\nCMD [\"npm\", \"run\", \"dev\"]",
	Check: func(p *lint.Pass) {
		if p.Folder == nil || len(p.File.Instructions) == 0 {
			return
		}
		names := p.Folder.Names()
		plain := slices.Contains(names, "Dockerfile")
		var variants []string
		for _, n := range names {
			if isVariant(n) {
				variants = append(variants, n)
			}
		}
		// one finding for a folder, in the plain file or the first variant
		self := path.Base(p.Path)
		switch {
		case self == "Dockerfile" && len(variants) > 0, !plain && len(variants) > 1 && self == variants[0]:
			others := slices.DeleteFunc(variants, func(n string) bool { return n == self })
			p.Report(lint.Keyword(p.File.Instructions[0]), "beside it lies %s: images of different environments drift apart; make them stages of one file", englishList(others))
		}
	},
}

// environments are names of places where an image runs.
var environments = map[string]bool{
	"dev": true, "develop": true, "development": true, "prod": true, "production": true, "staging": true, "stage": true, "stg": true,
	"preprod": true, "uat": true, "qa": true, "local": true, "live": true, "acceptance": true, "preproduction": true,
}

// isVariant says whether a file is a Dockerfile for one environment: Dockerfile.dev, dev.Dockerfile,
// Dockerfile-prod.
func isVariant(name string) bool {
	name = strings.ToLower(name)
	rest, ok := strings.CutPrefix(name, "dockerfile")
	if !ok {
		if rest, ok = strings.CutSuffix(name, ".dockerfile"); !ok {
			return false
		}
	}
	return environments[strings.Trim(rest, ".-_")]
}
