package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// givesOneWord says whether the output of a command is one plain word by what the command is: a number, an
// architecture, the name of a new file.
func (t *shellTree) givesOneWord(n *syntax.CmdSubst) bool {
	if len(n.Stmts) != 1 || len(n.Stmts[0].Redirs) > 0 {
		return false
	}
	call, ok := n.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	c := t.command(call)
	args := wordTexts(c.Args())
	first := ""
	if len(args) > 0 {
		first = args[0]
	}
	switch c.Base() {
	case "nproc", "arch", "whoami", "getconf":
		return true
	case "uname":
		return len(args) == 0 || len(args) == 1 && len(first) == 2 && first != "-a"
	case "mktemp": // its folder is TMPDIR or /tmp, which have no blanks in a build
		return true
	case "id":
		return strings.HasPrefix(first, "-u") || strings.HasPrefix(first, "-g")
	case "dpkg":
		return first == "--print-architecture"
	case "dpkg-architecture":
		return strings.HasPrefix(first, "-q") || first == "--query"
	case "lsb_release":
		return first == "-cs" || first == "-rs" || first == "-is" || first == "-sc" || first == "-sr"
	case "date":
		return len(args) == 1 && strings.HasPrefix(first, "+") && !strings.ContainsAny(first, " *?[") && !strings.Contains(first, "%c")
	}
	return false
}
