package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/shellscript"
)

// variableNames are the variables of a script.
type variableNames struct {
	assigned map[string]bool // by the script, in any way
	used     map[string]bool // expanded, exported or given to a command by name
	sources  bool            // something that is not in the tree may set and use any
	first    syntax.Pos      // where the script first reads another file or has a text as commands, which may set any
	last     syntax.Pos      // where it does so for the last time: these may use what is set before
}

// unknown says whether something that the tree does not show may have set a variable before this place. A function
// may be called at any later place.
func (v *variableNames) unknown(t *shellTree, i int) bool {
	return v.first.IsValid() && (t.nodes[i].node.Pos().After(v.first) || t.inFunction(i))
}

// unseen says whether something that the tree does not show may use a variable that is set at this place.
func (v *variableNames) unseen(t *shellTree, i int) bool {
	return v.last.IsValid() && (v.last.After(t.nodes[i].node.Pos()) || t.inFunction(i))
}

// inFunction says whether a node is in the body of a function or a loop, which may run again.
func (t *shellTree) inFunction(i int) bool {
	for ; i != top; i = t.nodes[i].up {
		switch t.nodes[i].node.(type) {
		case *syntax.FuncDecl, *syntax.ForClause, *syntax.WhileClause:
			return true
		}
	}
	return false
}

// variables gives the script's variables.
func (t *shellTree) variables() *variableNames {
	if t.names != nil {
		return t.names
	}
	v := &variableNames{assigned: map[string]bool{}, used: map[string]bool{}}
	if t.Script != t.run.Scripts[0] {
		v.sources = true // a document for a shell that the step starts: it has what the step exports
	}
	t.names = v
	each(t, kindAssign, func(i int, a *syntax.Assign) {
		if a.Name == nil {
			return
		}
		decl, declared := t.parent(i).(*syntax.DeclClause)
		if call, ok := t.parent(i).(*syntax.CallExpr); ok && len(call.Args) > 0 {
			return // it is for the command alone
		}
		v.assigned[a.Name.Value] = true
		v.used[a.Name.Value] = v.used[a.Name.Value] || a.Append
		v.arithmetic(a.Index)
		if declared && exports(decl) {
			v.used[a.Name.Value] = true
		}
	})
	each(t, kindFor, func(_ int, n *syntax.ForClause) {
		if iter, ok := n.Loop.(*syntax.WordIter); ok {
			v.assigned[iter.Name.Value] = true
		}
	})
	each(t, kindParam, func(_ int, p *syntax.ParamExp) {
		v.used[p.Param.Value] = true
		v.arithmetic(p.Index)
		if p.Slice != nil {
			v.arithmetic(p.Slice.Offset)
			v.arithmetic(p.Slice.Length)
		}
		if p.Exp != nil && (p.Exp.Op == syntax.AssignUnset || p.Exp.Op == syntax.AssignUnsetOrNull) {
			v.assigned[p.Param.Value] = true
		}
	})
	for i := range t.nodes {
		switch n := t.nodes[i].node.(type) {
		case *syntax.ArithmExp:
			v.arithmetic(n.X)
		case *syntax.ArithmCmd:
			v.arithmetic(n.X)
		case *syntax.LetClause:
			for _, x := range n.Exprs {
				v.arithmetic(x)
			}
		case *syntax.CStyleLoop:
			v.arithmetic(n.Init)
			v.arithmetic(n.Cond)
			v.arithmetic(n.Post)
		case *syntax.Redirect:
			if n.N != nil {
				v.assigned[strings.Trim(n.N.Value, "{}")] = true // exec {name}> file
			}
		case *syntax.CoprocClause:
			if n.Name != nil {
				v.assigned[n.Name.Lit()] = true
			}
		case *syntax.UnaryTest:
			if w, ok := n.X.(*syntax.Word); ok && n.Op == syntax.TsVarSet {
				v.used[w.Lit()] = true
			}
		case *syntax.BinaryTest:
			v.compared(n)
		}
	}
	for _, c := range t.Commands {
		name := c.Name()
		switch name {
		case ".", "source", "eval":
			if !v.first.IsValid() {
				v.first = c.Call.Pos()
			}
			if end := c.Call.End(); !v.last.After(end) {
				v.last = end
			}
		case "trap":
			for _, w := range c.Args() {
				v.mentioned(w.S)
			}
		case "set":
			v.sources = v.sources || c.HasFlag("-a") || c.Has("allexport")
		}
		if name == "unset" {
			continue
		}
		for _, n := range assignedBy(name, c.Call.Args[1:]) {
			v.assigned[n] = true
		}
		v.asked(c)
	}
	return v
}

// asked takes the name that [ -v name ] asks for.
func (v *variableNames) asked(c *shellscript.Command) {
	if c.Name() != "[" && c.Name() != "test" {
		return
	}
	for i, w := range c.Args() {
		if c.Words[i].S == "-v" {
			v.used[w.S] = true
		}
	}
}

// compared takes the names in a comparison of numbers, which is arithmetic in [[ ]].
func (v *variableNames) compared(n *syntax.BinaryTest) {
	switch n.Op {
	case syntax.TsEql, syntax.TsNeq, syntax.TsLeq, syntax.TsGeq, syntax.TsLss, syntax.TsGtr:
	default:
		return
	}
	for _, x := range []syntax.TestExpr{n.X, n.Y} {
		if w, ok := x.(*syntax.Word); ok {
			v.used[w.Lit()] = true
		}
	}
}

// mentioned takes the names behind each $ of a text.
func (v *variableNames) mentioned(s string) {
	for {
		_, rest, ok := strings.Cut(s, "$")
		if !ok {
			return
		}
		rest = strings.TrimPrefix(rest, "{")
		end := 0
		for end < len(rest) && (rest[end] == '_' || isLetter(rest[end]) || rest[end] >= '0' && rest[end] <= '9') {
			end++
		}
		v.used[rest[:end]] = true
		s = rest
	}
}

func exports(d *syntax.DeclClause) bool {
	if d.Variant.Value == "export" {
		return true
	}
	for _, a := range d.Args {
		if a.Name == nil && a.Value != nil && isShortFlag(a.Value.Lit(), 'x') {
			return true
		}
	}
	return false
}

func (v *variableNames) arithmetic(x syntax.ArithmExpr) {
	if x == nil {
		return
	}
	for _, n := range arithmeticNames(x) {
		v.assigned[n] = true
	}
	syntax.Walk(x, func(n syntax.Node) bool {
		if lit, ok := n.(*syntax.Lit); ok {
			v.used[lit.Value] = true
		}
		return true
	})
}

// arithmeticNames are the variables that an arithmetic expression sets.
func arithmeticNames(x syntax.ArithmExpr) (out []string) {
	syntax.Walk(x, func(n syntax.Node) bool {
		var target syntax.ArithmExpr
		switch n := n.(type) {
		case *syntax.BinaryArithm:
			switch n.Op {
			case syntax.Assgn, syntax.AddAssgn, syntax.SubAssgn, syntax.MulAssgn, syntax.QuoAssgn, syntax.RemAssgn,
				syntax.AndAssgn, syntax.OrAssgn, syntax.XorAssgn, syntax.ShlAssgn, syntax.ShrAssgn:
				target = n.X
			}
		case *syntax.UnaryArithm:
			if n.Op == syntax.Inc || n.Op == syntax.Dec {
				target = n.X
			}
		}
		if w, ok := target.(*syntax.Word); ok {
			out = append(out, w.Lit())
		}
		return true
	})
	return out
}

// assignedBy are the variables that a command sets which is given their names.
func assignedBy(name string, args []*syntax.Word) (out []string) {
	switch name {
	case "read", "mapfile", "readarray", "unset":
		for _, w := range args {
			out = append(out, w.Lit()) // what is not a name does no harm
		}
	case "getopts":
		if len(args) > 1 {
			out = append(out, args[1].Lit())
		}
	case "printf":
		if len(args) > 1 && args[0].Lit() == "-v" {
			out = append(out, args[1].Lit())
		}
	}
	return out
}
