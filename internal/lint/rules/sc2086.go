package rules

import (
	"slices"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2086 = &lint.Rule{
	Code: "SC2086", Title: "variable without quotes", Severity: lint.Info, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2086",
	Why: "The shell splits the value of a variable at blanks and takes `*`, `?` and `[` in it as patterns of file names, unless it is in double quotes. " +
		"A variable whose value is in the Dockerfile and is one plain word, from ENV, a default of ARG or an assignment in the script, is not reported, nor is what is cut from it; before the script sets a variable it is taken to be empty. ShellCheck takes all of these for unknown. Nor is a list, which is written as several words or given to a package manager: quotes would break it.",
	Bad:  "FROM debian:12\nARG FILES\nRUN rm -f $FILES",
	Good: "FROM debian:12\nARG FILES\nRUN rm -f \"$FILES\"",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			each(t, kindParam, func(i int, n *syntax.ParamExp) {
				if n.Length || n.Names != 0 || n.Param.Value == "@" || isArrayAt(n) || !t.splitAt(i) {
					return
				}
				if n.Exp != nil {
					switch n.Exp.Op {
					case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
						return
					case syntax.AssignUnset, syntax.AssignUnsetOrNull:
						if t.argumentOf(i) == ":" {
							return // SC2223 is about these
						}
					}
				}
				if t.flow().splits(n) && (p.Options.Hadolint || !t.isMeantToSplit(i, n)) {
					t.report(p, t.at(n), "a blank in %s would split it, and a * or ? match files: put it in double quotes", t.Span(n).S)
				}
			})
		})
	},
}

// isMeantToSplit says whether an argument that is a variable and nothing else is a list that quotes would break: it is
// written as several words, or stands where a package manager takes names of packages. ShellCheck reports these, too.
func (t *shellTree) isMeantToSplit(i int, n *syntax.ParamExp) bool {
	where, word, _ := t.unquoted(i)
	return where == placeArg && len(word.Parts) == 1 && (t.flow().isList(n) || slices.Contains(packageLists, t.argumentOf(i)))
}

// packageLists are programs whose arguments are lists of packages.
var packageLists = []string{"apt-get", "apt", "apt-mark", "apk", "dnf", "dnf5", "microdnf", "tdnf", "yum", "zypper", "rpm", "pacman", "pip", "pip3",
	"gem", "npm", "docker-php-ext-install", "docker-php-ext-enable"}

// splitAt says whether the value of an expansion without quotes is split where it stands.
func (t *shellTree) splitAt(i int) bool {
	where, word, above := t.unquoted(i)
	switch where {
	case placeRedirect:
		return true
	case placeDeclared:
		return t.posix || t.nodes[above].node.(*syntax.Assign).Name == nil
	case placeName:
		return len(word.Parts) > 1
	case placeArg:
		call := t.nodes[above].node.(*syntax.CallExpr)
		if name := call.Args[0].Lit(); (name == "exec" || name == "command") && call.Args[1] == word && len(word.Parts) == 1 {
			return false
		}
		return true
	}
	return false
}

// argumentOf is the name of the command that gets an expansion as an argument, "" for none.
func (t *shellTree) argumentOf(i int) string {
	if where, _, above := t.unquoted(i); where == placeArg {
		return t.nodes[above].node.(*syntax.CallExpr).Args[0].Lit()
	}
	return ""
}

// isArrayAt says whether an expansion is ${name[@]}.
func isArrayAt(n *syntax.ParamExp) bool {
	w, ok := n.Index.(*syntax.Word)
	return ok && w.Lit() == "@"
}
