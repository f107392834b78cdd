package rules

import (
	"slices"
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
				eachHostKeyOption(script.Text, func(at syntax.Text, value string) {
					if !onlyLooked(script, at.Offset(0)) {
						reportHostKey(p, at, value)
					}
				})
			}
		}
		eachInner(s, func(in *syntax.Instruction) {
			for _, text := range append([]syntax.Text{in.Args}, bodies(in)...) {
				eachHostKeyOption(text, func(at syntax.Text, value string) { reportHostKey(p, at, value) })
			}
		}, "ENV", "ARG", "COPY", "ADD")
		eachUnwrapped(s, func(run *lint.Run, c *shellscript.Command) {
			if runsProgram(c, "ssh-keyscan") && !onlyScansItself(c) && !checksSums(run) && !strings.Contains(run.In.Text.S, "ssh-keygen -l") {
				p.Report(lint.At(c.Words[0].Text), "ssh-keyscan takes the key of whoever answers: copy a known_hosts file with the host's known key")
			}
		})
	},
}

func reportHostKey(p *lint.Pass, at syntax.Text, value string) {
	p.Report(lint.At(at), "%s %s makes ssh take the key of whoever answers: copy a known_hosts file with the host's known key", hostKeyOption, value)
}

const hostKeyOption = "StrictHostKeyChecking"

// bodies are the documents of an instruction.
func bodies(in *syntax.Instruction) (out []syntax.Text) {
	for _, h := range in.Heredocs {
		out = append(out, h.Body)
	}
	return out
}

// eachHostKeyOption calls fn for the options of ssh that switch the check of host keys off, in whatever they
// stand: a command, a configuration, a variable.
func eachHostKeyOption(text syntax.Text, fn func(at syntax.Text, value string)) {
	for from := 0; ; {
		i := indexFold(text.S[from:], hostKeyOption)
		if i < 0 {
			return
		}
		i += from
		from = i + len(hostKeyOption)
		value := strings.TrimLeft(text.S[from:], " \t=\\\"'")
		end := strings.IndexFunc(value, func(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' })
		if end < 0 {
			end = len(value)
		}
		start := len(text.S) - len(value)
		if start > from && isFalse(value[:end]) && !behindHash(text.S[:i]) {
			fn(text.Slice(i, start+end), value[:end])
		}
	}
}

// behindHash says whether a text ends in a comment that has just begun, or in a line that is one.
func behindHash(before string) bool {
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") || strings.HasSuffix(strings.TrimRight(before, " \t"), "#")
}

// onlyLooked says whether a place in a script is in the words of grep, or in what sed looks for and takes out.
func onlyLooked(script *shellscript.Script, offset int) bool {
	looked := false
	eachScript([]*shellscript.Script{script}, func(script *shellscript.Script) {
		for _, c := range script.Commands {
			c = unwrap(c)
			if !runsProgram(c, "grep", "egrep", "fgrep", "sed", "awk") {
				continue
			}
			for _, w := range c.Args() {
				looked = looked || holds(w.Text, offset) && !(runsProgram(c, "sed") && slices.ContainsFunc(sedTexts(w.Text), func(t syntax.Text) bool { return holds(t, offset) }))
			}
		}
	})
	return looked
}

// holds says whether a place in the file is in a text.
func holds(t syntax.Text, offset int) bool {
	return t.S != "" && t.Offset(0) <= offset && offset < t.Offset(len(t.S))
}

// onlyScansItself says whether all hosts that ssh-keyscan asks are the machine itself.
func onlyScansItself(c *shellscript.Command) bool {
	hosts := c.Operands("-f", "-p", "-t", "-T", "-O")
	return len(hosts) > 0 && !slices.ContainsFunc(hosts, func(w shellscript.Word) bool { return !isLocalHost(w.S) })
}
