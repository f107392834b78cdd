package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3050 = &lint.Rule{
	Code: "DL3050", Title: "Label that the label schema does not have", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3050",
	Why: "With strict labels on, an image has the labels of the label schema and no others: a misspelt key is noticed, and nothing gets out that " +
		"should stay inside.",
	Bad:  "FROM debian:12\nLABEL superfluous=\"not in the schema\"",
	Good: "FROM debian:12",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !p.Options.StrictLabels {
			return
		}
		for _, l := range labelPairs(p, s) {
			if _, ok := p.Options.LabelSchema[l.key]; !ok {
				p.Report(lint.At(l.Key), "the label %s is not in the label schema: remove it, or add it there", l.key)
			}
		}
	},
}
