package rules

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	dockerfile "github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3059 = &lint.Rule{
	Code: "DL3059", Title: "Consecutive RUN instructions", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3059",
	Why: "Each RUN is a layer: what one writes and the next deletes stays in the image. Comments between them do not count, other instructions do. " +
		"RUN instructions with different flags can't be one, and whoever chains more than two commands in a RUN has thought about its layers: these are not reported, and neither are stages that only lend files.",
	Bad:  "FROM debian:12\nRUN make\nRUN make install",
	Good: "FROM debian:12\nRUN make && make install",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !p.Options.Hadolint && !shipped(p.Doc, s) {
			return // no layer of it is in the image
		}
		runs := s.Runs()
		var before, trigger *lint.Run // the RUN that an instruction follows, and the last one that ONBUILD triggers
		for _, in := range s.Instructions {
			inner := triggered(in)
			if inner.Keyword != "RUN" {
				before = nil
				if in.Inner != nil {
					trigger = nil
				}
				continue
			}
			run := runs[0]
			runs = runs[1:]
			last := &before
			if in.Inner != nil {
				before, last = nil, &trigger
			}
			if *last != nil && couldBeOne(*last, run, p.Options.Hadolint) {
				p.Report(lint.Keyword(inner), "this RUN follows another: write their commands into one, with && between them")
			}
			*last = run
		}
	},
}

// couldBeOne says whether two RUN instructions have the same flags, and few commands each.
func couldBeOne(a, b *lint.Run, hadolint bool) bool {
	return slices.Equal(runFlags(a), runFlags(b)) && !isChain(a, hadolint) && !isChain(b, hadolint)
}

// runFlags are the flags of a step. The order of them means nothing, and neither does that of the parts of a mount.
func runFlags(run *lint.Run) []string {
	var out []string
	for _, f := range run.In.Flags {
		out = append(out, f.Name+"="+sortedValue(f))
	}
	slices.Sort(out)
	return out
}

func sortedValue(f dockerfile.Flag) string {
	if f.Name != "mount" {
		return f.Value
	}
	parts := strings.Split(f.Value, ",")
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// isChain says whether a step has more than two commands.
func isChain(run *lint.Run, hadolint bool) bool {
	const few = 2
	count := 0
	for _, script := range run.Scripts {
		count += len(script.Commands)
		if count > few {
			return true
		}
		if script.Tree == nil { // it is in a language that is not read here
			count += 1 + strings.Count(script.Text.S, "&&")
			if !hadolint {
				count += strings.Count(script.Text.S, ";") // as PowerShell has it
			}
			continue
		}
		syntax.Walk(script.Tree, func(n syntax.Node) bool {
			if _, ok := n.(*syntax.DeclClause); ok {
				count++ // export and the like
			}
			return count <= few
		})
	}
	return count > few
}
