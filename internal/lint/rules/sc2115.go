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
			}, "rm", "/bin/rm")
		})
	},
}

// mayBeRoot says whether a word is a folder of the system, or all that is in it, when the variables in it are empty of which
// it is not known that they are not, and gives the name of the first one: one that is known would be left in what is looked at.
func (t *shellTree) mayBeRoot(w *syntax.Word) (name string, ok bool) {
	for _, part := range inQuotes(w.Parts) {
		if p, ok := part.(*syntax.ParamExp); ok {
			name = p.Param.Value
			break
		}
	}
	if name == "" {
		return "", false
	}
	path := t.emptied(w)
	rest := strings.TrimRight(path, "/*")
	return name, systemFolders[rest] || rest == "" && strings.Contains(path, "/")
}

var systemFolders = map[string]bool{"/bin": true, "/boot": true, "/dev": true, "/etc": true, "/home": true, "/lib": true, "/lib64": true, "/media": true, "/mnt": true,
	"/usr": true, "/usr/bin": true, "/usr/local": true, "/usr/share": true, "/var": true}

// mayBeEmpty says whether an expansion may have no value and does not say what happens then.
func (t *shellTree) mayBeEmpty(p *syntax.ParamExp) bool {
	if !t.flow().splits(p) {
		return false
	}
	if p.Exp == nil {
		return isSimple(p)
	}
	switch p.Exp.Op {
	case syntax.RemSmallPrefix, syntax.RemLargePrefix, syntax.RemSmallSuffix, syntax.RemLargeSuffix:
		return true
	}
	return false
}

// inQuotes are the parts of a word, with those of double quotes in the place of these.
func inQuotes(parts []syntax.WordPart) (out []syntax.WordPart) {
	for _, p := range parts {
		if quoted, ok := p.(*syntax.DblQuoted); ok {
			out = append(out, quoted.Parts...)
			continue
		}
		out = append(out, p)
	}
	return out
}

// emptied is a word with nothing in the place of the variables that may be empty.
func (t *shellTree) emptied(w *syntax.Word) string {
	var b strings.Builder
	for _, part := range inQuotes(w.Parts) {
		switch p := part.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.ParamExp:
			if !t.mayBeEmpty(p) {
				b.WriteString(t.Span(p).S)
			}
		default:
			b.WriteString(t.Span(p).S)
		}
	}
	return b.String()
}
