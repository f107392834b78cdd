package rules

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1019 = &lint.Rule{
	Code: "PL1019", Title: "password in a layer", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_17"},
	Source:  "https://docs.docker.com/build/building/secrets/",
	Why: "A password that a step sets stands in the Dockerfile, in the history of the image and, as a hash, in its `/etc/shadow`: all " +
		"containers have the same one, and everybody who can pull the image has it. Services in containers need no password to log in " +
		"with; where one is needed, it is set when the container starts.",
	Bad:  "FROM debian:12\nRUN echo 'app:secret' | chpasswd",
	Good: "FROM debian:12\nRUN useradd --system --no-create-home app && usermod -p '!' app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachUnwrapped(s, func(run *lint.Run, c *shellscript.Command) {
			if at, name, ok := setsPassword(run, c); ok {
				p.Report(lint.At(at.Text), "%s puts a password into the image, the same one for all containers: set it when the container starts, or lock the account", name)
			}
		})
	},
}

// useraddValued are the letters of the flags of useradd and usermod that take a value.
const useraddValued = "bcdefgGklKpPRsuZ"

// setsPassword finds the word with which a command sets a password.
func setsPassword(run *lint.Run, c *shellscript.Command) (at shellscript.Word, name string, ok bool) {
	switch c.Base() {
	case "chpasswd", "newusers":
		return c.Words[0], c.Base(), !harmlessText(run, c, fedText(c))
	case "passwd":
		if c.HasFlag("--stdin") {
			return c.Words[0], "passwd --stdin", !harmlessText(run, c, fedText(c))
		}
		text := fedText(c)
		plain := len(c.Args()) == len(c.Operands())
		return c.Words[0], "passwd", plain && text != "" && !harmlessText(run, c, text)
	case "useradd", "usermod":
		flag, value, found := letterFlag(c, 'p', useraddValued)
		if !found {
			if value, found = c.FlagValue("--password"); found {
				flag, _ = c.FindFlag("--password")
			}
		}
		// an empty one is for another rule
		if !found || value.S == "" || strings.Trim(value.S, "*!x") == "" || harmlessText(run, c, value.S) {
			return flag, "", false
		}
		return flag, c.Base() + " " + flagName(flag.S), true
	}
	return at, "", false
}

// flagName is a flag without its value.
func flagName(s string) string {
	name, _, _ := strings.Cut(s, "=")
	return name
}

// harmlessPassword says whether what is fed to chpasswd locks the account, is made up at random, or
// comes from a secret that no layer has.
func harmlessPassword(text string) bool {
	for _, part := range []string{"/run/secrets", "openssl rand", "/dev/urandom", "/dev/random", "uuidgen", "pwgen", "apg ", "$RANDOM"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	trimmed := strings.TrimRight(text, "'\" \n")
	return strings.HasSuffix(trimmed, ":*") || strings.HasSuffix(trimmed, ":!")
}

// harmlessText says the same of a text with variables that have such a value.
func harmlessText(run *lint.Run, c *shellscript.Command, text string) bool {
	return harmlessPassword(text) || slices.ContainsFunc(lint.Variables(text), func(name string) bool {
		return hasSecretEnv(run.In, name) || setHarmless(c.Script, name)
	})
}

// setHarmless says whether a script gives a variable a value that is made up at random, or comes from a secret.
func setHarmless(script *shellscript.Script, name string) bool {
	for _, c := range script.Commands {
		if runsProgram(c, "read") && slices.ContainsFunc(c.Operands(), func(w shellscript.Word) bool { return w.S == name }) {
			return harmlessPassword(fedText(c))
		}
	}
	found := false
	if script.Tree != nil {
		syntax.Walk(script.Tree, func(n syntax.Node) bool {
			if a, ok := n.(*syntax.Assign); ok && a.Name != nil && a.Value != nil && a.Name.Value == name {
				found = found || harmlessPassword(script.Span(a.Value).S)
			}
			return true
		})
	}
	return found
}

// fedText is what a command is given to read, as far as it stands in the script.
func fedText(c *shellscript.Command) string {
	if c.Stmt != nil {
		for _, r := range c.Stmt.Redirs {
			switch {
			case r.Hdoc != nil:
				return c.Script.Span(r.Hdoc).S
			case r.Word != nil && strings.Contains(r.Op.String(), "<"):
				return c.Script.Span(r.Word).S
			}
		}
	}
	if c.Call == nil {
		return ""
	}
	// the nearest echo before it is on the other side of the pipe
	end := int(c.Call.Pos().Offset())
	before := strings.TrimRight(c.Script.Text.S[:end], " \t\n")
	if !strings.HasSuffix(before, "|") || strings.HasSuffix(before, "||") {
		return ""
	}
	for i := len(c.Script.Commands) - 1; i >= 0; i-- {
		have := c.Script.Commands[i]
		if have.Call != nil && int(have.Call.Pos().Offset()) < end && runsProgram(unwrap(have), "echo", "printf", "cat", "yes") && !insideWord(have, c) {
			return strings.TrimRight(before[have.Call.Pos().Offset():len(before)-1], " \t\n")
		}
	}
	return before
}

// insideWord says whether a command is in a substitution of another one's words, so that it feeds nothing.
func insideWord(inner, of *shellscript.Command) bool {
	for _, c := range of.Script.Commands {
		if c != inner && c.Call != nil && c.Call.Pos().Offset() < inner.Call.Pos().Offset() && inner.Call.End().Offset() <= c.Call.End().Offset() {
			return true
		}
	}
	return false
}
