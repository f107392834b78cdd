package rules

import (
	"slices"
	"strings"
	"unicode"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var invalidDefinitionDescription = &lint.Rule{
	Code: "InvalidDefinitionDescription", Title: "Comment above ARG or FROM that does not describe it", Severity: lint.Style, Family: lint.BuildKit,
	Profiles: lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/invalid-definition-description/",
	Why: "BuildKit shows the comment right above an ARG or a stage as its description if it begins with the name. " +
		"Another comment there is not shown; an empty line below it says that none is meant, as does a line of dashes or a comment " +
		"for a tool. BuildKit calls this rule experimental.",
	Bad:  "FROM debian:12\n# The version to install\nARG VERSION",
	Good: "FROM debian:12\n# VERSION is what to install\nARG VERSION",
	Check: func(p *lint.Pass) {
		warnings(p, func(in *syntax.Instruction, _ []checks.Warning) {
			above := strings.TrimSpace(p.File.LineText(in.Line - 1))
			if !strings.HasPrefix(above, "#") || !mayDescribe(above) {
				return // an empty line says that it is no description; BuildKit goes over that
			}
			at := fromWord(in, 2)
			if in.Keyword == "ARG" {
				if pairs := in.Pairs(); len(pairs) > 0 {
					at = pairs[0].Key
				}
			}
			p.Report(lint.At(at), "the comment above does not begin with %s, so it does not describe it", at.S)
		}, "FROM", "ARG")
	},
}

// toolsWithComments are programs that read the comment right above an instruction, where nothing may come between.
var toolsWithComments = []string{"hadolint", "plinth", "check", "renovate", "checkov", "trivy", "kics-scan", "shellcheck"}

// mayDescribe says whether a comment has words for a reader: it is neither a line of dashes nor for a tool.
func mayDescribe(comment string) bool {
	text := strings.TrimLeft(comment, "# \t")
	if strings.IndexFunc(text, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }) < 0 {
		return false
	}
	end := strings.IndexAny(text, " :=")
	return end < 0 || !slices.Contains(toolsWithComments, text[:end]) || text[end] == ' ' && !strings.Contains(text, "=")
}
