package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3003 = &lint.Rule{
	Code: "DL3003", Title: "cd where WORKDIR would do", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0013"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3003",
	Why: "A `cd` holds for the rest of one RUN and is easily overlooked in it. WORKDIR says once where the following instructions work, makes the folder, " +
		"and stays in effect; most commands take absolute paths anyway. A `cd` in a subshell holds for the commands in there only, which is fine, and so is one that another takes back, or to a folder that the step itself makes and deletes.",
	Bad:  "FROM debian:12\nRUN cd /usr/src/app && make",
	Good: "FROM debian:12\nWORKDIR /usr/src/app\nRUN make",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			find := lastingCD
			if p.Options.Hadolint {
				find = firstCD
			}
			c, ok := find(run)
			switch {
			case !ok:
			case len(c.words) > 1:
				p.Report(lint.At(c.words[0].Text), "cd %s: set the folder with WORKDIR, or use absolute paths", c.words[1].S)
			default:
				p.Report(lint.At(c.words[0].Text), "cd: set the folder with WORKDIR, or use absolute paths")
			}
		}
	},
}

// firstCD is what hadolint reports: any cd, also in a subshell, which its page calls fine.
func firstCD(run *lint.Run) (first program, found bool) {
	for c := range programs(run) {
		if c.name() == "cd" {
			return c, true
		}
	}
	return first, false
}
