package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc2028 = &lint.Rule{
	Code: "SC2028", Title: "echo of an escape sequence", Severity: lint.Info, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2028",
	Why:    "Whether `echo` makes a line end of `\\n` depends on the shell: dash does, bash and busybox do not. `printf` always does. Where /bin/sh is known to be dash, on Debian and Ubuntu, nothing is reported.",
	Bad:    "FROM alpine:3.20\nRUN echo \"a\\nb\" > /etc/list",
	Good:   "FROM alpine:3.20\nRUN printf 'a\\nb\\n' > /etc/list",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			if t.dash {
				return // it expands them
			}
			for _, c := range t.Commands {
				if c.Base() != "echo" {
					continue
				}
				for _, w := range echoed(c) {
					if hasEscape(w.Tree) {
						t.report(p, lint.At(w.Text), "whether echo expands the escape sequence depends on the shell: use printf")
					}
				}
			}
		})
	},
}

// echoed are the words behind echo's flags, none if these say what becomes of escape sequences.
func echoed(c *shellscript.Command) []shellscript.Word {
	for i, w := range c.Args() {
		if !isEchoFlag(w.S) {
			return c.Args()[i:]
		}
		if strings.Contains(w.S, "e") {
			return nil
		}
	}
	return nil
}

// isEchoFlag says whether a word before all others is one of echo's flags.
func isEchoFlag(s string) bool {
	return len(s) > 1 && s[0] == '-' && strings.Trim(s, "-neE") == ""
}

// hasEscape says whether a quoted part of a word has an escape sequence of echo's.
func hasEscape(w *syntax.Word) bool {
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.SglQuoted:
			if !p.Dollar && escapes(p.Value) {
				return true
			}
		case *syntax.DblQuoted:
			for _, inner := range p.Parts {
				if lit, ok := inner.(*syntax.Lit); ok && escapes(lit.Value) {
					return true
				}
			}
		}
	}
	return false
}

func escapes(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		if strings.IndexByte("abefnrtv01234567", s[i+1]) >= 0 || s[i+1] == 'x' && i+2 < len(s) && isHex(s[i+2]) {
			return true
		}
	}
	return false
}
