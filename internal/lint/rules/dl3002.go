package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3002 = &lint.Rule{
	Code: "DL3002", Title: "The last USER is root", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0002", "checkov:CKV_DOCKER_8", "dockle:CIS-DI-0001", "docker-bench:4.1"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3002",
	Why: "The last USER is who the container runs as. As root, a hole in the program is a hole in the whole container, and often a way out of it. " +
		"Switch back to another user behind the steps that need root. A stage that others only take files from may end as root.",
	Bad:  "FROM debian:12\nUSER root\nCMD [\"app\"]",
	Good: "FROM debian:12\nUSER root\nRUN apt-get update\nUSER 1000\nCMD [\"app\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if in := lastUser(s, false); in != nil && isRootUser(in) && endsAsImage(p.Doc, s) {
			p.Report(lint.At(in.Args), "the last USER is %s: switch to another user behind what needs root", in.Args.S)
		}
		if in := lastUser(s, true); in != nil && isRootUser(in) {
			p.Report(lint.At(in.Args), "ONBUILD leaves images that stand on this one with the USER %s", in.Args.S)
		}
	},
}

// lastUser is the last USER of a stage itself, or the last one that ONBUILD triggers.
func lastUser(s *lint.Stage, onbuild bool) *syntax.Instruction {
	for _, in := range slices.Backward(s.Instructions) {
		if last := triggered(in); last.Keyword == "USER" && (last != in) == onbuild {
			return last
		}
	}
	return nil
}

func isRootUser(in *syntax.Instruction) bool {
	user := syntax.Unquote(in.Args.S, in.File().Escape)
	name, _, _ := strings.Cut(user, ":")
	return name != "" && lint.IsRoot(name)
}

// endsAsImage says whether the USER that a stage ends with is that of an image: of its own, or of a stage
// that stands on it and has no USER. A stage that only gives files to others is no image.
func endsAsImage(d *lint.Doc, s *lint.Stage) bool {
	if s.Final {
		return true
	}
	heirs := false
	for _, t := range d.Stages[s.Index+1:] {
		if t.Parent == s {
			heirs = true
			if lastUser(t, false) == nil && endsAsImage(d, t) {
				return true
			}
		}
	}
	return !heirs && !givesFiles(d, s)
}

// givesFiles says whether a later stage takes files from a stage.
func givesFiles(d *lint.Doc, s *lint.Stage) bool {
	for _, t := range d.Stages[s.Index+1:] {
		for _, in := range t.Instructions {
			for _, source := range lint.Sources(in) {
				if d.SourceStage(t, source.Value) == s {
					return true
				}
			}
		}
	}
	return false
}
