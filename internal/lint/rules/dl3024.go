package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3024 = &lint.Rule{
	Code: "DL3024", Title: "Two stages have the same name", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0012", "checkov:CKV_DOCKER_11", "buildkit:DuplicateStageName"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3024",
	Why:     "Of two stages with one name, COPY --from and FROM take the last one above them: the other one can't be reached. Case makes no difference.",
	Bad:     "FROM golang:1.23 AS build\nRUN make\n\nFROM node:20 AS build\nRUN npm ci",
	Good:    "FROM golang:1.23 AS build\nRUN make\n\nFROM node:20 AS web\nRUN npm ci",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, other := range p.Stages[:s.Index] {
			same := strings.EqualFold(other.Name, s.Name)
			if p.Options.Hadolint {
				same = other.Name == s.Name // as it is written
			}
			if s.Name != "" && same {
				p.Report(lint.At(s.NameText), "the stage in line %d is called %s too", other.From.Line, other.Name)
				return
			}
		}
	},
}
