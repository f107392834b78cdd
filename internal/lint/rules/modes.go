package rules

import (
	"slices"
	"strconv"
	"strings"

	dockerfile "github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// fileMode is the bits that a mode sets.
type fileMode struct{ Setuid, Setgid, Sticky, OtherWrite bool }

// readMode reads a mode as chmod takes it: 4755, or u+s,o-w.
func readMode(s string) (m fileMode, ok bool) {
	if s == "" {
		return m, false
	}
	if n, err := strconv.ParseUint(s, 8, 16); err == nil {
		return fileMode{n&0o4000 != 0, n&0o2000 != 0, n&0o1000 != 0, n&0o2 != 0}, true
	}
	for clause := range strings.SplitSeq(s, ",") {
		i := strings.IndexAny(clause, "+-=")
		if i < 0 || strings.Trim(clause[:i], "ugoa") != "" {
			return m, false
		}
		who, add := clause[:i], false
		for _, c := range clause[i:] {
			switch c {
			case '+', '=':
				add = true
			case '-':
				add = false
			case 's':
				m.Setuid = m.Setuid || add && (who == "" || strings.ContainsAny(who, "ua"))
				m.Setgid = m.Setgid || add && (who == "" || strings.ContainsAny(who, "ga"))
			case 't':
				m.Sticky = m.Sticky || add
			case 'w':
				// without a letter for whom, the umask takes the bit away
				m.OtherWrite = m.OtherWrite || add && strings.ContainsAny(who, "oa")
			case 'r', 'x', 'X', 'u', 'g', 'o':
			default:
				return m, false
			}
		}
	}
	return m, true
}

// modeSet is a place where files get a mode.
type modeSet struct {
	fileMode
	By        string // chmod, install, mkdir, dpkg-statoverride, COPY, ADD
	Written   string // the mode as it is written
	Text      dockerfile.Text
	Targets   []string // the files, as they are written
	Recursive bool
	Folders   bool // they are folders
	command   *shellscript.Command
}

// eachMode calls fn for each mode in a stage that is known.
func eachMode(s *lint.Stage, fn func(modeSet)) {
	onFolders := false // of the find that runs the next commands
	eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
		m, ok := commandMode(c)
		if !ok {
			onFolders = findsFolders(c)
			return
		}
		m.Folders = m.Folders || onFolders && slices.Contains(m.Targets, "{}")
		if m.fileMode, ok = readMode(m.Written); ok {
			fn(m)
		}
	})
	eachInner(s, func(in *dockerfile.Instruction) {
		f, ok := in.Flag("chmod")
		if !ok {
			return
		}
		m := modeSet{By: in.Keyword, Written: f.Value, Text: f.Text}
		if fields := in.Args.Fields(); len(fields) > 0 {
			m.Targets = []string{strings.Trim(fields[len(fields)-1].S, `"]`)}
		}
		if m.fileMode, ok = readMode(f.Value); ok {
			fn(m)
		}
	}, "COPY", "ADD")
}

// findsFolders says whether a command is a find that finds nothing but folders.
func findsFolders(c *shellscript.Command) bool {
	if !runsProgram(c, "find") {
		return false
	}
	kind, ok := c.FlagValue("-type")
	return ok && kind.S == "d"
}

// commandMode finds the mode in a command that sets one.
func commandMode(c *shellscript.Command) (m modeSet, ok bool) {
	m.By, m.command = c.Base(), c
	var word shellscript.Word
	var targets []shellscript.Word
	switch m.By {
	case "chmod":
		operands := c.Operands()
		if len(operands) == 0 || !operands[0].Literal || c.HasFlag("--reference") {
			return m, false
		}
		word, targets = operands[0], operands[1:]
		m.Written, m.Recursive = word.S, c.HasFlag("-R", "--recursive")
	case "install":
		if word, ok = modeFlag(c, "mogSt"); !ok || !word.Literal {
			return m, false
		}
		m.Written, targets = word.S, c.Operands("-m", "--mode", "-o", "--owner", "-g", "--group", "-S", "--suffix", "-t", "--target-directory")
		if m.Folders = c.HasFlag("-d", "--directory"); !m.Folders && len(targets) > 1 {
			targets = targets[len(targets)-1:]
		}
	case "mkdir":
		if word, ok = modeFlag(c, "m"); !ok || !word.Literal {
			return m, false
		}
		m.Written, m.Folders, targets = word.S, true, c.Operands("-m", "--mode")
	case "dpkg-statoverride":
		// --add USER GROUP MODE FILE
		operands := c.Operands()
		if len(operands) != 4 || !operands[2].Literal || !c.Has("--add") {
			return m, false
		}
		word, targets = operands[2], operands[3:]
		m.Written = word.S
	default:
		return m, false
	}
	m.Text = word.Text
	for _, t := range targets {
		if t.Text.Offset(0) == word.Text.Offset(0) {
			continue // the mode itself, behind letters such as -pm
		}
		m.Targets = append(m.Targets, t.S)
	}
	return m, true
}

// modeFlag finds the mode of install or mkdir, also among other letters: -Dm755. The letters in valued take a value.
func modeFlag(c *shellscript.Command, valued string) (shellscript.Word, bool) {
	if w, ok := c.FlagValue("-m", "--mode"); ok {
		return w, true
	}
	_, w, ok := letterFlag(c, 'm', valued)
	return w, ok
}

// on says what a mode is set on, for a message.
func (m modeSet) on() string {
	switch len(m.Targets) {
	case 0:
		return ""
	case 1:
		return " on " + m.Targets[0]
	}
	return " on " + m.Targets[0] + " and others"
}

// madeFolder says whether a path is known to be a folder, because the stage makes it or works in it.
func madeFolder(s *lint.Stage, dir string) bool {
	if strings.HasSuffix(dir, "/") {
		return true
	}
	found := false
	eachInner(s, func(in *dockerfile.Instruction) {
		for _, f := range in.Args.Fields() {
			found = found || strings.TrimRight(strings.Trim(f.S, `"[],`), "/") == dir
		}
	}, "WORKDIR", "VOLUME")
	s.Commands(func(_ *lint.Run, c *shellscript.Command) {
		c = unwrap(c)
		if !runsProgram(c, "mkdir") && !(runsProgram(c, "install") && c.HasFlag("-d", "--directory")) {
			return
		}
		for _, w := range c.Operands("-m", "--mode", "-o", "-g") {
			made := strings.TrimRight(w.S, "/")
			found = found || made == dir || strings.HasPrefix(made, dir+"/")
		}
	})
	return found
}
