package rules

import (
	"slices"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3001 = &lint.Rule{
	Code: "DL3001", Title: "a command that makes no sense in a container", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3001",
	Why: "A build step has no init system, no other machine's processes and nobody at a keyboard: what `service`, `mount` or `vim` does there " +
		"is gone when the step ends, or cannot work at all.",
	Bad:  "FROM debian:12\nRUN service nginx start",
	Good: "FROM debian:12\nCMD [\"nginx\", \"-g\", \"daemon off;\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			for c := range programs(run) {
				if slices.Contains(pointless, c.name()) {
					p.Report(lint.At(c.words[0].Text), "%s makes no sense while an image is built", c.name())
					break
				}
			}
		}
	},
}

var pointless = []string{
	"free", "ifconfig", "kill", "mount", "nano", "ps", "service", "shutdown", "ssh", "top", "vim",
}
