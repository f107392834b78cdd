package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var pl3001 = &lint.Rule{
	Code: "PL3001", Title: "Whole context copied without a .dockerignore", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/build/concepts/context/#dockerignore-files",
	Why: "Without a .dockerignore, `COPY . .` takes everything that lies in the folder: .git with all that was ever committed, .env with passwords, node_modules for another platform. " +
		"It also makes the build slow, and a change of any of them builds the step again. A .dockerignore in a folder above, in the same repository, says that the context is that folder: " +
		"the rule is silent then.",
	Bad:  "FROM node:22\nCOPY . /app",
	Good: "FROM node:22\nCOPY package.json src/ /app/",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if p.Folder == nil || p.Folder.Dockerignore != nil || firstWhole(p.Doc) != s || p.Image == nil && p.Folder.IgnoredAbove() {
			return // in a catalog the context is known
		}
		source, _ := wholeCopy(s)
		if names := unwanted(p.Folder, nil, s); len(names) > 0 {
			p.Report(lint.At(source), "the whole context is copied, and there is no .dockerignore: it brings %s", englishList(names))
			return
		}
		p.Report(lint.At(source), "the whole context is copied, and there is no .dockerignore to keep .git, .env and the like out")
	},
}

// wholeCopy is the first source in a stage that is the whole context, ONBUILD not included: there it is
// another folder's.
func wholeCopy(s *lint.Stage) (source syntax.Text, ok bool) {
	for _, in := range s.Instructions {
		if source, ok = wholeContext(in); ok {
			return source, true
		}
	}
	return source, false
}

// firstWhole is the first stage that the image needs and that copies the whole context.
func firstWhole(d *lint.Doc) *lint.Stage {
	for _, s := range d.Stages {
		if _, ok := wholeCopy(s); ok && s.Reached {
			return s
		}
	}
	return nil
}
