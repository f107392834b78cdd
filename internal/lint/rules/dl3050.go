package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3050 = &lint.Rule{
	Code: "DL3050", Title: "Label that the label schema does not have", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3050",
	Why: "With strict labels, the label schema says which labels an image may have, and no others. One that is not in it is often a slip of the pen. " +
		"Without strict labels nothing is reported; without a schema every label is.",
	Bad:  "FROM debian:12\nLABEL maintainr=base@example.com",
	Good: "FROM debian:12\nLABEL maintainer=base@example.com",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !p.Options.StrictLabels {
			return
		}
		for _, l := range labelPairs(p, s) {
			if _, ok := p.Options.LabelSchema[l.key]; !ok {
				p.Report(lint.At(l.Key), "the label %s is not in the label schema", l.key)
			}
		}
	},
}
