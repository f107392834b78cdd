package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl3004 = &lint.Rule{
	Code: "PL3004", Title: "RUN does different things for different environments", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://12factor.net/dev-prod-parity",
	Why: "A build argument that says dev or production makes two images of one file, and only one of them is tested. Stages say the same in the open: " +
		"`FROM base AS dev` with what only developers need, and the image of production without it.",
	Bad:  "FROM node:22\nARG NODE_ENV=production\nRUN if [ \"$NODE_ENV\" = development ]; then npm install -g nodemon; fi",
	Good: "FROM node:22 AS production\nRUN npm ci --omit=dev\nFROM production AS development\nRUN npm install -g nodemon",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, r := range s.Runs() {
			for _, script := range r.Scripts {
				if script.Tree != nil && strings.Contains(script.Text.S, "$") {
					environmentConditions(p, script)
				}
			}
		}
	},
}

func environmentConditions(p *lint.Pass, script *shellscript.Script) {
	report := func(at syntax.Node, name string) {
		t := script.Span(at)
		p.Report(lint.At(t), "the image depends on %s: what is tested is not what runs; make a stage for each environment", name)
	}
	for _, c := range script.Commands {
		if c.Name() != "[" && c.Name() != "test" {
			continue
		}
		args := c.Args()
		for i, w := range args {
			if i == 0 || i+1 >= len(args) || w.S != "=" && w.S != "==" && w.S != "!=" {
				continue
			}
			if name := comparesEnvironment(args[i-1], args[i+1]); name != "" {
				report(c.Call, name)
				break
			}
		}
	}
	syntax.Walk(script.Tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.BinaryTest:
			x, ok := n.X.(*syntax.Word)
			y, also := n.Y.(*syntax.Word)
			if ok && also {
				if name := comparesEnvironment(script.Word(x), script.Word(y)); name != "" {
					report(n, name)
				}
			}
		case *syntax.CaseClause:
			for _, item := range n.Items {
				for _, pattern := range item.Patterns {
					if name := comparesEnvironment(script.Word(n.Word), script.Word(pattern)); name != "" {
						report(n.Word, name)
						return true
					}
				}
			}
		}
		return true
	})
}

// comparesEnvironment is the variable of a comparison that asks for the environment, "" for another.
func comparesEnvironment(a, b shellscript.Word) string {
	if a.Literal {
		a, b = b, a
	}
	if a.Literal || !b.Literal || !strings.HasPrefix(a.S, "$") {
		return ""
	}
	names := lint.Variables(a.S)
	if len(names) != 1 {
		return ""
	}
	name := strings.ToUpper(names[0])
	value := strings.ToLower(strings.Trim(b.S, "*"))
	says := strings.HasPrefix(name, "IS_") && environments[strings.ToLower(name[3:])]
	named := says || strings.HasSuffix(name, "ENV") || strings.HasSuffix(name, "ENVIRONMENT") || strings.HasSuffix(name, "STAGE") || strings.HasSuffix(name, "PROFILE") ||
		strings.HasSuffix(name, "MODE") || strings.HasSuffix(name, "TARGET")
	if says || named && (environments[value] || value == "test") {
		return names[0]
	}
	return ""
}
