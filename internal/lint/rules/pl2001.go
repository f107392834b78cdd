package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl2001 = &lint.Rule{
	Code: "PL2001", Title: "Whole context copied before dependencies are installed", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/build/cache/optimize/#order-your-layers",
	Why: "A step is built again when anything before it has changed. With the whole context in place before the installation, each change of the code, or of a " +
		"README, downloads all dependencies again. Copy the files that list them, install, and copy the rest then.",
	Bad:  "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci",
	Good: "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, steps := range sequences(s) {
			wholeBeforeInstall(p, s, steps)
		}
	},
}

func wholeBeforeInstall(p *lint.Pass, s *lint.Stage, steps []step) {
	fetched := fetchedBy(s)
	var whole *syntax.Text
	for _, st := range steps {
		if source, ok := wholeContext(st.in); ok && whole == nil {
			whole = &source
		}
		if c, ok := copyOf(st.in); ok && bringsDependencies(c) {
			return
		}
		if st.run == nil {
			continue
		}
		name, words := installs(st.run, fetched)
		if name == "" {
			continue
		}
		if whole == nil || keepsDependencies(st.run) || name == "go" && withoutModules(p, s, st) {
			fetched[name] = true
			continue
		}
		p.Report(lint.At(*whole), "the whole context is copied before %s: each change of it installs all dependencies again; copy %s before it and the rest after it",
			words, ecosystems[name].hint)
		return
	}
}

// installs is the first ecosystem that a step installs dependencies of and that is not among those fetched.
func installs(r *lint.Run, fetched map[string]bool) (name, words string) {
	r.Each(func(c *shellscript.Command) {
		if n, w := dependencies(unwrap(c)); name == "" && !fetched[n] {
			name, words = n, w
		}
	})
	return name, words
}

// withoutModules says whether a program in Go has no dependencies, which go.sum would name, or finds them in the context:
// in a folder vendor, or as a part of GOPATH.
func withoutModules(p *lint.Pass, s *lint.Stage, st step) bool {
	before := s.Before(st.index)
	return p.Folder != nil && p.Folder.Exists("vendor") || strings.Contains(before.Workdir.S, "/go/src/") || strings.Contains(before.Env["GOFLAGS"], "-mod=vendor") ||
		p.Folder != nil && p.Folder.Exists("go.mod") && !p.Folder.Exists("go.sum")
}

// keepsDependencies says whether a step keeps what it downloads in a cache mount, or sees the
// files that list it through a bind mount.
func keepsDependencies(r *lint.Run) bool { return hasMount(r, "cache") || hasMount(r, "bind") }
