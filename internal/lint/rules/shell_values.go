package rules

import "mvdan.cc/sh/v3/syntax"

// value is what is known of a word that is assigned.
func (f *wordFlow) value(w *syntax.Word, st flowState) wordState {
	if w == nil {
		return stateEmpty
	}
	return f.parts(w.Parts, st)
}

// parts is what is known of what parts of a word make together. With a blank in one of them it is a list, whatever
// the others are.
func (f *wordFlow) parts(parts []syntax.WordPart, st flowState) wordState {
	out := stateEmpty
	for _, p := range parts {
		s := stateUnknown
		switch p := p.(type) {
		case *syntax.Lit:
			s = textState(p.Value)
		case *syntax.SglQuoted:
			if !p.Dollar {
				s = textState(p.Value)
			}
		case *syntax.DblQuoted:
			s = f.parts(p.Parts, st)
		case *syntax.ArithmExp:
			s = stateWord
		case *syntax.CmdSubst:
			if !f.tree.hadolint && f.tree.givesOneWord(p) {
				s = stateWord
			}
		case *syntax.ParamExp:
			s = f.expansion(p, st)
		}
		out = join(out, s)
	}
	return out
}

// expansion is what is known of a variable's value after what is done to it: what is cut from one word is one word.
// ShellCheck, and so hadolint, takes it for anything.
func (f *wordFlow) expansion(p *syntax.ParamExp, st flowState) wordState {
	if isSimple(p) {
		return f.param(p.Param.Value, st)
	}
	if f.tree.hadolint || p.Param == nil || p.Excl || p.Width || p.IsSet || p.Index != nil || p.Names != 0 {
		return stateUnknown
	}
	value := f.param(p.Param.Value, st)
	switch {
	case p.Length:
		return stateWord
	case p.Slice != nil:
		return value
	case p.Repl != nil:
		return join(value, f.value(p.Repl.With, st))
	}
	switch p.Exp.Op {
	case syntax.RemSmallSuffix, syntax.RemLargeSuffix, syntax.RemSmallPrefix, syntax.RemLargePrefix,
		syntax.UpperFirst, syntax.UpperAll, syntax.LowerFirst, syntax.LowerAll:
		return value
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
		return join(value, f.value(p.Exp.Word, st))
	}
	return stateUnknown
}

// isSimple says whether an expansion is a variable's value as it is.
func isSimple(p *syntax.ParamExp) bool {
	return !p.Excl && !p.Length && !p.Width && !p.IsSet && p.Index == nil && p.Slice == nil && p.Repl == nil && p.Names == 0 && p.Exp == nil
}

// numeric are the variables that the shell sets to numbers or to one word.
var numeric = map[string]bool{"?": true, "#": true, "$": true, "!": true, "-": true, "RANDOM": true, "SECONDS": true, "LINENO": true, "PPID": true,
	"UID": true, "EUID": true, "OPTIND": true, "BASHPID": true, "SHLVL": true, "COLUMNS": true, "LINES": true}

// param is what is known of a variable. ENV and ARG may give any value to one that the shell would set.
func (f *wordFlow) param(name string, st flowState) wordState {
	if numeric[name] && !f.tree.environment(name) {
		return stateWord
	}
	return st[name]
}

// word looks at the expansions in a word.
func (f *wordFlow) word(w *syntax.Word, st flowState) {
	if w != nil {
		for _, p := range w.Parts {
			f.part(p, st)
		}
	}
}

func (f *wordFlow) part(p syntax.WordPart, st flowState) {
	switch p := p.(type) {
	case *syntax.ParamExp:
		is := f.param(p.Param.Value, st)
		f.unsafe[p] = f.unsafe[p] || is != stateWord
		f.lists[p] = f.lists[p] || is == stateList
		f.inner(p, st)
		if p.Exp != nil && (p.Exp.Op == syntax.AssignUnset || p.Exp.Op == syntax.AssignUnsetOrNull) {
			delete(st, p.Param.Value)
		}
	case *syntax.DblQuoted:
		for _, part := range p.Parts {
			f.part(part, st)
		}
	case *syntax.CmdSubst:
		f.aside(p.Stmts, st)
	case *syntax.ProcSubst:
		f.aside(p.Stmts, st)
	case *syntax.ArithmExp:
		f.arithmetic(p.X, st)
	}
}

// inner looks at the words below a node.
func (f *wordFlow) inner(n syntax.Node, st flowState) {
	syntax.Walk(n, func(child syntax.Node) bool {
		if w, ok := child.(*syntax.Word); ok {
			f.word(w, st)
			return false
		}
		return true
	})
}

// arithmetic takes the variables that an expression sets: they hold numbers.
func (f *wordFlow) arithmetic(x syntax.ArithmExpr, st flowState) {
	if x == nil {
		return
	}
	f.inner(x, st)
	for _, name := range arithmeticNames(x) {
		st[name] = stateWord
	}
}
