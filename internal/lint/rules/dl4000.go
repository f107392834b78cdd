package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl4000 = &lint.Rule{
	Code: "DL4000", Title: "MAINTAINER is deprecated", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"buildkit:MaintainerDeprecated", "trivy:DS-0022", "checkov:CKV_DOCKER_6"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL4000",
	Why:     "MAINTAINER has been deprecated since Docker 1.13. The label org.opencontainers.image.authors says the same, and tools that read labels find it.",
	Bad:     "FROM debian:12\nMAINTAINER Base team <base@example.com>",
	Good:    "FROM debian:12\nLABEL org.opencontainers.image.authors=\"Base team <base@example.com>\"",
	Check: func(p *lint.Pass) {
		for _, in := range p.All() {
			switch {
			case in.Keyword == "MAINTAINER":
				f := p.Report(lint.Whole(in), "MAINTAINER is deprecated: use LABEL org.opencontainers.image.authors")
				if label, ok := authorsLabel(in); ok {
					f.WithFix("use LABEL org.opencontainers.image.authors", lint.Edit{Span: lint.Whole(in), Text: label})
				}
			case in.Inner != nil && in.Inner.Keyword == "MAINTAINER":
				p.Report(lint.Whole(in.Inner), "MAINTAINER is deprecated: use LABEL org.opencontainers.image.authors")
			}
		}
	},
}

// authorsLabel is the LABEL that says what a MAINTAINER on one line says.
func authorsLabel(in *syntax.Instruction) (string, bool) {
	name := in.Args.S
	if in.Line != in.EndLine || len(in.Flags) > 0 || name == "" {
		return "", false
	}
	if n := len(name); n > 2 && (name[0] == '"' || name[0] == '\'') && strings.IndexByte(name[1:], name[0]) == n-2 {
		name = name[1 : n-1]
	}
	escape := string(in.File().Escape)
	if strings.Contains(name, escape) {
		return "", false
	}
	name = strings.NewReplacer(`"`, escape+`"`, "$", escape+"$").Replace(name)
	return `LABEL org.opencontainers.image.authors="` + name + `"`, true
}
