package rules

import (
	"maps"
	"slices"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3049 = &lint.Rule{
	Code: "DL3049", Title: "Label of the label schema is missing", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3049",
	Why: "Your label schema says which labels an image has. Stages that others stand on or take files from are not looked at, what a stage " +
		"inherits counts, and so do the labels that plinth fills in.",
	Bad:  "FROM debian:12\nLABEL maintainer=base@example.com",
	Good: "FROM debian:12\nLABEL maintainer=base@example.com version=1.0.0",
	Check: func(p *lint.Pass) {
		for _, key := range slices.Sorted(maps.Keys(p.Options.LabelSchema)) {
			if p.Image != nil && slices.Contains(p.Image.Labels, key) {
				continue
			}
			for _, s := range products(p.Doc) {
				if _, ok := s.After().Labels[key]; !ok {
					p.Report(lint.Whole(s.From), "the label %s is missing: add LABEL %s=…", key, key)
				}
			}
		}
	},
}
