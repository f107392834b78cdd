package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3004 = &lint.Rule{
	Code: "DL3004", Title: "sudo in RUN", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0010", "checkov:CKV2_DOCKER_1", "dockle:DKL-DI-0001"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3004",
	Why: "sudo changes environment, terminal and signals in ways that depend on its configuration, and an image that has it set up lets the container's user " +
		"become root. USER says who runs a step; at start-up a tool like gosu steps down from root.",
	Bad:  "FROM debian:12\nUSER app\nRUN sudo apt-get update",
	Good: "FROM debian:12\nUSER root\nRUN apt-get update && rm -rf /var/lib/apt/lists/*\nUSER app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			for c := range programs(run) {
				if c.name() == "sudo" {
					p.Report(lint.At(c.words[0].Text), "sudo in RUN: say with USER who runs the step")
					break
				}
			}
		}
	},
}
