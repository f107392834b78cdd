package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3061 = &lint.Rule{
	Code: "DL3061", Title: "Instruction before the first FROM", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3061",
	Why:    "A Dockerfile begins with FROM. Before it there may be comments, directives and ARG, whose values FROM can use. The builder refuses anything else there.",
	Bad:    "RUN apt-get update\nFROM debian:12",
	Good:   "# syntax=docker/dockerfile:1\nARG VERSION=12\nFROM debian:${VERSION}\nRUN apt-get update",
	Check: func(p *lint.Pass) {
		for _, in := range p.All() {
			switch in.Keyword {
			case "FROM":
				return
			case "ARG":
			default:
				p.Report(lint.Keyword(in), "%s stands before the first FROM, where only ARG may", in.Keyword)
				if !p.Options.Hadolint { // which says it of each
					return
				}
			}
		}
	},
}
