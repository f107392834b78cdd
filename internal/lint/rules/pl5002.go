package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var pl5002 = &lint.Rule{
	Code: "PL5002", Title: "USER is not said, and the base image's is not known", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Strict, Since: "0.1.0",
	Aliases: []string{"checkov:CKV_DOCKER_3"},
	Source:  "https://docs.docker.com/build/building/best-practices/#user",
	Why: "Most images from elsewhere run as root, and some don't. A USER in the file says which one it is, whatever the base image does tomorrow. " +
		"For images of a catalog plinth knows the parent's USER, and PL5003 speaks of those. The rule is silent where gosu or su-exec gives root up when the container starts.",
	Bad:  "FROM debian:12\nCMD [\"/app\"]",
	Good: "FROM debian:12\nUSER 65532\nCMD [\"/app\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		e := s.After()
		if !s.Final || e.User.Set || e.Known || s.From == nil || saysNonRoot(s) || stepsDown(s) {
			return
		}
		if isWindowsStage(s) {
			p.Report(lint.At(s.ImageText), "USER is not said, and that of %s is not known: say it, ContainerUser where nothing needs an administrator", s.Image)
			return
		}
		p.Report(lint.At(s.ImageText), "USER is not said, and that of %s is not known: say it, with a number", s.Image)
	},
}

// saysNonRoot says whether the image that a stage stands on is by its tag one that is not root.
func saysNonRoot(s *lint.Stage) bool {
	for s.Parent != nil {
		s = s.Parent
	}
	return nameHas(s.Resolved, "nonroot", "rootless", "unprivileged", "chiseled")
}

// stepDownTools are programs that run another one as a user that is not root.
var stepDownTools = []string{"gosu", "su-exec"}

// stepsDown says whether the image has a tool with which its entrypoint, that starts as root, becomes another user.
func stepsDown(s *lint.Stage) (yes bool) {
	for ; s != nil; s = s.Parent {
		eachInner(s, func(in *syntax.Instruction) {
			yes = yes || anyIn(in, stepDownTools)
		}, "RUN", "COPY", "ADD", "ENTRYPOINT", "CMD")
	}
	return yes
}
