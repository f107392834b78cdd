package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var maintainerDeprecated = &lint.Rule{
	Code: "MaintainerDeprecated", Title: "MAINTAINER", Severity: lint.Warning, Family: lint.BuildKit,
	Profiles: lint.BuildKitProfile, Since: "0.1.0",
	Aliases: []string{"hadolint:DL4000"},
	Source:  "https://docs.docker.com/reference/build-checks/maintainer-deprecated/",
	Why: "MAINTAINER has been deprecated since 2017 and can be seen in one place only. The label " +
		"`org.opencontainers.image.authors` is read by registries and tools.",
	Bad:  "FROM debian:12\nMAINTAINER someone@example.org",
	Good: "FROM debian:12\nLABEL org.opencontainers.image.authors=\"someone@example.org\"",
	Check: func(p *lint.Pass) {
		warnings(p, func(in *syntax.Instruction, _ []checks.Warning) {
			f := p.Report(lint.Keyword(in), "MAINTAINER is deprecated: use LABEL org.opencontainers.image.authors")
			if text, ok := labelValue(p.File, in.Args); ok {
				f.WithFix("make it a label", lint.Edit{Span: lint.Whole(in), Text: keyword(in, "LABEL") + " org.opencontainers.image.authors=" + text})
			}
		}, "MAINTAINER")
	},
}

// labelValue quotes a text that the builder does not change for a place where it puts in variables. It says
// no where the text stands on several lines.
func labelValue(f *syntax.File, t syntax.Text) (string, bool) {
	from, _ := f.Position(t.Offset(0))
	to, _ := f.Position(t.Offset(len(t.S)))
	if from != to {
		return "", false
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(t.S) {
		if c := t.S[i]; c == '"' || c == '$' || c == f.Escape {
			b.WriteByte(f.Escape)
		}
		b.WriteByte(t.S[i])
	}
	b.WriteByte('"')
	return b.String(), true
}

// keyword is another keyword in the case of an instruction's own.
func keyword(in *syntax.Instruction, name string) string {
	if in.Raw == strings.ToLower(in.Raw) {
		return strings.ToLower(name)
	}
	return name
}
