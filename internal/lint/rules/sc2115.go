package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var sc2115 = &lint.Rule{
	Code: "SC2115", Title: "rm -r of a variable and a slash", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict | lint.Recommended, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC2115",
	Why:    "If the variable is empty, `rm -rf \"$dir/\"` removes the whole file system, and `\"$dir/lib\"` removes `/lib`. `\"${dir:?}\"` stops instead. A variable that the Dockerfile gives a value is not reported.",
	Bad:    "FROM debian:12\nARG DIR\nRUN rm -rf \"$DIR\"/*",
	Good:   "FROM debian:12\nARG DIR\nRUN rm -rf \"${DIR:?}\"/*",
	Check: func(p *lint.Pass) {
		eachShell(p, func(t *shellTree) {
			t.eachCommand(func(c *shellscript.Command) {
				if !c.HasFlag("-r", "-R", "--recursive") {
					return
				}
				for _, w := range c.Args() {
					if name, ok := t.mayBeRoot(w.Tree); ok {
						t.report(p, lint.At(w.Text), "if %s is empty this removes %s: use ${%s:?}", name, t.emptied(w.Tree), name)
					}
				}
			}, "rm")
		})
	},
}

// mayBeRoot says whether a word is a folder of the system when the variable that it begins with is empty.
func (t *shellTree) mayBeRoot(w *syntax.Word) (name string, ok bool) {
	first := w.Parts[0]
	if quoted, ok := first.(*syntax.DblQuoted); ok && len(quoted.Parts) > 0 {
		first = quoted.Parts[0]
	}
	p, ok := first.(*syntax.ParamExp)
	if !ok || !isSimple(p) || !t.flow().splits(p) {
		return "", false
	}
	rest := strings.TrimSuffix(strings.TrimSuffix(t.emptied(w), "*"), "/")
	switch rest {
	case "":
		return p.Param.Value, t.emptied(w) != "" && t.emptied(w) != "*"
	case "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/media", "/mnt", "/opt", "/root", "/sbin", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/share", "/var", "/var/lib":
		return p.Param.Value, true
	}
	return "", false
}

// emptied is a word with nothing in the place of its variables.
func (t *shellTree) emptied(w *syntax.Word) string {
	var b strings.Builder
	write := func(p syntax.WordPart) {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.ParamExp:
			if !isSimple(p) {
				b.WriteString(t.Span(p).S)
			}
		default:
			b.WriteString(t.Span(p).S)
		}
	}
	for _, part := range w.Parts {
		if quoted, ok := part.(*syntax.DblQuoted); ok {
			for _, inner := range quoted.Parts {
				write(inner)
			}
			continue
		}
		write(part)
	}
	return b.String()
}
