package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var legacyKeyValueFormat = &lint.Rule{
	Code: "LegacyKeyValueFormat", Title: "ENV or LABEL without an equals sign", Severity: lint.Info, Family: lint.BuildKit,
	Profiles: lint.Strict | lint.BaseImage | lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/legacy-key-value-format/",
	Why: "With a blank between name and value all of the rest of the line is one value, whatever it looks like: `ENV " +
		"A=1` and `ENV A 1 B=2` read nearly alike and are not. The form is kept for old files only.",
	Bad:  "FROM debian:12\nENV LANG C.UTF-8",
	Good: "FROM debian:12\nENV LANG=C.UTF-8",
	Check: func(p *lint.Pass) {
		warnings(p, func(in *syntax.Instruction, _ []checks.Warning) {
			for _, pair := range in.Pairs() {
				if !pair.Legacy {
					continue
				}
				f := p.Report(lint.Span{From: pair.Key.Offset(0), To: pair.Value.Offset(len(pair.Value.S))},
					"%s %s: put an equals sign between the name and its value", in.Keyword, pair.Key.S)
				if edits, ok := modernPair(p.File, pair); ok {
					f.WithFix("put an equals sign", edits...)
				}
			}
		}, "ENV", "LABEL")
	},
}

// modernPair puts an equals sign between a name and a value, and quotes around a value of several words. It
// says no where the value would be read in another way.
func modernPair(f *syntax.File, pair lint.Pair) ([]lint.Edit, bool) {
	gap := lint.Span{From: pair.Key.Offset(len(pair.Key.S)), To: pair.Value.Offset(0)}
	if !pair.Has || pair.Value.S == "" || strings.Trim(string(f.Data[gap.From:gap.To]), " \t\r\n"+string(f.Escape)) != "" || strings.ContainsAny(pair.Key.S, "\"'$=") {
		return nil, false
	}
	if words := pair.Value.Words(f.Escape); len(words) == 1 && words[0].S == pair.Value.S {
		return []lint.Edit{{Span: gap, Text: "="}}, true
	}
	if strings.ContainsAny(pair.Value.S, "\"'") || strings.IndexByte(pair.Value.S, f.Escape) >= 0 {
		return nil, false
	}
	return []lint.Edit{{Span: gap, Text: `="`}, lint.InsertAfter(pair.Value, `"`)}, true
}
