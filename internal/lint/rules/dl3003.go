package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3003 = &lint.Rule{
	Code: "DL3003", Title: "cd where WORKDIR would do", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0013"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3003",
	Why: "A `cd` holds for the rest of one RUN and is easily overlooked in it. WORKDIR says once where the following instructions work, makes the folder, " +
		"and stays in effect; most commands take absolute paths anyway. A `cd` in a subshell holds for the commands in there only, which is fine.",
	Bad:  "FROM debian:12\nRUN cd /usr/src/app && make",
	Good: "FROM debian:12\nWORKDIR /usr/src/app\nRUN make",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			for c := range programs(run) { // hadolint's page calls a subshell fine, and hadolint reports it
				if c.name() != "cd" || !p.Options.Hadolint && inSubshell(c.command) {
					continue
				}
				if len(c.words) > 1 {
					p.Report(lint.At(c.words[0].Text), "cd %s: set the folder with WORKDIR, or use absolute paths", c.words[1].S)
				} else {
					p.Report(lint.At(c.words[0].Text), "cd: set the folder with WORKDIR, or use absolute paths")
				}
				break
			}
		}
	},
}

// inSubshell says whether a command is in parentheses, or in a substitution.
func inSubshell(c *shellscript.Command) (found bool) {
	if c.Call == nil {
		return false
	}
	syntax.Walk(c.Script.Tree, func(n syntax.Node) bool {
		switch n.(type) {
		case nil:
			return false
		case *syntax.Subshell, *syntax.CmdSubst:
			found = found || n.Pos().Offset() <= c.Call.Pos().Offset() && c.Call.End().Offset() <= n.End().Offset()
		}
		return !found
	})
	return found
}
