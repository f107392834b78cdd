package rules

import (
	"github.com/plinth-build/plinth/internal/lint"
)

var pl0001 = &lint.Rule{
	Code: "PL0001", Title: "Dockerfile that cannot be built", Severity: lint.Error, Family: lint.BuildKit,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage | lint.BuildKitProfile, Since: "0.1.0",
	Why: "BuildKit refuses the file, whatever is in the folder: an instruction that there is not, arguments that make no sense, a stage that comes later. " +
		"The message is BuildKit's own. The other rules look at what can be read all the same.",
	Bad:  "FROM debian:12\nCOPY a.txt",
	Good: "FROM debian:12\nCOPY a.txt /srv/",
	Check: func(p *lint.Pass) {
		if len(p.File.Errors) > 0 {
			for _, e := range p.File.Errors {
				p.Report(lint.Span{From: e.Offset, To: e.Offset}, "BuildKit cannot build this: %s", e.Message)
			}
			return
		}
		r := BuildKit(p.Doc)
		if r.Err == nil || r.NeedsArgs {
			return
		}
		at := lint.Span{From: p.File.LineStart(max(r.Err.Line, 1)), To: p.File.LineStart(max(r.Err.Line, 1))}
		for _, in := range p.All() {
			if in.Line <= r.Err.Line && r.Err.Line <= in.EndLine {
				at = lint.Whole(in)
			}
		}
		p.Report(at, "BuildKit cannot build this: %s", r.Err.Message)
	},
}
