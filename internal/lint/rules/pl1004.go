package rules

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var pl1004 = &lint.Rule{
	Code: "PL1004", Title: "WORKDIR is a folder of the system", Severity: lint.Warning, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0030"},
	Source:  "https://docs.docker.com/reference/dockerfile/#workdir",
	Why: "Relative paths of later steps, and all that a program writes in its own folder, land among the system's files: they may " +
		"overwrite programs and settings, and what is written to /proc, /sys or /dev is not in the image at all. A folder of the " +
		"application's own keeps them apart.",
	Bad:  "FROM debian:12\nWORKDIR /usr/bin",
	Good: "FROM debian:12\nWORKDIR /opt/app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for i, in := range s.Instructions {
			dir := ""
			switch {
			case in.Keyword == "WORKDIR":
				dir = s.Before(i + 1).Workdir.S
			case in.Inner != nil && in.Inner.Keyword == "WORKDIR":
				// where a relative path of a trigger leads is seen in the next build only
				in = in.Inner
				dir = lint.Expand(syntax.Unquote(in.Args.S, p.File.Escape), s.Before(i).Lookup)
			}
			if isSystemFolder(dir) {
				p.Report(lint.At(in.Args), "WORKDIR %s is a folder of the system: use one of the application's own, such as /app", dir)
			}
		}
	},
}

// isSystemFolder says whether a path is one of the system's folders, or is below one that holds no
// files of a disk.
func isSystemFolder(dir string) bool {
	if !path.IsAbs(dir) {
		return false
	}
	dir = path.Clean(dir)
	switch dir {
	case "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/usr", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/run", "/var", "/var/run", "/var/lib", "/lost+found":
		return true
	}
	for _, top := range []string{"/proc", "/sys", "/dev", "/boot"} {
		if dir == top || strings.HasPrefix(dir, top+"/") {
			return true
		}
	}
	return false
}
