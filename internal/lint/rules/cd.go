package rules

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// lastingCD is the first cd of a step that holds for what comes behind it, and names a folder that WORKDIR could name:
// it is not over at the end of a subshell or with a cd back, and its folder neither gets its name in this step nor is
// deleted by it.
func lastingCD(run *lint.Run) (first program, found bool) {
	var since []program // the last cd back, or the beginning
	away := false
	for c := range programs(run) {
		switch c.name() {
		case "cd":
			switch {
			case inSubshell(c.command):
			case away && goesBack(c):
				since, away = nil, false
			default:
				away = true
				if !isNamedHere(c) {
					since = append(since, c)
				}
			}
		case "rm":
			kept := since[:0]
			for _, cd := range since {
				if !deletesFolder(c, cd) {
					kept = append(kept, cd)
				}
			}
			since = kept
		}
	}
	if len(since) == 0 {
		return first, false
	}
	return since[0], true
}

// goesBack says whether a cd leaves the folder of the one before it for the root, the folder it came from, or a parent.
func goesBack(c program) bool {
	if len(c.words) != 2 {
		return len(c.words) == 1
	}
	switch dir := c.words[1].S; dir {
	case "-", "/", "~", "$OLDPWD", "${OLDPWD}", "$HOME":
		return true
	default:
		return strings.Trim(dir, "./") == ""
	}
}

// isNamedHere says whether the folder of a cd gets its name while the step runs: cd "$(mktemp -d)", or a variable that
// has the output of a command.
func isNamedHere(c program) bool {
	if len(c.words) != 2 || c.words[1].Literal {
		return false
	}
	dir := c.words[1].S
	if strings.Contains(dir, "$(") || strings.Contains(dir, "`") {
		return true
	}
	script := c.command.Script
	if c.command.Call == nil || script.Tree == nil {
		return false
	}
	names := lint.Variables(dir)
	found := false
	syntax.Walk(script.Tree, func(n syntax.Node) bool {
		if a, ok := n.(*syntax.Assign); ok && a.Name != nil && a.Value != nil && strings.Contains(script.Span(a.Value).S, "$(") {
			for _, name := range names {
				found = found || name == a.Name.Value
			}
		}
		return !found
	})
	return found
}

// deletesFolder says whether rm deletes the folder that a cd went to, or one above it.
func deletesFolder(rm, cd program) bool {
	if len(cd.words) != 2 || !rm.recursive() {
		return false
	}
	dir := path.Clean(cd.words[1].S)
	for _, w := range rm.words[1:] {
		for _, target := range braces(w.S) {
			target = strings.TrimPrefix(path.Clean(target), "../")
			if target == dir || strings.HasPrefix(dir, target+"/") || strings.HasPrefix(target, "/") && target != "/*" && covers(target, dir) {
				return true
			}
		}
	}
	return false
}

// inSubshell says whether a command is in parentheses, or in a substitution.
func inSubshell(c *shellscript.Command) (found bool) {
	if c.Call == nil {
		return false
	}
	syntax.Walk(c.Script.Tree, func(n syntax.Node) bool {
		switch n.(type) {
		case nil:
			return false
		case *syntax.Subshell, *syntax.CmdSubst:
			found = found || n.Pos().Offset() <= c.Call.Pos().Offset() && c.Call.End().Offset() <= n.End().Offset()
		}
		return !found
	})
	return found
}
