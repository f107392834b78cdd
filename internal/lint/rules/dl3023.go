package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3023 = &lint.Rule{
	Code: "DL3023", Title: "COPY --from names its own stage", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0006"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3023",
	Why:     "A stage can't copy from itself while it is built: the builder stops, or takes the name for an image. Use RUN cp, or name another stage.",
	Bad:     "FROM debian:12 AS app\nCOPY --from=app /a /b",
	Good:    "FROM debian:12 AS build\nRUN make\n\nFROM debian:12 AS app\nCOPY --from=build /a /b",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, in := range s.Find("COPY") {
			if from, ok := in.Flag("from"); ok && namesItself(s, from.Value) && !(p.Options.Hadolint && from.Value != s.Name) { // to hadolint only the name as it is written is one
				p.Report(lint.At(from.Text), "COPY takes files from the stage %s that it is in", from.Value)
			}
		}
	},
}
