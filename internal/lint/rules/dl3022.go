package rules

import (
	"strconv"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3022 = &lint.Rule{
	Code: "DL3022", Title: "COPY --from names no earlier stage", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3022",
	Why: "A name that no earlier stage has is taken for an image, and fetched from Docker Hub in the version of the day: a misspelt name builds with a stranger's files. " +
		"Name a stage above, or an image with its tag or digest.",
	Bad:  "FROM debian:12\nCOPY --from=build /app /app",
	Good: "FROM golang:1.23 AS build\nRUN go build -o /app .\n\nFROM debian:12\nCOPY --from=build /app /app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, in := range s.Find("COPY") {
			from, ok := in.Flag("from")
			variable := strings.Contains(from.Value, "$") && !p.Options.Hadolint // to hadolint it is a name
			if !ok || from.Value == "" || variable || strings.Contains(from.Value, ":") || namesItself(s, from.Value) || p.SourceStage(s, from.Value) != nil {
				continue
			}
			if onlyDigits(from.Value) {
				p.Report(lint.At(from.Text), "there is no stage %s above this one", from.Value)
				continue
			}
			if strings.Contains(from.Value, "/") {
				p.Report(lint.At(from.Text), "the image %s has no tag, and so means latest: write one, or give it a stage of its own", from.Value)
				continue
			}
			p.Report(lint.At(from.Text), "no stage above is called %s: if it means an image, write its tag", from.Value)
		}
	},
}

// namesItself says whether --from names the stage that it stands in.
func namesItself(s *lint.Stage, from string) bool {
	return s.Name != "" && strings.EqualFold(s.Name, from) || onlyDigits(from) && s.From != nil && from == strconv.Itoa(s.Index)
}

func onlyDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
