package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var noEmptyContinuation = &lint.Rule{
	Code: "NoEmptyContinuation", Title: "Empty line in a continued instruction", Severity: lint.Warning, Family: lint.BuildKit,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage | lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/no-empty-continuation/",
	Why: "An empty line between continued lines is left out today, with a warning that it will be an error. A comment " +
		"line does what was meant.",
	Bad:  "FROM debian:12\nRUN apt-get update && \\\n\n    apt-get install -y curl",
	Good: "FROM debian:12\nRUN apt-get update && \\\n    apt-get install -y curl",
	Check: func(p *lint.Pass) {
		warnings(p, func(in *syntax.Instruction, _ []checks.Warning) {
			lines := emptyLines(in)
			if len(lines) == 0 {
				p.Report(lint.Keyword(in), "%s goes on over an empty line", in.Keyword)
				return
			}
			var edits []lint.Edit
			for _, at := range lines {
				edits = append(edits, lint.Edit{Span: at})
			}
			first := lines[0]
			first.To = first.From
			p.Report(first, "%s goes on over an empty line, which will be an error", in.Keyword).WithFix("take empty lines out", edits...)
		})
	},
}

// emptyLines are the empty lines between the lines of an instruction, with their ends.
func emptyLines(in *syntax.Instruction) (out []lint.Span) {
	f := in.File()
	last := in.EndLine
	for _, h := range in.Heredocs {
		// the documents are behind the instruction itself
		if line, _ := f.Position(h.Body.Offset(0)); line > in.Line {
			last = min(last, line-1)
		}
	}
	for line := in.Line + 1; line <= last; line++ {
		if strings.TrimSpace(f.LineText(line)) == "" {
			out = append(out, lint.Span{From: f.LineStart(line), To: f.LineStart(line + 1)})
		}
	}
	return out
}
