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
	nodes    []shellNode
	kinds    [kindCount][]int // indexes in nodes, in the order in which they are written
	off      []disabled       // what comments in the script switch off
	calls    map[*syntax.CallExpr]*shellscript.Command
	words    *wordFlow      // made when it is first asked for
	names    *variableNames // likewise
}

type shellNode struct {
	node syntax.Node
	up   int // index of its parent, -1 at the top
}

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
			bash, busybox := shIsBash(s) && !d.Options.Hadolint, shIsBusybox(s) // hadolint takes each sh for a POSIX shell
			for _, run := range s.Runs() {
				for _, script := range run.Scripts {
					if script.Dialect == shellscript.Zsh || script.Tree == nil && script.Err == nil {
						continue
					}
					t := newShellTree(script, run)
					t.hadolint = d.Options.Hadolint
					t.posix, t.busybox = script.Dialect == shellscript.Sh && !bash, busybox
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
	at := -1
	syntax.Walk(script.Tree, func(n syntax.Node) bool {
		if n == nil {
			at = t.nodes[at].up
			return true
		}
		t.nodes = append(t.nodes, shellNode{n, at})
		at = len(t.nodes) - 1
		if k := kindOf(n); k < kindCount {
			t.kinds[k] = append(t.kinds[k], at)
		}
		if stmt, ok := n.(*syntax.Stmt); ok {
			t.directives(stmt, t.parent(at))
		}
		return true
	})
	return t
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
	if up := t.nodes[i].up; up >= 0 {
		return t.nodes[up].node
	}
	return nil
}

// at is the span of a node.
func (t *shellTree) at(n syntax.Node) lint.Span { return lint.At(t.Span(n)) }

// between is the span from one offset of the script to another.
func (t *shellTree) between(from, to syntax.Pos) lint.Span {
	return lint.At(t.Text.Slice(int(from.Offset()), min(int(to.Offset()), len(t.Text.S))))
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
func (t *shellTree) unquoted(i int) (place, *syntax.Word, int) {
	up := t.nodes[i].up
	word, ok := t.nodes[up].node.(*syntax.Word)
	if !ok {
		return placeOther, nil, 0
	}
	above := t.nodes[up].up
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
	for ; i >= 0; i = t.nodes[i].up {
		up := t.nodes[i].up
		if up < 0 {
			return false
		}
		stmt, ok := t.nodes[i].node.(*syntax.Stmt)
		if !ok {
			continue
		}
		switch n := t.nodes[up].node.(type) {
		case *syntax.IfClause:
			if containsStmt(n.Cond, stmt) {
				return true
			}
		case *syntax.WhileClause:
			if containsStmt(n.Cond, stmt) {
				return true
			}
		case *syntax.BinaryCmd:
			if (n.Op == syntax.AndStmt || n.Op == syntax.OrStmt) && n.X == stmt {
				return true
			}
		case *syntax.FuncDecl:
			return false
		}
	}
	return false
}

func containsStmt(list []*syntax.Stmt, s *syntax.Stmt) bool {
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
	if t.run.Before != nil && !t.run.Exec {
		for i, w := range t.run.Before.Shell {
			if i > 0 && (isShortFlag(w, 'e') || w == "errexit") {
				found = true
			}
		}
	}
	if line, _, _ := strings.Cut(t.Text.S, "\n"); strings.HasPrefix(line, "#!") {
		for i, w := range strings.Fields(line) {
			if i > 0 && isShortFlag(w, 'e') {
				found = true
			}
		}
	}
	return found
}

// isShortFlag says whether a letter is among those behind one dash.
func isShortFlag(word string, letter byte) bool {
	return len(word) > 1 && word[0] == '-' && word[1] != '-' && strings.IndexByte(word, letter) > 0
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
			if globAt(p.Value) >= 0 {
				return true
			}
		case *syntax.ExtGlob:
			return true
		}
	}
	return false
}

// globAt is where the first glob character of a literal is, -1 for none.
func globAt(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '*', '?':
			return i
		case '[':
			if strings.IndexByte(s[i:], ']') > 1 {
				return i
			}
		}
	}
	return -1
}

// braceAt is where a word has a brace expansion, as {a,b} or {1..3}, in bytes of its text; -1 for none.
func braceAt(t *shellTree, w *syntax.Word) int {
	span := t.Span(w).S
	if strings.IndexByte(span, '{') < 0 {
		return -1
	}
	open := -1
	comma := false
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
				open, comma = base+i, false
			case c == ',', c == '.' && i > 0 && lit.Value[i-1] == '.' && open >= 0 && open < base+i-2:
				comma = true
			case c == '}':
				if open >= 0 && comma {
					return open
				}
				open = -1
			}
		}
	}
	return -1
}
