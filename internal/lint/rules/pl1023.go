package rules

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	dockerfile "github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1023 = &lint.Rule{
	Code: "PL1023", Title: "build argument with a secret used in RUN", Severity: lint.Warning, Family: lint.Security,
	Profiles: lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"docker-bench:4.10"},
	Source:  "https://docs.docker.com/build/building/secrets/",
	Why: "What `--build-arg` gives is recorded: `docker history` and the provenance of the image show it at each RUN that could use it. " +
		"A secret that is mounted (`RUN --mount=type=secret`) is there for its one step and leaves nothing.",
	Bad:  "FROM node:22\nARG NPM_TOKEN\nRUN npm config set //registry.npmjs.org/:_authToken $NPM_TOKEN && npm ci",
	Good: "FROM node:22\nRUN --mount=type=secret,id=NPM_TOKEN,env=NPM_TOKEN npm config set //registry.npmjs.org/:_authToken $NPM_TOKEN && npm ci",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		var told []string // a name is reported where it is used first
		for _, run := range s.Runs() {
			index := indexOf(s, run.In)
			for _, name := range givenSecrets(p, s, index) {
				if _, inEnv := s.Before(index).Env[name]; inEnv || slices.Contains(told, name) || hasSecretEnv(run.In, name) {
					continue
				}
				if at, ok := usesVariable(run, name); ok {
					told = append(told, name)
					p.Report(lint.At(at), "the build argument %s ends in the history of the image: give it to this step with RUN --mount=type=secret,id=%s,env=%s", name, name, name)
				}
			}
		}
	},
}

// givenSecrets are the arguments with secrets in the stage before an instruction that have no value but
// the one that is given for the build.
func givenSecrets(p *lint.Pass, s *lint.Stage, before int) (names []string) {
	for _, in := range s.Instructions[:before] {
		if in.Keyword != "ARG" {
			continue
		}
		for _, pair := range in.Pairs() {
			if name := pair.Name(p.File.Escape); namesSecret(name) && strings.Trim(pair.Value.S, `"'`) == "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// usesVariable finds where a step takes the value of a variable that it does not set itself, and not in
// a URL, which another rule looks at.
func usesVariable(run *lint.Run, name string) (at dockerfile.Text, found bool) {
	for _, script := range run.Scripts {
		if script.Tree == nil || !strings.Contains(script.Text.S, name) {
			continue
		}
		set := false
		syntax.Walk(script.Tree, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.Assign:
				set = set || n.Name != nil && n.Name.Value == name && !handsOn(script, n)
			case *syntax.ParamExp:
				end := int(n.End().Offset())
				if n.Param != nil && n.Param.Value == name && !found && !strings.HasPrefix(script.Text.S[min(end, len(script.Text.S)):], "@") {
					at, found = script.Span(n), true
				}
			}
			return true
		})
		if set {
			return at, false
		}
	}
	return at, found
}

// handsOn says whether an assignment gives a variable the value that it has: NAME=$NAME.
func handsOn(script *shellscript.Script, n *syntax.Assign) bool {
	return n.Value != nil && strings.Trim(script.Span(n.Value).S, `"${}`) == n.Name.Value
}
