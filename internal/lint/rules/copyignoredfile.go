package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var copyIgnoredFile = &lint.Rule{
	Code: "CopyIgnoredFile", Title: "COPY of what .dockerignore leaves out", Severity: lint.Warning, Family: lint.BuildKit,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage | lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/copy-ignored-file/",
	Why: "What `.dockerignore` names is not there for the build: COPY or ADD of it fails, or copies nothing. Patterns " +
		"that take something in again (`!name`) are not judged.",
	Bad:  "# .dockerignore has the line *.md\nFROM debian:12\nCOPY README.md /usr/share/doc/",
	Good: "FROM debian:12\nCOPY src /usr/src/app",
	Check: func(p *lint.Pass) {
		if p.Folder == nil || len(p.Folder.Dockerignore) == 0 {
			return
		}
		ignore, err := checks.ReadIgnore(p.Folder.Dockerignore)
		if err != nil {
			return
		}
		for _, s := range p.Stages {
			for i, in := range s.Instructions {
				for _, source := range contextSources(in) {
					name := lint.Word(source.S, p.File.Escape, s.Before(i).Lookup)
					if !strings.Contains(name, "$") && ignore.Ignores(name) {
						p.Report(lint.At(source), "%s is not there for the build: %s leaves it out", name, p.Folder.IgnorePath)
					}
				}
			}
		}
	},
}

// contextSources are the paths in the build context that COPY and ADD name.
func contextSources(in *syntax.Instruction) (out []syntax.Text) {
	if in.Keyword != "COPY" && in.Keyword != "ADD" {
		return nil
	}
	if _, ok := in.Flag("from"); ok {
		return nil
	}
	words, list := in.JSON()
	if !list {
		words = in.Args.Fields()
	}
	for i, w := range words {
		if i < len(words)-1 && !strings.HasPrefix(w.S, "<<") && !strings.Contains(w.S, "://") && !strings.HasPrefix(w.S, "git@") {
			out = append(out, w)
		}
	}
	return out
}
