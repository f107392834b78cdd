package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3063 = &lint.Rule{
	Code: "DL3063", Title: "Reserved word as a stage's name", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"buildkit:ReservedStageName"},
	Source:  "https://docs.docker.com/reference/build-checks/reserved-stage-name/",
	Why: "FROM scratch means the empty image, and context means the build context. A stage of that name can't be told from them: " +
		"what a later FROM or --from takes is not what it seems to.",
	Bad:  "FROM debian:12 AS scratch\nRUN make",
	Good: "FROM debian:12 AS build\nRUN make",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		switch strings.ToLower(s.Name) {
		case "scratch", "context":
			p.Report(lint.At(s.NameText), "the stage is named %s, a word that the builder keeps for itself: give it another name", s.Name)
		}
	},
}
