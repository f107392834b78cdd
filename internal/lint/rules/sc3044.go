package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc3044 = &lint.Rule{
	Code: "SC3044", Title: "command of bash in sh", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3044",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash has no pushd, popd, declare, typeset, shopt and the like: the command is not found.",
	Bad:    "FROM debian:12\nRUN pushd /srv && ls && popd",
	Good:   "FROM debian:12\nRUN (cd /srv && ls)",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			own := map[string]bool{}
			for i := range t.nodes {
				if f, ok := t.nodes[i].node.(*syntax.FuncDecl); ok && f.Name != nil {
					own[f.Name.Value] = true
				}
			}
			for _, c := range t.Commands {
				if name := c.Name(); onlyInBash[name] && !own[name] {
					t.report(p, lint.At(c.Words[0].Text), "sh has no %s: use bash for it", name)
				}
			}
			each(t, kindDecl, func(_ int, n *syntax.DeclClause) {
				if v := n.Variant.Value; v == "declare" || v == "typeset" {
					t.report(p, t.at(n.Variant), "sh has no %s: assign directly, or use bash", v)
				}
			})
		})
	},
}

// onlyInBash are commands that bash has itself and POSIX does not know.
var onlyInBash = map[string]bool{"pushd": true, "popd": true, "dirs": true, "shopt": true, "mapfile": true, "readarray": true, "disown": true, "compgen": true, "complete": true,
	"caller": true, "enable": true, "suspend": true}
