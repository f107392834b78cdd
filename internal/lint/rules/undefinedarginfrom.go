package rules

import (
	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var undefinedArgInFrom = &lint.Rule{
	Code: "UndefinedArgInFrom", Title: "FROM uses an ARG that there is not", Severity: lint.Warning, Family: lint.BuildKit,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage | lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/undefined-arg-in-from/",
	Why: "FROM sees the ARGs before the first FROM, and those of the platform. Any other variable in it is empty, and so " +
		"is what it stands for in the name of the image.",
	Bad:  "FROM debian:${RELEASE}",
	Good: "ARG RELEASE=12\nFROM debian:${RELEASE}",
	Check: func(p *lint.Pass) {
		warnings(p, func(from *syntax.Instruction, here []checks.Warning) {
			for _, w := range here {
				name := quoted(w.Message, "'")
				at := from.Text
				for _, v := range variables(from.Text, p.File.Escape, true) {
					if v.Name == name {
						at = v.Text
						break
					}
				}
				if s := similar(name, metaNames(p.Doc)); s != "" {
					p.Report(lint.At(at), "FROM uses $%s, which no ARG before the first FROM declares: is $%s meant?", name, s)
				} else {
					p.Report(lint.At(at), "FROM uses $%s, which no ARG before the first FROM declares", name)
				}
			}
		}, "FROM")
	},
}

// metaNames are the names of the ARGs before the first FROM.
func metaNames(d *lint.Doc) (out []string) {
	for _, in := range d.Meta {
		for _, pair := range in.Pairs() {
			out = append(out, pair.Name(d.File.Escape))
		}
	}
	return out
}
