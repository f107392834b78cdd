package rules

import (
	"slices"

	"github.com/plinth-build/plinth/internal/lint"
)

var pl6003 = &lint.Rule{
	Code: "PL6003", Title: "Label written by hand that plinth fills in", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Why: "plinth knows the revision, the version and the base image of what it builds, and writes them into the labels. What stands in the Dockerfile is " +
		"another value, or soon will be.",
	Bad:  "FROM example/base\nLABEL org.opencontainers.image.revision=4f2a",
	Good: "FROM example/base\nLABEL org.opencontainers.image.title=Java",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if p.Image == nil || !s.Final {
			return
		}
		for _, in := range s.Find("LABEL") {
			pairs := in.Pairs()
			for _, pair := range pairs {
				name := pair.Name(p.File.Escape)
				if !slices.Contains(p.Image.Labels, name) {
					continue
				}
				f := p.Report(lint.At(pair.Key), "plinth fills %s in: leave it out here", name)
				if len(pairs) == 1 && in.Line == in.EndLine {
					from, to := p.File.LineStart(in.Line), p.File.LineStart(in.Line+1)
					f.WithFix("remove the label", lint.Edit{Span: lint.Span{From: from, To: to}})
				}
			}
		}
	},
}
