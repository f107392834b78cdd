package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3066 = &lint.Rule{
	Code: "DL3066", Title: "USER is a name", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3066",
	Why: "With runAsNonRoot, Kubernetes has to know before it starts a container that its user is not root. It sees only what the image says and not the " +
		"image's /etc/passwd: a name it can't judge, and it refuses to start the container. A number tells it. Only the last USER of the last stage is looked at. Of USER root DL3002 has more to say.",
	Bad:  "FROM debian:12\nRUN useradd --uid 10001 app\nUSER app",
	Good: "FROM debian:12\nRUN useradd --uid 10001 app\nUSER 10001",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !s.Final || isWindowsStage(s) && !p.Options.Hadolint {
			return
		}
		var last *syntax.Instruction
		var user string
		for i, in := range s.Instructions {
			before := s.Before(i)
			if in.Inner != nil {
				in = in.Inner
			}
			if in.Keyword == "USER" {
				last = in
				// a build may give an ARG another value, so that only ENV tells
				user = lint.Expand(syntax.Unquote(in.Args.S, p.File.Escape), func(name string) (string, bool) {
					v, ok := before.Env[name]
					return v, ok
				})
			}
		}
		name, _, _ := strings.Cut(user, ":")
		if last == nil || name == "" || isNumber(name) || name == "root" && !p.Options.Hadolint || strings.Contains(user, "$") && !(p.Options.Hadolint && isSetNowhere(p.Doc, s, name)) {
			return
		}
		p.Report(lint.At(last.Args), "USER %s is a name, of which Kubernetes can't tell whether it is root: use the user's number", name)
	},
}

// isSetNowhere says whether a variable in a text is set nowhere in the file. The image that a stage stands on may have
// it; hadolint takes it for a name.
func isSetNowhere(d *lint.Doc, s *lint.Stage, text string) bool {
	return slices.ContainsFunc(lint.Variables(text), func(name string) bool {
		if _, ok := s.After().Args[name]; ok {
			return false
		}
		_, env := s.After().Env[name]
		return !env && !slices.ContainsFunc(d.Meta, func(in *syntax.Instruction) bool {
			return slices.ContainsFunc(in.Pairs(), func(pair syntax.Pair) bool { return pair.Key.S == name })
		})
	})
}
