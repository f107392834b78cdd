package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var invalidDefaultArgInFrom = &lint.Rule{
	Code: "InvalidDefaultArgInFrom", Title: "FROM names no image without build arguments", Severity: lint.Info, Family: lint.BuildKit,
	Profiles: lint.Strict | lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/invalid-default-arg-in-from/",
	Why: "An ARG in FROM without a default, or with an empty one, makes a name that is none: who builds the file by hand " +
		"gets an error that does not say what is missing. A default shows what is meant.",
	Bad:  "ARG TAG\nFROM debian:${TAG}",
	Good: "ARG TAG=12\nFROM debian:${TAG}",
	Check: func(p *lint.Pass) {
		warnings(p, func(from *syntax.Instruction, _ []checks.Warning) {
			s := stageOf(p.Doc, from)
			if s == nil || p.Image != nil && !strings.Contains(s.Resolved, "$") {
				return // the catalog gives what is missing
			}
			used := variables(s.ImageText, p.File.Escape, true)
			at := s.ImageText
			switch len(used) {
			case 0:
				p.Report(lint.At(at), "FROM %s names neither a stage nor an image", s.Image)
				return
			case 1:
				at = used[0].Text
			}
			p.Report(lint.At(at), "FROM %s names no image without build arguments: give the ARG a default", s.Image)
		}, "FROM")
	},
}
