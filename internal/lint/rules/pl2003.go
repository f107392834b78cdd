package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var pl2003 = &lint.Rule{
	Code: "PL2003", Title: "Code copied with the list of dependencies before they are installed", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/build/cache/optimize/#order-your-layers",
	Why: "The files that list dependencies rarely change, the code often does. Where both are copied before the installation, each change of the code " +
		"downloads all dependencies again.",
	Bad:  "FROM maven:3\nWORKDIR /build\nCOPY pom.xml ./\nCOPY src ./src\nRUN mvn package",
	Good: "FROM maven:3\nWORKDIR /build\nCOPY pom.xml ./\nRUN mvn dependency:go-offline\nCOPY src ./src\nRUN mvn package",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, steps := range sequences(s) {
			codeBeforeInstall(p, s, steps)
		}
	},
}

func codeBeforeInstall(p *lint.Pass, s *lint.Stage, steps []step) {
	fetched := fetchedBy(s)
	listed := map[string]bool{}
	var code *syntax.Text
	for _, st := range steps {
		if _, ok := wholeContext(st.in); ok {
			return // PL2001 says it
		}
		if c, ok := copyOf(st.in); ok {
			if bringsDependencies(c) {
				return
			}
			if c.from != "" {
				continue
			}
			for _, source := range c.sources {
				if name := manifestOf(source.S); name != "" {
					listed[name] = true
				} else if code == nil && isCode(source.S) {
					code = &source
				}
			}
		}
		if st.run == nil {
			continue
		}
		name, words := installs(st.run, fetched)
		if name == "" {
			continue
		}
		if code == nil || !listed[name] || keepsDependencies(st.run) {
			fetched[name] = true
			continue
		}
		p.Report(lint.At(*code), "%s is copied before %s: each change of it installs all dependencies again; copy %s before it and the code after it",
			code.S, words, ecosystems[name].hint)
		return
	}
}
