package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc2016 = &lint.Rule{
	Code: "SC2016", Title: "variable in single quotes", Severity: lint.Info, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2016",
	Why: "In single quotes nothing is expanded: `$name` stays as it is. Programs that have variables of their own (awk, sed, perl, envsubst, a shell behind -c) are not reported, " +
		"nor is what echo and printf write to a file: that is often a configuration or a script with variables of its own.",
	Bad:  "FROM debian:12\nRUN rm -rf '$HOME/.cache'",
	Good: "FROM debian:12\nRUN rm -rf \"$HOME/.cache\"",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			each(t, kindSingle, func(i int, n *syntax.SglQuoted) {
				if n.Dollar || !hasExpansion(n.Value) || t.readsVariables(i, n.Value) || !p.Options.Hadolint && t.isWrittenToFile(i) {
					return
				}
				t.report(p, t.at(n), "nothing is expanded in single quotes: use double quotes if the variable is meant")
			})
		})
	},
}

// hasExpansion says whether a text has something that double quotes would expand.
func hasExpansion(s string) bool {
	if i := strings.IndexByte(s, '`'); i >= 0 && strings.IndexByte(s[i+1:], '`') > 0 {
		return true
	}
	for i := 0; i+1 < len(s); i++ {
		if c := s[i+1]; s[i] == '$' && (c == '{' || c == '(' || c == '_' || c >= '0' && c <= '9' || isLetter(c)) {
			return true
		}
	}
	return false
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// readsVariables says whether the text is for a program in whose language $ has a meaning.
func (t *shellTree) readsVariables(i int, value string) bool {
	for up := t.nodes[i].up; ; up = t.nodes[up].up { // it is in a statement in any case
		switch n := t.nodes[up].node.(type) {
		case *syntax.LetClause:
			return true
		case *syntax.Assign:
			if n.Name == nil {
				return false
			}
			name := n.Name.Value
			return name == "PS1" || name == "PS2" || name == "PS3" || name == "PS4" || name == "PROMPT_COMMAND"
		case *syntax.CallExpr:
			return t.interprets(n, value)
		case *syntax.Stmt:
			return false
		}
	}
}

// isWrittenToFile says whether a word is one that echo or printf gets whose output goes to a file.
func (t *shellTree) isWrittenToFile(i int) bool {
	printed := false
	for at, up := i, t.nodes[i].up; up != top; at, up = up, t.nodes[up].up {
		switch n := t.nodes[up].node.(type) {
		case *syntax.BinaryCmd:
			if isPipe(n) && n.X == t.nodes[at].node {
				return printed && t.firstWord(n.Y) == "tee"
			}
		case *syntax.Stmt:
			printed = printed || n.Cmd == t.nodes[at].node && isNamed(n, "echo", "printf")
			for _, r := range n.Redirs {
				switch r.Op {
				case syntax.RdrOut, syntax.AppOut, syntax.RdrClob, syntax.RdrAll, syntax.AppAll:
					return printed
				}
			}
		case *syntax.CmdSubst, *syntax.FuncDecl:
			return false
		}
	}
	return false
}

// firstWord is the name of the command that a statement is, "" for another one.
func (t *shellTree) firstWord(stmt *syntax.Stmt) string {
	if c := t.simple(stmt); c != nil {
		return c.Base()
	}
	return ""
}

// interpreters are programs that get a text with variables in single quotes.
var interpreters = map[string]bool{"trap": true, "sh": true, "bash": true, "ash": true, "dash": true, "ksh": true, "zsh": true, "fish": true, "busybox": true, "ssh": true,
	"eval": true, "alias": true, "sudo": true, "su": true, "runuser": true, "gosu": true, "su-exec": true, "setpriv": true, "chroot": true, "docker": true,
	"podman": true, "dpkg-query": true, "jq": true, "yq": true, "rename": true, "unset": true, "envsubst": true, "awk": true, "gawk": true, "mawk": true, "nawk": true,
	"perl": true, "php": true, "node": true, "ruby": true, "python": true, "python3": true, "pwsh": true, "expr": true, "rpm": true, "rg": true, "xprop": true}

func (t *shellTree) interprets(call *syntax.CallExpr, value string) bool {
	c := t.command(call)
	name := c.Base()
	switch {
	case interpreters[name]:
		return true
	case name == "git":
		return c.Sub() == "filter-branch"
	case name == "sed":
		return sedAddress(value)
	}
	for i, w := range c.Args() { // find -exec sh -c '…', timeout 5 sh -c '…', xargs sh -c '…'
		if w.S == "-c" && interpreters[c.Words[i].S] {
			return true
		}
	}
	return false
}

// sedAddress says whether each $ in a script of sed can be its last line: it is where an address is, or before a command
// that often has one. Behind a longer name it is a variable.
func sedAddress(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '$' {
			continue
		}
		next, rest := s[i+1], s[i+2:]
		if next == '(' || next == '_' || next >= '0' && next <= '9' {
			return false
		}
		if isLetter(next) && !strings.ContainsRune("acdips", rune(next)) && i > 0 && !strings.ContainsRune(",;{}\n ", rune(s[i-1])) {
			return false
		}
		if (isLetter(next) || next == '{') && rest != "" && (isLetter(rest[0]) || rest[0] == '_') && !strings.ContainsAny(rest, "\n;") {
			return false
		}
	}
	return true
}
