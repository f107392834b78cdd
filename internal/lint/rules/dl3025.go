package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3025 = &lint.Rule{
	Code: "DL3025", Title: "CMD, ENTRYPOINT or HEALTHCHECK is not in JSON form", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"buildkit:JSONArgsRecommended"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3025",
	Why: "Without JSON form a shell stands between the container and its program: signals to stop do not reach it, CMD is not given to ENTRYPOINT, and an image without " +
		"a shell can't run it. Where a shell is wanted, name it: `[\"sh\", \"-c\", \"…\"]`.",
	Bad:  "FROM debian:12\nCMD nginx -t",
	Good: "FROM debian:12\nCMD [\"nginx\", \"-t\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachTriggered(s, func(i int, in *syntax.Instruction) {
			command, ok := shellForm(in)
			if !ok {
				if p.Options.Hadolint && in.Keyword != "HEALTHCHECK" && len(in.Flags) > 0 {
					p.Report(lint.At(in.Flags[0].Text), "%s is run by a shell: write it in JSON form", in.Keyword) // BuildKit takes these for its own, and refuses them
				}
				return
			}
			what := in.Keyword
			if what == "HEALTHCHECK" {
				what += " CMD"
			}
			if strings.HasPrefix(command.S, "[") && strings.HasSuffix(command.S, "]") && strings.ContainsAny(command.S, `"'`) {
				p.Report(lint.At(command), "%s looks like JSON and is none: a shell will read it", what)
				return
			}
			how := ""
			if strings.Contains(command.S, "$") {
				how = `, with ["sh", "-c", …] for what it expands`
			}
			f := p.Report(lint.At(command), "%s is run by a shell: write it in JSON form%s", what, how)
			if words := command.Fields(); plainWords(words) && oneLine(command) && sameWithoutShell(s, i, in) {
				f.WithFix("write it in JSON form", lint.Replace(command, inJSONForm(words)))
			}
		}, "CMD", "ENTRYPOINT", "HEALTHCHECK")
	},
}

// shellForm gives the command of CMD, ENTRYPOINT or HEALTHCHECK CMD if a shell reads it.
func shellForm(in *syntax.Instruction) (command syntax.Text, ok bool) {
	if _, list := in.JSON(); list {
		return command, false
	}
	command = in.Args
	if in.Keyword == "HEALTHCHECK" {
		kind, rest, _ := command.CutSpace()
		if !strings.EqualFold(kind.S, "CMD") {
			return command, false
		}
		command = rest
	}
	return command, command.S != ""
}

// plainWords says whether words mean the same with and without a shell.
func plainWords(words []syntax.Text) bool {
	for i, w := range words {
		if strings.IndexFunc(w.S, func(r rune) bool { return !plainRune(r) }) >= 0 {
			return false
		}
		if i == 0 && (strings.Contains(w.S, "=") || slices.Contains(shellCommands, w.S)) {
			return false
		}
	}
	return true
}

func plainRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_./:=@%+,-", r)
}

// shellCommands are commands that are no programs.
var shellCommands = strings.Fields(`. : alias bg bind break builtin case cd command continue coproc declare disown do done elif else enable esac eval exec exit
export fc fg fi for function getopts hash help history if in jobs let local logout popd pushd read readonly return select set shift shopt source
suspend then time times trap type typeset ulimit umask unalias unset until wait while`)

// sameWithoutShell says whether a command may lose its shell and nothing else changes: ENTRYPOINT
// would be given a CMD then, and an ENTRYPOINT another CMD.
func sameWithoutShell(s *lint.Stage, i int, in *syntax.Instruction) bool {
	state := s.Before(i)
	if in.Onbuild != nil || in.File().Escape != '\\' || len(state.Shell) == 0 || shellscript.DialectOf(state.Shell[0]) == shellscript.Other {
		return false
	}
	switch in.Keyword {
	case "ENTRYPOINT":
		return len(s.Find("CMD")) == 0
	case "CMD":
		return !s.After().Entrypoint.Set
	}
	return true
}

func inJSONForm(words []syntax.Text) string {
	var quoted []string
	for _, w := range words {
		quoted = append(quoted, `"`+w.S+`"`)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
