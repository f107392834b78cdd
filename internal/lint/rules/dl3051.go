package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3051 = &lint.Rule{
	Code: "DL3051", Title: "Label of the label schema is empty", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3051",
	Why:    "A label that the label schema asks for is there to say something. An empty one passes for present and says nothing.",
	Bad:    "FROM debian:12\nLABEL maintainer=\"\"",
	Good:   "FROM debian:12\nLABEL maintainer=\"base@example.com\"",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if len(p.Options.LabelSchema) == 0 {
			return
		}
		for _, l := range labelPairs(p, s) {
			if !p.Options.Hadolint { // to which a blank is something
				l.value = strings.TrimSpace(l.value)
			}
			if _, ok := p.Options.LabelSchema[l.key]; ok && l.known && l.value == "" {
				p.Report(lint.At(l.Key), "the label %s is empty", l.key)
			}
		}
	},
}
