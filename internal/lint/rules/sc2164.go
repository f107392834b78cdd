package rules

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc2164 = &lint.Rule{
	Code: "SC2164", Title: "cd that may fail unnoticed", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict | lint.Recommended, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2164",
	Why:    "If the folder is not there, what comes next runs in another one. `cd … || exit`, `&&` or `set -e` stop the step.",
	Bad:    "FROM debian:12\nRUN cd /srv/app; rm -rf ./*",
	Good:   "FROM debian:12\nRUN cd /srv/app && rm -rf ./*",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			if t.errExit() {
				return
			}
			each(t, kindCall, func(i int, n *syntax.CallExpr) {
				if len(n.Args) == 0 {
					return
				}
				c := t.command(n)
				name := c.Name()
				if name != "cd" && name != "pushd" && name != "popd" || staysSafe(c) || t.inCondition(i) || !p.Options.Hadolint && t.isWorkdir(c) {
					return
				}
				f := t.report(p, lint.At(c.Text()), "if %s fails, the rest runs in the wrong folder: add || exit, or use &&", name)
				if stmt := t.nodes[i].up; t.isStep(stmt) {
					s := t.nodes[stmt].node.(*syntax.Stmt)
					end := int(n.End().Offset())
					for _, r := range s.Redirs {
						end = max(end, int(r.End().Offset()))
					}
					f.WithFix("add || exit", lint.InsertAfter(t.Text.Slice(end, end), " || exit"))
				}
			})
		})
	},
}

// staysSafe says whether a command goes to a folder that is always there, or nowhere: cd .., popd -n.
func staysSafe(c *shellscript.Command) bool {
	if c.Name() != "cd" && c.Has("-n") {
		return true
	}
	return len(c.Words) == 2 && strings.Trim(c.Words[1].S, "./") == ""
}

// isWorkdir says whether a command goes to the folder that WORKDIR has made, or one above it.
func (t *shellTree) isWorkdir(c *shellscript.Command) bool {
	before := t.run.Before
	if before == nil || !before.Workdir.Set || len(c.Words) != 2 || !strings.HasPrefix(c.Words[1].S, "/") {
		return false
	}
	dir := strings.TrimRight(path.Clean(c.Words[1].S), "/")
	return strings.HasPrefix(path.Clean(before.Workdir.S)+"/", dir+"/")
}

// isStep says whether a statement is one of several that run one after the other, on its own.
func (t *shellTree) isStep(i int) bool {
	s := t.nodes[i].node.(*syntax.Stmt)
	if s.Negated || s.Background || s.Coprocess {
		return false
	}
	for _, r := range s.Redirs {
		if r.Hdoc != nil {
			return false
		}
	}
	switch t.parent(i).(type) {
	case *syntax.File, *syntax.Block, *syntax.Subshell, *syntax.IfClause, *syntax.WhileClause, *syntax.ForClause:
		return true
	}
	return false
}
