package rules

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3000 = &lint.Rule{
	Code: "DL3000", Title: "WORKDIR is not absolute", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0009", "checkov:CKV_DOCKER_10", "buildkit:WorkdirRelativePath"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3000",
	Why: "A relative WORKDIR depends on the one before it, which may be the parent image's: the folder moves when that does. " +
		"An absolute path says where it is.",
	Bad:  "FROM debian:12\nWORKDIR app",
	Good: "FROM debian:12\nWORKDIR /app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachTriggered(s, func(i int, in *syntax.Instruction) {
			dir := syntax.Unquote(in.Args.S, p.File.Escape)
			if dir == "" || isAbsolute(dir, p.File.Escape) || strings.HasPrefix(dir, "$") {
				return
			}
			f := p.Report(lint.At(in.Args), "WORKDIR %s is not absolute: it depends on the WORKDIR before it", dir)
			if before := s.Before(i).Workdir; in.Onbuild == nil && plainPath(in.Args.S) && path.IsAbs(before.S) && plainPath(before.S) {
				f.WithFix("write the whole path", lint.Replace(in.Args, path.Join(before.S, dir)))
			}
		}, "WORKDIR")
	},
}

// plainPath says whether a path has nothing in it that a builder or a shell reads as something else.
func plainPath(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+@", r))
	}) < 0
}
