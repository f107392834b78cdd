package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var stageNameCasing = &lint.Rule{
	Code: "StageNameCasing", Title: "Stage name with upper-case letters", Severity: lint.Style, Family: lint.BuildKit,
	Profiles: lint.Strict | lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/stage-name-casing/",
	Why: "The builder compares stage names in lower case in most places and as they are written in one: `FROM Build` " +
		"looks for an image of that name though there is a stage `AS Build`. With lower case throughout there is no " +
		"such difference.",
	Bad:  "FROM golang:1.25 AS Build\nRUN go build -o /app .\n\nFROM debian:12\nCOPY --from=Build /app /app",
	Good: "FROM golang:1.25 AS build\nRUN go build -o /app .\n\nFROM debian:12\nCOPY --from=build /app /app",
	Check: func(p *lint.Pass) {
		warnings(p, func(from *syntax.Instruction, _ []checks.Warning) {
			s := stageOf(p.Doc, from)
			if s == nil || s.Name == "" {
				return
			}
			f := p.Report(lint.At(s.NameText), "stage name %s is not in lower case", s.Name)
			if edits, ok := renameStage(p.Doc, s, strings.ToLower(s.Name)); ok {
				f.WithFix("write it in lower case, also where it is used", edits...)
			}
		}, "FROM")
	},
}

// renameStage writes another name for a stage, and wherever that is used as it is written. It says no if
// another stage has the name in any casing.
func renameStage(d *lint.Doc, s *lint.Stage, name string) ([]lint.Edit, bool) {
	edits := []lint.Edit{lint.Replace(s.NameText, name)}
	for _, other := range d.Stages {
		if other == s {
			continue
		}
		if strings.EqualFold(other.Name, name) {
			return nil, false
		}
		if other.Index > s.Index && other.Image == s.Name {
			edits = append(edits, lint.Replace(other.ImageText, name))
		}
		if other.Index < s.Index {
			continue
		}
		for _, in := range other.Instructions {
			for _, source := range lint.Sources(in) {
				if source.Value != s.Name {
					continue
				}
				i := strings.Index(source.Text.S, "from="+s.Name)
				if i < 0 || strings.Count(source.Text.S, s.Name) != 1 {
					return nil, false
				}
				i += len("from=")
				edits = append(edits, lint.Replace(source.Text.Slice(i, i+len(s.Name)), name))
			}
		}
	}
	return edits, true
}
