package rules

import (
	"maps"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// wordState is what is known of a variable's value.
type wordState uint8

const (
	stateUnknown wordState = iota // it may hold blanks or glob characters
	stateEmpty
	stateWord // one word: nothing happens when it is split
	stateList // it is written as several words: to be split is what it is for
)

// wordFlow follows the values of variables through a script, to know which expansions give one word at
// all times. Where two ways meet, both count.
type wordFlow struct {
	tree    *shellTree
	unsafe  map[*syntax.ParamExp]bool
	lists   map[*syntax.ParamExp]bool // those of unsafe that are lists, at least at times
	funcs   map[string]*syntax.FuncDecl
	active  map[*syntax.FuncDecl]bool
	called  map[*syntax.FuncDecl]bool
	decls   []*syntax.FuncDecl
	returns []flowState
	locals  []string        // what the function that is followed has for itself
	numbers map[string]bool // what declare -i makes numbers of
	steps   int             // statements that were looked at, again and again in loops and functions
}

// maxSteps is where loops in loops and functions in functions are not followed any further: nothing is known behind them.
const maxSteps = 50000

// exhausted says whether no loop and no function is to be followed any further.
func (f *wordFlow) exhausted() bool { return f.steps > maxSteps }

// flowState has the variables that are known. nil is a place that is not reached.
type flowState map[string]wordState

// flow gives the script's wordFlow.
func (t *shellTree) flow() *wordFlow {
	if t.words == nil {
		f := &wordFlow{tree: t, unsafe: map[*syntax.ParamExp]bool{}, lists: map[*syntax.ParamExp]bool{}, funcs: map[string]*syntax.FuncDecl{},
			active: map[*syntax.FuncDecl]bool{}, called: map[*syntax.FuncDecl]bool{}, numbers: map[string]bool{}}
		t.words = f
		end := f.stmts(t.Tree.Stmts, f.begin())
		for i := 0; i < len(f.decls); i++ { // a body may have more of them
			if decl := f.decls[i]; !f.called[decl] {
				f.stmt(decl.Body, maps.Clone(end))
			}
		}
	}
	return t.words
}

// splits says whether the value may be more than one word, or match names of files.
func (f *wordFlow) splits(p *syntax.ParamExp) bool { return f.unsafe[p] }

// isList says whether the value may be one that is written as several words.
func (f *wordFlow) isList(p *syntax.ParamExp) bool { return f.lists[p] }

// begin is what ENV and ARG say. A variable that the script sets is taken to be empty before it does, unless images often
// bring one of that name, or the script has more commands than are seen here; ShellCheck takes it for anything.
func (f *wordFlow) begin() flowState {
	st := flowState{}
	if v := f.tree.variables(); !f.tree.hadolint && !v.last.IsValid() && !v.sources {
		for name := range v.assigned {
			if !isUpstream(name) {
				st[name] = stateEmpty
			}
		}
	}
	before := f.tree.run.Before
	for name := range before.Args {
		st[name] = knownState(before.Lookup(name))
		if !f.tree.hadolint && st[name] == stateUnknown && slices.Contains(platformArgs, name) && !strings.HasSuffix(name, "VARIANT") {
			st[name] = stateWord // a variant may be empty
		}
	}
	for name := range before.Env {
		st[name] = knownState(before.Lookup(name))
	}
	return st
}

func knownState(value string, ok bool) wordState {
	if !ok || strings.Contains(value, "$") {
		return stateUnknown
	}
	return textState(value)
}

func textState(s string) wordState {
	switch {
	case s == "":
		return stateEmpty
	case strings.ContainsAny(s, "*?["):
		return stateUnknown
	case strings.ContainsAny(s, " \t\r\n"):
		return stateList
	}
	return stateWord
}

// join is what is known where two values may be. Where one is a list, quotes would break that one.
func join(a, b wordState) wordState {
	if a == stateList || b == stateList {
		return stateList
	}
	if a == stateUnknown || b == stateUnknown {
		return stateUnknown
	}
	return max(a, b)
}

func merge(a, b flowState) flowState {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	out := flowState{}
	for name, s := range a {
		if s = join(s, b[name]); s != stateUnknown {
			out[name] = s
		}
	}
	for name, s := range b {
		if s == stateList {
			out[name] = s
		}
	}
	return out
}

func (f *wordFlow) stmts(list []*syntax.Stmt, st flowState) flowState {
	for _, s := range list {
		st = f.stmt(s, st)
	}
	return st
}

// aside runs statements whose variables are lost: in a subshell.
func (f *wordFlow) aside(list []*syntax.Stmt, st flowState) {
	if st == nil {
		st = flowState{}
	}
	f.stmts(list, maps.Clone(st))
}

func (f *wordFlow) stmt(s *syntax.Stmt, st flowState) flowState {
	if st == nil { // it is not reached; what is in it counts all the same
		f.stmt(s, flowState{})
		return nil
	}
	f.steps++
	for _, r := range s.Redirs {
		f.word(r.Word, st)
		f.word(r.Hdoc, st)
	}
	if s.Background || s.Coprocess {
		f.command(s.Cmd, maps.Clone(st))
		return st
	}
	return f.command(s.Cmd, st)
}

// chain runs A && B or A || B: what is known where it succeeds, and in any case. In "a && V=1 && b $V" V is known, since b
// is run only where all before it succeeded; ShellCheck takes each part for one that may be the last.
func (f *wordFlow) chain(n *syntax.BinaryCmd, st flowState) (succeeds, after flowState) {
	left, reached := f.outcome(n.X, st)
	if n.Op == syntax.AndStmt {
		right, end := f.outcome(n.Y, maps.Clone(left))
		return right, merge(reached, end)
	}
	right, end := f.outcome(n.Y, maps.Clone(reached))
	return merge(left, right), merge(reached, end)
}

// outcome runs a statement: what is known where it succeeds, and in any case.
func (f *wordFlow) outcome(s *syntax.Stmt, st flowState) (succeeds, after flowState) {
	if b, ok := s.Cmd.(*syntax.BinaryCmd); ok && (b.Op == syntax.AndStmt || b.Op == syntax.OrStmt) && !s.Negated && !s.Background && !s.Coprocess && st != nil {
		f.steps++
		return f.chain(b, st)
	}
	after = f.stmt(s, st)
	return after, after
}

func (f *wordFlow) command(cmd syntax.Command, st flowState) flowState {
	switch n := cmd.(type) {
	case *syntax.CallExpr:
		return f.call(n, st)
	case *syntax.DeclClause:
		f.declare(n, st)
	case *syntax.Block:
		return f.stmts(n.Stmts, st)
	case *syntax.Subshell:
		f.aside(n.Stmts, st)
	case *syntax.BinaryCmd:
		if n.Op != syntax.AndStmt && n.Op != syntax.OrStmt {
			f.aside([]*syntax.Stmt{n.X}, st)
			f.aside([]*syntax.Stmt{n.Y}, st)
			return st
		}
		_, after := f.chain(n, st)
		return after
	case *syntax.IfClause:
		return f.branches(n, st)
	case *syntax.WhileClause:
		return f.loop(st, func(st flowState) flowState {
			return f.stmts(n.Do, f.stmts(n.Cond, st))
		})
	case *syntax.ForClause:
		return f.forLoop(n, st)
	case *syntax.CaseClause:
		return f.cases(n, st)
	case *syntax.FuncDecl:
		if n.Name != nil {
			f.funcs[n.Name.Value] = n
			if !slices.Contains(f.decls, n) {
				f.decls = append(f.decls, n)
			}
		}
	case *syntax.TimeClause:
		if n.Stmt != nil {
			return f.stmt(n.Stmt, st)
		}
	case *syntax.CoprocClause:
		f.aside([]*syntax.Stmt{n.Stmt}, st)
	case *syntax.ArithmCmd:
		f.arithmetic(n.X, st)
	case *syntax.LetClause:
		for _, x := range n.Exprs {
			f.arithmetic(x, st)
		}
	case *syntax.TestClause:
		f.inner(n, st)
	}
	return st
}

func (f *wordFlow) branches(n *syntax.IfClause, st flowState) flowState {
	if st = f.stmts(n.Cond, st); st == nil {
		return nil
	}
	before := maps.Clone(st)
	then := f.stmts(n.Then, st)
	if n.Else == nil {
		if !n.ThenPos.IsValid() { // this is the else
			return then
		}
		return merge(then, before)
	}
	return merge(then, f.branches(n.Else, before))
}

// loop runs a body until what is known does not change any more.
func (f *wordFlow) loop(st flowState, body func(flowState) flowState) flowState {
	for {
		if f.exhausted() {
			body(flowState{})
			return flowState{}
		}
		next := merge(st, body(maps.Clone(st)))
		if maps.Equal(next, st) {
			return st
		}
		st = next
	}
}

func (f *wordFlow) forLoop(n *syntax.ForClause, st flowState) flowState {
	iter, ok := n.Loop.(*syntax.WordIter)
	if !ok {
		c := n.Loop.(*syntax.CStyleLoop)
		f.arithmetic(c.Init, st)
		f.arithmetic(c.Cond, st)
		return f.loop(st, func(st flowState) flowState {
			st = f.stmts(n.Do, st)
			if st != nil {
				f.arithmetic(c.Post, st)
			}
			return st
		})
	}
	value := stateWord
	if len(iter.Items) == 0 {
		value = stateUnknown
	}
	for _, w := range iter.Items {
		f.word(w, st)
		if f.value(w, st) != stateWord || isSplit(w) {
			value = stateUnknown
		}
	}
	return f.loop(st, func(st flowState) flowState {
		st[iter.Name.Value] = value
		return f.stmts(n.Do, st)
	})
}

// isSplit says whether something in a word is expanded outside of quotes.
func isSplit(w *syntax.Word) bool {
	for _, p := range w.Parts {
		if _, ok := p.(*syntax.ParamExp); ok {
			return true
		}
	}
	return false
}

func (f *wordFlow) cases(n *syntax.CaseClause, st flowState) flowState {
	f.word(n.Word, st)
	var out flowState
	all := false
	for _, item := range n.Items {
		for _, p := range item.Patterns {
			f.word(p, st)
			all = all || p.Lit() == "*"
		}
		out = merge(out, f.stmts(item.Stmts, maps.Clone(st)))
	}
	if !all {
		out = merge(out, st)
	}
	return out
}

func (f *wordFlow) call(n *syntax.CallExpr, st flowState) flowState {
	if len(n.Args) == 0 {
		for _, a := range n.Assigns {
			f.assign(a, st)
		}
		return st
	}
	for _, a := range n.Assigns {
		f.word(a.Value, st)
	}
	for _, w := range n.Args {
		f.word(w, st)
	}
	name := n.Args[0].Lit()
	switch name {
	case "exit":
		return nil
	case "exec":
		if len(n.Args) > 1 {
			return nil
		}
	case "return":
		f.returns = append(f.returns, st)
		return nil
	}
	for _, v := range assignedBy(name, n.Args[1:]) {
		if name == "unset" {
			st[v] = stateEmpty
		} else {
			delete(st, v)
		}
	}
	if decl := f.funcs[name]; decl != nil {
		return f.function(decl, st)
	}
	return st
}

func (f *wordFlow) function(decl *syntax.FuncDecl, st flowState) flowState {
	if f.active[decl] {
		return st
	}
	if f.exhausted() {
		return flowState{}
	}
	f.active[decl], f.called[decl] = true, true
	outer, locals, before := f.returns, f.locals, maps.Clone(st)
	f.returns, f.locals = nil, nil
	st = f.stmt(decl.Body, st)
	for _, r := range f.returns {
		st = merge(st, r)
	}
	if st != nil {
		for _, name := range f.locals {
			st[name] = before[name]
		}
	}
	f.returns, f.locals = outer, locals
	delete(f.active, decl)
	return st
}

// declare runs export, readonly, local, declare or typeset.
func (f *wordFlow) declare(n *syntax.DeclClause, st flowState) {
	number := false
	for _, a := range n.Args {
		if a.Name == nil && a.Value != nil {
			number = number || isShortFlag(a.Value.Lit(), 'i')
		} else if a.Name != nil {
			if v := n.Variant.Value; v != "export" && v != "readonly" {
				f.locals = append(f.locals, a.Name.Value)
			}
			f.numbers[a.Name.Value] = f.numbers[a.Name.Value] || number
			if number {
				st[a.Name.Value] = stateWord
			}
		}
		f.assign(a, st)
	}
}

func (f *wordFlow) assign(a *syntax.Assign, st flowState) {
	f.word(a.Value, st)
	if a.Array != nil {
		f.inner(a.Array, st)
	}
	if a.Name == nil || a.Naked {
		return
	}
	value := stateUnknown
	switch {
	case f.numbers[a.Name.Value]:
		value = stateWord
	case a.Array == nil && a.Index == nil:
		value = f.value(a.Value, st)
	}
	if a.Append {
		value = join(value, st[a.Name.Value])
	}
	st[a.Name.Value] = value
}
