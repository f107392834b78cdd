package rules

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// shellTree is a script of a RUN step with each node's way up, so that a rule finds the nodes of
// one kind without a walk of its own and can ask where one stands.
type shellTree struct {
	*shellscript.Script
	run      *lint.Run
	hadolint bool // it is looked at as hadolint does
	posix    bool // it is read by a shell that may have no more than POSIX says
	busybox  bool // which is busybox's, as far as the image's name tells
	dash     bool // it is for an sh that is dash, as far as image and package manager tell
	nodes    []shellNode
	kinds    [kindCount][]int // indexes in nodes, in the order in which they are written
	off      []disabled       // what comments in the script switch off
	calls    map[*syntax.CallExpr]*shellscript.Command
	words    *wordFlow      // made when it is first asked for
	names    *variableNames // likewise
}

type shellNode struct {
	node syntax.Node
	up   int // index of its parent, top for none
}

const top = -1

// kind tells the nodes that rules look for.
type kind uint8

const (
	kindParam kind = iota
	kindSubst
	kindSingle
	kindDouble
	kindBinary
	kindCall
	kindDecl
	kindAssign
	kindFor
	kindRedirect
	kindTest
	kindStmt
	kindProc
	kindArithmCmd
	kindWord
	kindCount
)

func kindOf(n syntax.Node) kind {
	switch n.(type) {
	case *syntax.ParamExp:
		return kindParam
	case *syntax.CmdSubst:
		return kindSubst
	case *syntax.SglQuoted:
		return kindSingle
	case *syntax.DblQuoted:
		return kindDouble
	case *syntax.BinaryCmd:
		return kindBinary
	case *syntax.CallExpr:
		return kindCall
	case *syntax.DeclClause:
		return kindDecl
	case *syntax.Assign:
		return kindAssign
	case *syntax.ForClause:
		return kindFor
	case *syntax.Redirect:
		return kindRedirect
	case *syntax.TestClause:
		return kindTest
	case *syntax.Stmt:
		return kindStmt
	case *syntax.ProcSubst:
		return kindProc
	case *syntax.ArithmCmd:
		return kindArithmCmd
	case *syntax.Word:
		return kindWord
	}
	return kindCount
}

type shellTreesKey struct{}

// shellTrees are the scripts of all RUN steps that a shell reads. They are made once for a Dockerfile.
func shellTrees(d *lint.Doc) []*shellTree {
	return d.Once(shellTreesKey{}, func() any {
		var out []*shellTree
		for _, s := range d.Stages {
			busybox := shIsBusybox(s)
			bash, dash := false, false
			if !d.Options.Hadolint { // which takes each sh for any POSIX shell
				bash, dash = shOf(s)
			}
			for _, run := range s.Runs() {
				for _, script := range run.Scripts {
					if script.Dialect == shellscript.Zsh || script.Tree == nil && script.Err == nil {
						continue
					}
					t := newShellTree(script, run)
					t.hadolint = d.Options.Hadolint
					sh := script.Dialect == shellscript.Sh
					t.posix, t.busybox, t.dash = sh && !bash, busybox, sh && dash
					out = append(out, t)
				}
			}
		}
		return out
	}).([]*shellTree)
}

func newShellTree(script *shellscript.Script, run *lint.Run) *shellTree {
	t := &shellTree{Script: script, run: run}
	if script.Tree == nil {
		return t
	}
	at := top
	syntax.Walk(script.Tree, func(n syntax.Node) bool {
		if n == nil {
			at = t.nodes[at].up
		} else {
			at = t.add(n, at)
		}
		return true
	})
	return t
}

// add takes a node whose parent has the index up, and gives its own.
func (t *shellTree) add(n syntax.Node, up int) int {
	at := len(t.nodes)
	t.nodes = append(t.nodes, shellNode{n, up})
	if k := kindOf(n); k < kindCount {
		t.kinds[k] = append(t.kinds[k], at)
	}
	if stmt, ok := n.(*syntax.Stmt); ok {
		t.directives(stmt, t.parent(at))
	}
	return at
}

// disabled is a part of a script where a comment "shellcheck disable=" switches codes off.
type disabled struct {
	lint.Span
	codes []string
}

// directives reads the comments above a statement. Those above the first one are for the whole script.
func (t *shellTree) directives(s *syntax.Stmt, above syntax.Node) {
	for _, c := range s.Comments {
		rest, ok := strings.CutPrefix(strings.TrimSpace(c.Text), "shellcheck ")
		if !ok {
			continue
		}
		for _, field := range strings.Fields(rest) {
			list, ok := strings.CutPrefix(field, "disable=")
			if !ok {
				continue
			}
			span := t.at(s)
			if file, ok := above.(*syntax.File); ok && file.Stmts[0] == s {
				span = lint.At(t.Text)
			}
			t.off = append(t.off, disabled{span, strings.Split(list, ",")})
		}
	}
}

// report adds a finding, unless a comment in the script switches the rule off there.
func (t *shellTree) report(p *lint.Pass, at lint.Span, format string, args ...any) *lint.Finding {
	for _, d := range t.off {
		if d.From <= at.From && at.From < d.To && (slices.Contains(d.codes, p.Rule.Code) || slices.Contains(d.codes, "all")) {
			return p.Finding(p.Rule, at, "")
		}
	}
	return p.Report(at, format, args...)
}

// eachShell calls fn for each script that could be read.
func eachShell(p *lint.Pass, fn func(*shellTree)) {
	for _, t := range shellTrees(p.Doc) {
		if t.Tree != nil {
			fn(t)
		}
	}
}

// eachSh calls fn for each script that is not sure to be read by more than a POSIX shell.
func eachSh(p *lint.Pass, fn func(*shellTree)) {
	eachShell(p, func(t *shellTree) {
		if t.posix {
			fn(t)
		}
	})
}

// each calls fn for the nodes of one kind.
func each[T syntax.Node](t *shellTree, k kind, fn func(i int, n T)) {
	for _, i := range t.kinds[k] {
		fn(i, t.nodes[i].node.(T))
	}
}

// parent is the node above one, nil at the top.
func (t *shellTree) parent(i int) syntax.Node {
	if up := t.nodes[i].up; up != top {
		return t.nodes[up].node
	}
	return nil
}

// at is the span of a node.
func (t *shellTree) at(n syntax.Node) lint.Span { return lint.At(t.Span(n)) }

// token is the span of what the script has at a place.
func (t *shellTree) token(at syntax.Pos, text string) lint.Span {
	from := int(at.Offset())
	return lint.At(t.Text.Slice(from, from+len(text)))
}

// place is what the shell does with a word.
type place uint8

const (
	placeOther    place = iota // it is not split, or it is meant to be
	placeName                  // the name of a command
	placeArg                   // an argument of a command
	placeRedirect              // the target of a redirection
	placeDeclared              // the value in export NAME=value
)

// unquoted tells where an expansion stands that is neither in quotes nor inside of another expansion, and the word
// that it is a part of. It is placeOther for those whose value is not split.
func (t *shellTree) unquoted(i int) (where place, word *syntax.Word, above int) {
	up := t.nodes[i].up
	above = t.nodes[up].up
	word, ok := t.nodes[up].node.(*syntax.Word)
	if !ok {
		return placeOther, nil, above
	}
	switch n := t.nodes[above].node.(type) {
	case *syntax.CallExpr:
		if n.Args[0] == word {
			return placeName, word, above
		}
		return placeArg, word, above
	case *syntax.Redirect:
		if n.Hdoc == nil {
			return placeRedirect, word, above
		}
	case *syntax.Assign:
		if _, ok := t.parent(above).(*syntax.DeclClause); ok {
			return placeDeclared, word, above
		}
	}
	return placeOther, word, above
}

// inCondition says whether a statement's result is looked at: in if, while, behind !, left of && or ||,
// also when it is one of several there.
func (t *shellTree) inCondition(i int) bool {
	for ; t.nodes[i].up != top; i = t.nodes[i].up {
		below := t.nodes[i].node
		switch n := t.parent(i).(type) {
		case *syntax.IfClause:
			if containsStmt(n.Cond, below) {
				return true
			}
		case *syntax.WhileClause:
			if containsStmt(n.Cond, below) {
				return true
			}
		case *syntax.BinaryCmd:
			if (n.Op == syntax.AndStmt || n.Op == syntax.OrStmt) && n.X == below {
				return true
			}
		case *syntax.FuncDecl:
			return false
		}
	}
	return false
}

func containsStmt(list []*syntax.Stmt, s syntax.Node) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// command is the simple command of a call.
func (t *shellTree) command(n *syntax.CallExpr) *shellscript.Command {
	if t.calls == nil {
		t.calls = make(map[*syntax.CallExpr]*shellscript.Command, len(t.Commands))
		for _, c := range t.Commands {
			t.calls[c.Call] = c
		}
	}
	return t.calls[n]
}

// eachCommand calls fn for each simple command with one of these names.
func (t *shellTree) eachCommand(fn func(*shellscript.Command), names ...string) {
	for _, c := range t.Commands {
		name := c.Name()
		for _, n := range names {
			if name == n {
				fn(c)
			}
		}
	}
}

// errExit says whether the script ends at the first command that fails: set -e, set -o errexit, in SHELL as well.
func (t *shellTree) errExit() bool {
	found := false
	t.eachCommand(func(c *shellscript.Command) {
		for i, w := range c.Args() {
			if isShortFlag(w.S, 'e') || w.S == "errexit" && i > 0 && isShortFlag(c.Args()[i-1].S, 'o') {
				found = true
			}
		}
	}, "set")
	if !t.run.Exec {
		for _, w := range t.run.Before.Shell {
			if isShortFlag(w, 'e') || w == "errexit" {
				found = true
			}
		}
	}
	if line, _, _ := strings.Cut(t.Text.S, "\n"); strings.HasPrefix(line, "#!") {
		for _, w := range strings.Fields(line) {
			if isShortFlag(w, 'e') {
				found = true
			}
		}
	}
	return found
}

// isShortFlag says whether a letter is among those behind one dash.
func isShortFlag(word string, letter byte) bool {
	return len(word) > 1 && word[0] == '-' && word[1] != '-' && strings.IndexByte(word, letter) != -1
}

// literal is a word's value if nothing in it is expanded.
func literal(t *shellTree, w *syntax.Word) (string, bool) {
	if w == nil {
		return "", true
	}
	word := t.Word(w)
	return word.S, word.Literal
}

// hasGlob says whether a word has a glob character outside of quotes.
func hasGlob(w *syntax.Word) bool {
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			if globs(p.Value) {
				return true
			}
		case *syntax.ExtGlob:
			return true
		}
	}
	return false
}

// globs says whether a literal has a glob character.
func globs(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '*', '?':
			return true
		case '[':
			if strings.IndexByte(s[i:], ']') > 1 {
				return true
			}
		}
	}
	return false
}

// braceAt is where a word has a brace expansion, as {a,b} or {1..3}, in bytes of its text.
func braceAt(t *shellTree, w *syntax.Word) (open int, found bool) {
	if !strings.Contains(t.Span(w).S, "{") {
		return open, false
	}
	isOpen, list := false, false
	for _, p := range w.Parts {
		lit, ok := p.(*syntax.Lit)
		if !ok {
			continue
		}
		base := int(lit.Pos().Offset() - w.Pos().Offset())
		for i := 0; i < len(lit.Value); i++ {
			switch c := lit.Value[i]; {
			case c == '\\':
				i++
			case c == '{':
				open, isOpen, list = base+i, true, false
			case c == ',', c == '.' && open+1 < base+i && strings.HasPrefix(lit.Value[i:], ".."):
				list = true
			case c == '}':
				if isOpen && list {
					return open, true
				}
				isOpen = false
			}
		}
	}
	return open, false
}
