package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1025 = &lint.Rule{
	Code: "PL1025", Title: "files that everybody may change", Severity: lint.Warning, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://man7.org/linux/man-pages/man1/chmod.1.html",
	Why: "With mode 777 or `a+w` each user and each process in the container may replace the file, also a program that root runs later. " +
		"A mode for the owner or a group (`--chown`, 775, 1777 for a shared folder) is enough.",
	Bad:  "FROM debian:12\nRUN mkdir /data && chmod 777 /data",
	Good: "FROM debian:12\nRUN mkdir /data && chown 1000 /data && chmod 755 /data",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachMode(s, func(m modeSet) {
			if !m.OtherWrite || m.Sticky || isDevice(m.Targets) || notForLong(m) {
				return
			}
			how := "everybody may change it"
			if m.Recursive {
				how = "everybody may change all that is in there"
			}
			p.Report(lint.At(m.Text), "%s %s%s: %s, give it to its user with chown, or to a group", m.By, strings.TrimPrefix(m.Written, m.By), m.on(), how)
		})
	},
}

// isDevice says whether all of the files are devices, which are there for everybody.
func isDevice(files []string) bool {
	for _, f := range files {
		if !strings.HasPrefix(f, "/dev/") {
			return false
		}
	}
	return len(files) > 0
}

// notForLong says whether the same script removes the files again, or gives them another mode.
func notForLong(m modeSet) bool {
	if m.command == nil || len(m.Targets) == 0 {
		return false
	}
	left := slices.Clone(m.Targets)
	after := false
	for _, c := range m.command.Script.Commands {
		if !after {
			after = c.Call != nil && c.Call == m.command.Call
			continue
		}
		c = unwrap(c)
		later, isMode := commandMode(c)
		switch {
		case isMode:
			mode, ok := readMode(later.Written)
			isMode = ok && !mode.OtherWrite && strings.Trim(later.Written, "01234567") == ""
		case !runsProgram(c, "rm"):
			continue
		}
		left = slices.DeleteFunc(left, func(t string) bool {
			return slices.ContainsFunc(c.Operands(), func(w shellscript.Word) bool {
				return w.S == t || runsProgram(c, "rm") && strings.HasPrefix(t, strings.TrimRight(strings.TrimSuffix(w.S, "/*"), "/")+"/")
			}) && (isMode || runsProgram(c, "rm"))
		})
	}
	return len(left) == 0
}
