package rules

import (
	"fmt"
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1027 = &lint.Rule{
	Code: "PL1027", Title: "second root, or a user without a password", Severity: lint.Warning, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"dockle:DKL-LI-0001", "dockle:DKL-LI-0002"},
	Source:  "https://man7.org/linux/man-pages/man8/useradd.8.html",
	Why: "A user with the uid 0 is root under another name, one with the uid of another user has all that this one has, and an empty " +
		"password lets everybody in who can ask for one. None of them is seen by who looks for root.",
	Bad:  "FROM debian:12\nRUN useradd -o -u 0 admin",
	Good: "FROM debian:12\nRUN useradd -u 1000 app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			if at, what := weakUser(c); what != "" {
				p.Report(lint.At(at.Text), "%s", what)
			}
		})
		eachWriting(s, func(w writing) {
			base := path.Base(w.Target)
			if base != "passwd" && base != "shadow" {
				return
			}
			for _, line := range linesOf(w.Text) {
				fields := strings.Split(line.S, ":")
				if len(fields) < 6 {
					continue
				}
				if base == "passwd" && fields[2] == "0" && fields[0] != "root" {
					p.Report(lint.At(line), "the user %s has the uid 0, which is root: give it one of its own", fields[0])
				}
				if fields[0] != "" && fields[1] == "" {
					p.Report(lint.At(line), "the user %s has an empty password, which lets everybody in: lock it with an x in passwd and ! in shadow", fields[0])
				}
			}
		}, "passwd", "shadow")
	},
}

// weakUser finds the word with which a command makes a second root or opens an account, and says what
// is wrong with it.
func weakUser(c *shellscript.Command) (at shellscript.Word, what string) {
	switch c.Base() {
	case "passwd":
		if w, ok := c.FindFlag("-d", "--delete"); ok {
			return w, "passwd " + w.S + " lets everybody in as this user: lock it with passwd -l"
		}
		return at, ""
	case "useradd", "usermod":
		if w, value, ok := letterFlag(c, 'p', useraddValued); ok && value.Text.S != "" && value.S == "" {
			return w, c.Base() + " with an empty password lets everybody in as this user: leave it out"
		}
		if value, ok := c.FlagValue("--password"); ok && value.Text.S != "" && value.S == "" {
			return value, c.Base() + " with an empty password lets everybody in as this user: leave it out"
		}
		if w, value, ok := letterFlag(c, 'u', useraddValued); ok && value.S == "0" {
			return w, fmt.Sprintf("%s makes another root: a user needs a uid of its own", c.Base())
		}
		if w, ok := hasLetter(c, 'o', useraddValued); ok {
			return w, fmt.Sprintf("%s %s may give a uid that another user has: both have the same files and rights", c.Base(), w.S)
		}
		if w, ok := c.Find("--non-unique"); ok {
			return w, fmt.Sprintf("%s %s may give a uid that another user has: both have the same files and rights", c.Base(), w.S)
		}
	case "adduser":
		if w, value, ok := letterFlag(c, 'u', "hgsGuk"); ok && value.S == "0" {
			return w, "adduser makes another root: a user needs a uid of its own"
		}
	default:
		return at, ""
	}
	if value, ok := c.FlagValue("--uid"); ok && value.S == "0" {
		return value, c.Base() + " makes another root: a user needs a uid of its own"
	}
	return at, ""
}
