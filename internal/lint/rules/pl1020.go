package rules

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var pl1020 = &lint.Rule{
	Code: "PL1020", Title: "setuid or setgid bit on a program", Severity: lint.Warning, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"dockle:CIS-DI-0008", "docker-bench:4.8"},
	Source:  "https://docs.docker.com/engine/security/",
	Why: "A program with the setuid bit runs as its owner, mostly root, whoever starts it: a mistake in it gives root to the user that " +
		"the container runs as. Capabilities (`setcap`) give only what is needed, or the step that needs root is done while the image " +
		"is built.",
	Bad:  "FROM debian:12\nRUN chmod u+s /usr/local/bin/app",
	Good: "FROM debian:12\nRUN setcap cap_net_bind_service=+ep /usr/local/bin/app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachMode(s, func(m modeSet) {
			if !m.Setuid && !m.Setgid || m.Folders || onFolders(s, m) {
				return
			}
			bit := "setuid"
			if !m.Setuid {
				// a folder with the setgid bit only hands its group on to new files
				if bit = "setgid"; m.Recursive || len(m.Targets) == 0 || !isProgramPath(m.Targets[0]) {
					return
				}
			}
			p.Report(lint.At(m.Text), "%s %s sets the %s bit%s: whoever starts it gets its owner's rights, give it capabilities instead", m.By, strings.TrimPrefix(m.Written, m.By), bit, m.on())
		})
	},
}

// onFolders says whether all files that get a mode are known to be folders.
func onFolders(s *lint.Stage, m modeSet) bool {
	for _, t := range m.Targets {
		if !madeFolder(s, t) {
			return false
		}
	}
	return len(m.Targets) > 0
}

// isProgramPath says whether a file is in a folder for programs.
func isProgramPath(file string) bool {
	switch path.Base(path.Dir(file)) {
	case "bin", "sbin", "libexec", "games":
		return true
	}
	return false
}
