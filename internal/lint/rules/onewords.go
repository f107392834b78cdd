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
	if printsWord(n.Stmts) {
		return true
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

// printsWord says whether statements are an echo of one plain word, or a choice among such.
func printsWord(list []*syntax.Stmt) bool {
	if len(list) != 1 {
		return false
	}
	switch n := list[0].Cmd.(type) {
	case *syntax.CallExpr:
		return len(n.Args) == 2 && n.Args[0].Lit() == "echo" && isPlainWord(n.Args[1])
	case *syntax.CaseClause:
		for _, item := range n.Items {
			if !printsWord(item.Stmts) {
				return false
			}
		}
		return len(n.Items) > 0
	case *syntax.IfClause:
		for part := n; part != nil; part = part.Else {
			if !printsWord(part.Then) {
				return false
			}
			if part.Else == nil { // without an else nothing may be printed
				return part.ThenPos == syntax.Pos{}
			}
		}
	}
	return false
}

// isPlainWord says whether a word is text without blanks and patterns, in quotes or not.
func isPlainWord(w *syntax.Word) bool {
	if len(w.Parts) != 1 {
		return false
	}
	text := w.Lit()
	switch p := w.Parts[0].(type) {
	case *syntax.SglQuoted:
		text = p.Value
	case *syntax.DblQuoted:
		if len(p.Parts) != 1 {
			return false
		}
		lit, ok := p.Parts[0].(*syntax.Lit)
		if !ok {
			return false
		}
		text = lit.Value
	}
	return textState(text) == stateWord
}
