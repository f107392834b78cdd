package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1029 = &lint.Rule{
	Code: "PL1029", Title: "ssh takes any host key", Severity: lint.Info, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://man.openbsd.org/ssh_config#StrictHostKeyChecking",
	Why: "With `StrictHostKeyChecking no` ssh takes the key of whoever answers, and `ssh-keyscan` asks the one who answers for his key: " +
		"both let somebody in between hand over other code. The host's known key belongs into the image or the build (`COPY " +
		"known_hosts`).",
	Bad:  "FROM debian:12\nRUN --mount=type=ssh GIT_SSH_COMMAND='ssh -o StrictHostKeyChecking=no' git clone git@github.com:me/app.git",
	Good: "FROM debian:12\nCOPY known_hosts /etc/ssh/ssh_known_hosts\nRUN --mount=type=ssh git clone git@github.com:me/app.git",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			for _, script := range run.Scripts {
				reportHostKey(p, script.Text)
			}
			if !scriptDocuments(run) {
				for _, h := range run.In.Heredocs {
					reportHostKey(p, h.Body)
				}
			}
		}
		eachInner(s, func(in *syntax.Instruction) {
			reportHostKey(p, in.Args)
			for _, h := range in.Heredocs {
				reportHostKey(p, h.Body)
			}
		}, "ENV", "COPY", "ADD")
		eachUnwrapped(s, func(run *lint.Run, c *shellscript.Command) {
			if runsProgram(c, "ssh-keyscan") && !checksSums(run) && !strings.Contains(run.In.Text.S, "ssh-keygen -l") {
				p.Report(lint.At(c.Words[0].Text), "ssh-keyscan takes the key of whoever answers: copy a known_hosts file with the host's known key")
			}
		})
	},
}

// reportHostKey finds the options of ssh that switch the check of host keys off, in whatever they stand:
// a command, a configuration, a variable.
func reportHostKey(p *lint.Pass, text syntax.Text) {
	const option = "StrictHostKeyChecking"
	for from := 0; ; {
		i := indexFold(text.S[from:], option)
		if i < 0 {
			return
		}
		i += from
		from = i + len(option)
		value := strings.TrimLeft(text.S[from:], " \t=\\\"'")
		end := strings.IndexFunc(value, func(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' })
		if end < 0 {
			end = len(value)
		}
		start := len(text.S) - len(value)
		if start > from && (isFalse(value[:end])) {
			p.Report(lint.At(text.Slice(i, start+end)), "%s %s makes ssh take the key of whoever answers: copy a known_hosts file with the host's known key", option, value[:end])
		}
	}
}
