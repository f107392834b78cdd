package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var jsonArgsRecommended = &lint.Rule{
	Code: "JSONArgsRecommended", Title: "CMD or ENTRYPOINT as a shell command", Severity: lint.Warning, Family: lint.BuildKit,
	Profiles: lint.BuildKitProfile, Since: "0.1.0",
	Aliases: []string{"hadolint:DL3025"},
	Source:  "https://docs.docker.com/reference/build-checks/json-args-recommended/",
	Why: "A shell command is run by `/bin/sh -c`. That shell is process 1 then and does not pass signals on: `docker " +
		"stop` waits ten seconds and kills. The JSON form starts the program itself; SHELL before it says that a shell " +
		"is meant.",
	Bad:  "FROM debian:12\nCMD nginx -g x",
	Good: "FROM debian:12\nCMD [\"nginx\", \"-g\", \"x\"]",
	Check: func(p *lint.Pass) {
		warnings(p, func(in *syntax.Instruction, _ []checks.Warning) {
			f := p.Report(lint.At(in.Args), "%s is run by a shell, which keeps signals from the program: write it as a JSON array", in.Keyword)
			if list, ok := jsonForm(p.Doc, in); ok {
				f.WithFix("write it as a JSON array", lint.Replace(in.Args, list))
			}
		}, "CMD", "ENTRYPOINT")
	},
}

// jsonForm is a command as a JSON array, if it is only words that a shell would hand on as they are, and
// nothing else of the image takes it another way. A shell also runs a script that does not say what runs it.
func jsonForm(d *lint.Doc, in *syntax.Instruction) (string, bool) {
	line, _ := d.File.Position(in.Args.Offset(len(in.Args.S)))
	words := strings.Fields(in.Args.S)
	if line != in.Line || len(words) == 0 || slices.Contains(shellWords, words[0]) || strings.HasSuffix(words[0], ".sh") || strings.ContainsRune(words[0], '=') {
		return "", false
	}
	for _, c := range in.Args.S {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(" ./_-:=,+@%", c) {
			return "", false
		}
	}
	for _, s := range d.Stages {
		end := s.After()
		// a shell that runs ENTRYPOINT drops CMD, and an ENTRYPOINT in JSON form is given the shell's command line
		if slices.Contains(s.Instructions, in) && end.Entrypoint.Set && end.Cmd.Set {
			return "", false
		}
	}
	return `["` + strings.Join(words, `", "`) + `"]`, true
}

// shellWords are commands that only a shell has, or that need one.
var shellWords = []string{
	"cd", "exec", "export", "source", ".", "eval", "set", "unset", "exit", "trap", "ulimit", "umask", "wait", "read", "type", "command",
	":", "alias", "if", "for", "while", "until", "case", "time", "!",
}
