package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3003 = &lint.Rule{
	Code: "DL3003", Title: "cd where WORKDIR would do", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0013"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3003",
	Why: "A `cd` holds for the rest of one RUN and is easily overlooked in it. WORKDIR says once where the following instructions work, makes the folder, " +
		"and stays in effect; most commands take absolute paths anyway.",
	Bad:  "FROM debian:12\nRUN cd /usr/src/app && make",
	Good: "FROM debian:12\nWORKDIR /usr/src/app\nRUN make",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			for c := range programs(run) {
				if c.name() != "cd" {
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
