package rules

import (
	"path"
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
			if !m.OtherWrite || m.Sticky || isDevice(m.Targets) || isNode(m) || notForLong(m) {
				return
			}
			how := "everybody may change it"
			if m.Recursive {
				how = "everybody may change all that is in there"
			}
			p.Report(lint.At(m.Text), "%s %s%s: %s, %s", m.By, m.Written, m.on(), how, narrower(s, m))
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

// isNode says whether the same script makes all of the files as pipes or devices: what is written into one changes no file.
func isNode(m modeSet) bool {
	if m.command == nil || len(m.Targets) == 0 || m.Recursive {
		return false
	}
	for _, t := range m.Targets {
		if !slices.ContainsFunc(m.command.Script.Commands, func(c *shellscript.Command) bool { return makesNode(unwrap(c), t) }) {
			return false
		}
	}
	return true
}

func makesNode(c *shellscript.Command, name string) bool {
	return runsProgram(c, "mkfifo", "mknod") && slices.ContainsFunc(c.Operands("-m", "--mode"), func(w shellscript.Word) bool { return w.S == name })
}

// narrower says which mode or owner is enough.
func narrower(s *lint.Stage, m modeSet) string {
	switch {
	case m.Recursive || len(m.Targets) == 0:
	case isShared(m.Targets):
		return "1777 is the mode of a folder that all share"
	case m.Folders || len(m.Targets) == 1 && madeFolder(s, m.Targets[0]):
		return "give it to its user with chown, or to a group, or 1777 where all share it"
	}
	return "give it to its user with chown, or to a group"
}

// isShared says whether all of the files are folders that every user of a system writes to.
func isShared(files []string) bool {
	for _, f := range files {
		switch strings.TrimSuffix(f, "/") {
		case "/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/var/lock":
		default:
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
			isMode = protects(later.Written)
		case !runsProgram(c, "rm"):
			continue
		}
		left = slices.DeleteFunc(left, func(t string) bool {
			return slices.ContainsFunc(c.Operands(), func(w shellscript.Word) bool {
				return path.Clean(w.S) == path.Clean(t) || runsProgram(c, "rm") && strings.HasPrefix(t, strings.TrimRight(strings.TrimSuffix(w.S, "/*"), "/")+"/")
			}) && (isMode || runsProgram(c, "rm"))
		})
	}
	return len(left) == 0
}

// protects says whether a mode takes the right to change a file away from others, or sets the sticky bit.
func protects(mode string) bool {
	m, ok := readMode(mode)
	if !ok {
		return false
	}
	if strings.Trim(mode, "01234567") == "" {
		return !m.OtherWrite
	}
	if m.Sticky {
		return true
	}
	for clause := range strings.SplitSeq(mode, ",") {
		i := strings.IndexAny(clause, "-=")
		if i < 0 || !strings.ContainsAny(clause[:i], "oa") {
			continue
		}
		if w := strings.Contains(clause[i:], "w"); w == (clause[i] == '-') {
			return true
		}
	}
	return false
}
