package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var invalidBaseImagePlatform = &lint.Rule{
	Code: "InvalidBaseImagePlatform", Title: "Base image for another platform", Severity: lint.Warning, Family: lint.BuildKit,
	Profiles: lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/",
	Why: "An image for one platform that is taken for a build for another one runs emulated, or not at all. The " +
		"repositories that are named after an architecture, such as `arm64v8/debian`, have images of that one only; the " +
		"same without that folder fits any.",
	Bad:  "FROM arm64v8/debian:12",
	Good: "FROM debian:12",
	Check: func(p *lint.Pass) {
		warnings(p, func(from *syntax.Instruction, _ []checks.Warning) {
			s := stageOf(p.Doc, from)
			is, ok := imagePlatform(s.Resolved)
			if !ok {
				p.Report(lint.At(s.ImageText), "%s is for another platform than the stage", s.Image)
				return
			}
			_, name, _ := strings.Cut(hubName(s.Resolved), "/")
			p.Report(lint.At(s.ImageText), "%s is for linux/%s only: %s has all platforms", s.Image, is.Architecture, name)
		}, "FROM")
	},
}
