package rules

import (
	"slices"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3044 = &lint.Rule{
	Code: "DL3044", Title: "ENV uses a variable that it sets itself", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3044",
	Why: "All values of one ENV are expanded before any of them is set: a variable in it has the value from before the ENV, which is empty if there is none. " +
		"Use two ENV instructions.",
	Bad:  "FROM debian:12\nENV HOME_DIR=/opt/app BIN_DIR=$HOME_DIR/bin",
	Good: "FROM debian:12\nENV HOME_DIR=/opt/app\nENV BIN_DIR=$HOME_DIR/bin",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachTriggered(s, func(i int, in *syntax.Instruction) {
			pairs := in.Pairs()
			for k, pair := range pairs {
				for _, v := range variables(pair.Value, p.File.Escape, true) {
					if v.Guarded && p.Options.Hadolint {
						continue // hadolint sees only $NAME and ${NAME}
					}
					if setByOther(pairs, k, v.Name, p.File.Escape) && !isSet(p.Doc, s, i, v.Name) {
						p.Report(lint.At(pair.Value), "%s uses $%s as it is before this ENV, which sets it too: use two ENV", pair.Name(p.File.Escape), v.Name)
						return
					}
				}
			}
		}, "ENV")
	},
}

// setByOther says whether a pair other than the one with this index sets a variable.
func setByOther(pairs []syntax.Pair, index int, name string, escape byte) bool {
	for k, pair := range pairs {
		if k != index && pair.Name(escape) == name {
			return true
		}
	}
	return false
}

// isSet says whether a variable has been set before an instruction of a stage, by ENV or ARG. A part of a
// Dockerfile without FROM has its ARGs at the beginning.
func isSet(d *lint.Doc, s *lint.Stage, i int, name string) bool {
	state := s.Before(i)
	if _, ok := state.Env[name]; ok {
		return true
	}
	if _, ok := state.Args[name]; ok {
		return true
	}
	return s.From == nil && slices.ContainsFunc(d.Meta, func(in *syntax.Instruction) bool {
		return slices.ContainsFunc(in.Pairs(), func(p syntax.Pair) bool { return p.Key.S == name })
	})
}
