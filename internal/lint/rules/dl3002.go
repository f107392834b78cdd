package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3002 = &lint.Rule{
	Code: "DL3002", Title: "The last USER is root", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0002", "checkov:CKV_DOCKER_8"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3002",
	Why: "What breaks out of a process that is root is root in the container, and closer to being root on the host. Steps that need root may have it: " +
		"switch back to another user behind them. The hadolint profile looks at each stage, the others at what the image that is built has in the end.",
	Bad:  "FROM debian:12\nUSER root\nRUN make install",
	Good: "FROM debian:12\nUSER root\nRUN make install\nUSER app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if in := lastRoot(p, s); in != nil {
			p.Report(lint.At(in.Args), "the last USER is root: switch to another user behind what needs root")
		}
	},
}

// lastRoot is the USER that makes a stage root in the end, nil for none.
func lastRoot(p *lint.Pass, s *lint.Stage) *syntax.Instruction {
	if p.Options.Hadolint {
		return lastUserIfRoot(s, p.File.Escape)
	}
	if user := s.After().User; s.Final && user.In != nil && user.S != "" && lint.IsRoot(user.S) {
		return user.In // of this stage, or of one that it stands on
	}
	return nil
}

// lastUserIfRoot is the last USER of a stage if it is written there that it is root.
func lastUserIfRoot(s *lint.Stage, escape byte) *syntax.Instruction {
	var last *syntax.Instruction
	eachTriggered(s, func(_ int, in *syntax.Instruction) { last = in }, "USER")
	if last == nil {
		return nil
	}
	if user := syntax.Unquote(last.Args.S, escape); user == "" || !lint.IsRoot(user) {
		return nil
	}
	return last
}
