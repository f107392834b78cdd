package rules

import (
	"path"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3067 = &lint.Rule{
	Code: "DL3067", Title: "COPY of another stage's whole file system", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3067",
	Why: "COPY --from=build / / takes everything: build tools, caches, perhaps secrets. It is one big layer that is shared with no other image, and what the other " +
		"stage says in USER, ENV and ENTRYPOINT does not come with it. Copy the paths that are needed, or go on from the stage with FROM.",
	Bad:  "FROM golang:1.26 AS build\nRUN go build -o /app .\nFROM debian:12\nCOPY --from=build / /",
	Good: "FROM golang:1.26 AS build\nRUN go build -o /app .\nFROM debian:12\nCOPY --from=build /app /app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, in := range s.Instructions {
			if in.Inner != nil {
				in = in.Inner
			}
			from, ok := in.Flag("from")
			if !ok || in.Keyword != "COPY" {
				continue
			}
			words := copyWords(in)
			if len(words) < 2 || path.Clean(words[len(words)-1]) != "/" {
				continue
			}
			for _, source := range words[:len(words)-1] {
				if path.IsAbs(source) && (path.Clean(source) == "/" || path.Clean(source) == "/*") {
					p.Report(lint.At(in.Args), "COPY takes the whole file system of %s: name the paths that are needed", from.Value)
					break
				}
			}
		}
	},
}

// copyWords are the sources of a COPY and its destination.
func copyWords(in *syntax.Instruction) (words []string) {
	if list, ok := in.JSONValues(); ok {
		return list
	}
	for _, f := range in.Args.Fields() {
		words = append(words, syntax.Unquote(f.S, in.File().Escape))
	}
	return words
}
