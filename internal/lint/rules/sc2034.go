package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2034 = &lint.Rule{
	Code: "SC2034", Title: "variable that is not used", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2034",
	Why:    "A variable that is assigned and neither expanded nor exported has no effect: a step has its own shell, and nothing of it is left for the next one. Often its name is misspelled.",
	Bad:    "FROM debian:12\nRUN version=1.2; curl -O https://example.com/1.2.tgz",
	Good:   "FROM debian:12\nRUN version=1.2; curl -O \"https://example.com/$version.tgz\"",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			v := t.variables()
			if v.sources {
				return
			}
			last := map[string]syntax.Node{}
			note := func(i int, name string, n syntax.Node) {
				if !v.used[name] && !meantForOthers(name) && !t.environment(name) && !v.unseen(t, i) {
					last[name] = n
				}
			}
			each(t, kindAssign, func(i int, a *syntax.Assign) {
				if a.Name == nil || a.Naked {
					return
				}
				if call, ok := t.parent(i).(*syntax.CallExpr); ok && len(call.Args) > 0 {
					return
				}
				note(i, a.Name.Value, a.Name)
			})
			each(t, kindFor, func(i int, n *syntax.ForClause) {
				if iter, ok := n.Loop.(*syntax.WordIter); ok && !isCounter(t, iter) {
					note(i, iter.Name.Value, iter.Name)
				}
			})
			for name, n := range last {
				t.report(p, t.at(n), "%s is not used: expand it, export it or take it away", name)
			}
		})
	},
}

// isCounter says whether a loop only counts: for i in 1 2 3.
func isCounter(t *shellTree, iter *syntax.WordIter) bool {
	for _, w := range iter.Items {
		if s := w.Lit(); s != "" && strings.Trim(s, "0123456789{}.") != "" {
			return false
		}
		if _, ok := w.Parts[0].(*syntax.CmdSubst); w.Lit() == "" && (!ok || !strings.Contains(t.Span(w).S, "seq ")) {
			return false
		}
	}
	return true
}

// meantForOthers says whether the shell looks at a variable by its name, or one like it for every program.
func meantForOthers(name string) bool {
	return ofShell[name] || strings.HasPrefix(name, "_") || strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "BASH_") ||
		strings.HasPrefix(name, "COMP") || strings.HasPrefix(name, "HIST") || strings.HasPrefix(name, "READLINE_")
}

// ofShell are the variables of which the shell itself makes use.
var ofShell = map[string]bool{"IFS": true, "PATH": true, "HOME": true, "LANG": true, "LANGUAGE": true, "PS0": true, "PS1": true, "PS2": true, "PS3": true, "PS4": true,
	"CDPATH": true, "ENV": true, "MAIL": true, "MAILPATH": true, "OPTIND": true, "OPTERR": true, "OPTARG": true, "PWD": true, "OLDPWD": true, "SHELL": true, "TERM": true,
	"TMPDIR": true, "TMOUT": true, "COLUMNS": true, "LINES": true, "FUNCNEST": true, "GLOBIGNORE": true, "FIGNORE": true, "IGNOREEOF": true, "POSIXLY_CORRECT": true,
	"PROMPT_COMMAND": true, "PROMPT_DIRTRIM": true, "RANDOM": true, "SECONDS": true, "TIMEFORMAT": true, "REPLY": true, "TZ": true, "USER": true, "LOGNAME": true,
	"HOSTNAME": true, "UID": true, "EUID": true, "PPID": true, "SHLVL": true, "GROUPS": true, "DIRSTACK": true, "MAPFILE": true, "INPUTRC": true, "FCEDIT": true,
	"MAILCHECK": true, "EXECIGNORE": true, "HOSTFILE": true, "CHILD_MAX": true, "EMACS": true, "DISPLAY": true, "auto_resume": true, "histchars": true}

// environment says whether a variable is in the step's environment already.
func (t *shellTree) environment(name string) bool {
	_, env := t.run.Before.Env[name]
	_, arg := t.run.Before.Args[name]
	return env || arg
}
