package rules

import (
	"regexp"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1024 = &lint.Rule{
	Code: "PL1024", Title: "sudo or doas without a password", Severity: lint.Warning, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://www.sudo.ws/docs/man/sudoers.man/",
	Why: "With `NOPASSWD: ALL`, or `nopass` for doas, each process of that user is root whenever it wants to, so a USER that is not root protects nothing. " +
		"Steps that need root belong before USER.",
	Bad:  "FROM debian:12\nRUN echo 'app ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/app",
	Good: "FROM debian:12\nRUN useradd --system app\nUSER app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			if !runsProgram(c, "sed") {
				return
			}
			for _, w := range c.Args() {
				if strings.Contains(w.S, "NOPASSWD") && uncommented.MatchString(w.S) {
					p.Report(lint.At(w.Text), "sed takes the comment sign from the NOPASSWD line of sudoers: users are root without a password, do what needs root before USER")
				}
			}
		})
		eachWriting(s, func(w writing) {
			if removedAgain(s, w) {
				return
			}
			for _, line := range linesOf(w.Text) {
				if strings.HasPrefix(line.S, "#") {
					continue
				}
				if i := strings.Index(line.S, "NOPASSWD"); i >= 0 && isEverything(line.S[i+len("NOPASSWD"):]) {
					p.Report(lint.At(line.Slice(i, i+len("NOPASSWD"))), "NOPASSWD for all commands makes this user root whenever it wants to be: do what needs root before USER")
				}
				if strings.Contains(w.Target, "doas") && isDoasForAll(line.S) {
					i := strings.Index(line.S, "nopass")
					p.Report(lint.At(line.Slice(i, i+len("nopass"))), "nopass for all commands makes this user root whenever it wants to be: do what needs root before USER")
				}
				if before, _, ok := strings.Cut(line.S, "!authenticate"); ok && strings.HasPrefix(before, "Defaults") {
					p.Report(lint.At(line.Slice(len(before), len(before)+len("!authenticate"))), "!authenticate lets users be root without a password: do what needs root before USER")
				}
			}
		}, "nopass", "!authenticate")
	},
}

// uncommented is a script of sed that takes the # from lines with NOPASSWD: /NOPASSWD/s/^# //.
var uncommented = regexp.MustCompile(`/[^/]*NOPASSWD[^/]*/ *s([/|,@])\^?(\\s\*)?#[ *\\s+?]*[/|,@]{2}`)

// isDoasForAll says whether a rule of doas lets somebody run each command as root without a password.
func isDoasForAll(rule string) bool {
	words := strings.Fields(rule)
	if slices.Index(words, "permit") != 0 || !slices.Contains(words, "nopass") || slices.Contains(words, "cmd") {
		return false
	}
	return !slices.Contains(words, "as") || strings.Contains(strings.Join(words, " ")+" ", " as root ")
}

// removedAgain says whether a step removes the file that was written.
func removedAgain(s *lint.Stage, w writing) bool {
	found := false
	if w.Target != "" {
		s.Commands(func(_ *lint.Run, c *shellscript.Command) {
			if c = unwrap(c); !runsProgram(c, "rm") || c.Words[0].Text.Offset(0) < w.Text.Offset(0) {
				return
			}
			for _, file := range c.Operands() {
				found = found || file.S == w.Target
			}
		})
	}
	return found
}

// isEverything says whether what follows NOPASSWD in a line of sudoers allows all commands.
func isEverything(rest string) bool {
	rest = strings.TrimLeft(rest, " \t:\\")
	for tag, after, ok := strings.Cut(rest, ":"); ok && (tag == "SETENV" || tag == "NOEXEC"); tag, after, ok = strings.Cut(rest, ":") {
		rest = strings.TrimLeft(after, " \t")
	}
	for command := range strings.SplitSeq(rest, ",") {
		after, ok := strings.CutPrefix(strings.TrimLeft(command, " \t"), "ALL")
		if ok && (after == "" || strings.IndexByte(" \t\"'\\;&|>/", after[0]) >= 0) {
			return true
		}
	}
	return false
}
