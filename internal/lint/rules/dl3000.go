package rules

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3000 = &lint.Rule{
	Code: "DL3000", Title: "WORKDIR is not absolute", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0009", "checkov:CKV_DOCKER_10", "buildkit:WorkdirRelativePath"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3000",
	Why: "A relative WORKDIR depends on the one before it, which may be the parent image's: the folder moves when that does. " +
		"An absolute path says where it is.",
	Bad:  "FROM debian:12\nWORKDIR app",
	Good: "FROM debian:12\nWORKDIR /app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, in := range s.Find("WORKDIR") {
			dir := syntax.Unquote(in.Args.S, p.File.Escape)
			if dir == "" || path.IsAbs(dir) || strings.HasPrefix(dir, "$") || isWindowsPath(dir) {
				continue
			}
			p.Report(lint.At(in.Args), "WORKDIR %s is not absolute: it depends on the WORKDIR before it", dir)
		}
	},
}

// isWindowsPath says whether a path begins with a drive.
func isWindowsPath(s string) bool {
	return len(s) > 1 && s[1] == ':' && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z')
}
