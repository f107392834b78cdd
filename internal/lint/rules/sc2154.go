package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc2154 = &lint.Rule{
	Code: "SC2154", Title: "variable that nothing sets", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict | lint.Recommended, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2154",
	Why:    "Nothing in the script, no ENV and no ARG before it sets the variable, so it is empty, or comes from the parent image. ShellCheck and this rule look only at names with small letters: capital ones are often inherited.",
	Bad:    "FROM debian:12\nRUN apt-get install -y \"curl=$curl_version\"",
	Good:   "FROM debian:12\nARG curl_version=7.88.1\nRUN apt-get install -y \"curl=$curl_version\"",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			v := t.variables()
			if v.sources {
				return
			}
			seen := map[string]bool{}
			each(t, kindParam, func(i int, n *syntax.ParamExp) {
				if !isOwnName(n.Param.Value) || seen[n.Param.Value] || n.Exp != nil && guards(n.Exp.Op) || n.IsSet || n.Excl {
					return
				}
				name := n.Param.Value
				if v.assigned[name] || t.environment(name) || v.unknown(t, i) || t.asDefault(i) || t.checked(name) {
					return
				}
				seen[name] = true
				t.report(p, t.at(n), "nothing sets %s: it is empty unless the parent image has it", name)
			})
		})
	},
}

// isOwnName says whether a name is like those that a script gives its own variables.
func isOwnName(name string) bool {
	if strings.ToUpper(name) == name {
		return false
	}
	switch name {
	case "http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy":
		return false
	}
	return true
}

// asDefault says whether an expansion is what another one has when its variable is not set.
func (t *shellTree) asDefault(i int) bool {
	for up := t.nodes[i].up; ; up = t.nodes[up].up { // it is in a statement in any case
		switch n := t.nodes[up].node.(type) {
		case *syntax.ParamExp:
			return n.Exp != nil && guards(n.Exp.Op)
		case *syntax.Stmt:
			return false
		}
	}
}

// guards says whether an expansion says what to do when the variable is not set.
func guards(op syntax.ParExpOperator) bool {
	switch op {
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull, syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.ErrorUnset, syntax.ErrorUnsetOrNull,
		syntax.AssignUnset, syntax.AssignUnsetOrNull:
		return true
	}
	return false
}

// checked says whether the script asks if a variable is there: [ -n "$name" ], [ "$name" ], [ -v name ].
func (t *shellTree) checked(name string) bool {
	found := false
	is := func(w *syntax.Word) bool {
		s := t.Word(w).S
		return s == "$"+name || s == "${"+name+"}"
	}
	t.eachCommand(func(c *shellscript.Command) {
		for i, w := range c.Args() {
			alone := len(c.Words) == 3 && i == 0 && c.Name() == "["
			found = found || (alone || c.Words[i].S == "-n" || c.Words[i].S == "-z") && is(w.Tree)
			found = found || c.Words[i].S == "-v" && w.S == name
		}
	}, "[", "test")
	each(t, kindTest, func(_ int, n *syntax.TestClause) {
		if w, ok := n.X.(*syntax.Word); ok {
			found = found || is(w)
		}
		syntax.Walk(n, func(x syntax.Node) bool {
			u, ok := x.(*syntax.UnaryTest)
			if ok && u.Op == syntax.TsVarSet {
				w, ok := u.X.(*syntax.Word)
				found = found || ok && w.Lit() == name
			}
			if ok && (u.Op == syntax.TsEmpStr || u.Op == syntax.TsNempStr) {
				if w, ok := u.X.(*syntax.Word); ok {
					found = found || is(w)
				}
			}
			return true
		})
	})
	return found
}
