package rules

import (
	"slices"

	"github.com/plinth-build/plinth/internal/lint"
)

var pl4002 = &lint.Rule{
	Code: "PL4002", Title: "Registry of the base image is written out", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/dockerfile/#understand-how-arg-and-from-interact",
	Why: "The configuration says that FROM takes the registry of its image from an ARG, so that a mirror or a test registry can take its place. " +
		"A FROM that names the registry itself goes past it. The rule is silent where no such ARG is configured.",
	Bad:  "FROM registry.example.com/base/java:21",
	Good: "ARG REGISTRY=registry.example.com\nFROM ${REGISTRY}/base/java:21",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		arg := p.Options.BaseArg
		if arg == "" || s.Image == "" || s.Parent != nil || s.IsScratch() || slices.Contains(lint.Variables(s.Image), arg) {
			return
		}
		p.Report(lint.At(s.ImageText), "FROM %s does not take its registry from ARG %s: write ${%s}/…", s.Image, arg, arg)
	},
}
