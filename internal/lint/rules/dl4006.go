package rules

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	dockerfile "github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl4006 = &lint.Rule{
	Code: "DL4006", Title: "Pipe without pipefail", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL4006",
	Why: "A pipeline fails when its last command does. If curl can't load what tar is to unpack, or a program before tee breaks, the step goes on and the " +
		"image is built from what came. With pipefail any of the commands counts. Nothing is reported where all that stands before the pipe cannot fail, as `echo`, and where a failure would not end the step either: in a condition, before `|| true`, in the words of a command. bash, zsh, ksh and ash have it; Debian's /bin/sh has not.",
	Bad:  "FROM debian:12\nRUN wget -O - https://example.com/list | wc -l > /number",
	Good: "FROM debian:12\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN wget -O - https://example.com/list | wc -l > /number",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if isWindowsStage(s) {
			return
		}
		for _, run := range s.Runs() {
			shell := runShell(s, run)
			if p.Options.Hadolint {
				shell = ownShell(s, run)
			}
			if !run.Exec && shellHasPipefail(shell[0], s) && setsPipefail(shell[1:]) {
				continue
			}
			for _, script := range run.Scripts {
				if pipe := firstPipe(script, scriptShell(s, run, script), s); pipe != nil {
					p.Report(lint.At(script.Span(pipe)), "a failure before the last pipe is lost: put SHELL [\"%s\", \"-o\", \"pipefail\", \"-c\"] before this RUN", pipefailShell(s))
					break
				}
			}
		}
	},
}

// runShell is the shell that reads a RUN, for one under ONBUILD that of a SHELL under ONBUILD before it.
func runShell(s *lint.Stage, run *lint.Run) []string {
	shell := run.Shell
	for _, in := range s.Instructions {
		if run.In.Onbuild == nil || in.Start > run.In.Start {
			break
		}
		if in.Inner != nil && in.Inner.Keyword == "SHELL" {
			if list, ok := in.Inner.JSONValues(); ok {
				shell = list
			}
		}
	}
	if len(shell) == 0 {
		return lint.DefaultShell
	}
	return shell
}

// ownShell is the shell that a SHELL of the same stage names for a step. That is all that hadolint looks at.
func ownShell(s *lint.Stage, run *lint.Run) []string {
	if !slices.ContainsFunc(s.Instructions, func(in *dockerfile.Instruction) bool { return in.Keyword == "SHELL" && in.Start < run.In.Start }) && run.In.Onbuild == nil {
		return lint.DefaultShell
	}
	return runShell(s, run)
}

// pipefailShell is a shell that knows pipefail and is likely to be in the image.
func pipefailShell(s *lint.Stage) string {
	if shIsBusybox(s) {
		return "/bin/ash"
	}
	return "/bin/bash"
}

// scriptShell is the program that reads a script.
func scriptShell(s *lint.Stage, run *lint.Run, script *shellscript.Script) string {
	switch script.Dialect {
	case shellscript.Bash:
		return "bash"
	case shellscript.Zsh:
		return "zsh"
	case shellscript.Ksh:
		return "ksh"
	}
	return runShell(s, run)[0]
}

// firstPipe is the first pipeline in which a failure is lost and before which nothing sets pipefail, nil for none.
// hadolint takes each pipe for one.
func firstPipe(script *shellscript.Script, shell string, s *lint.Stage) (pipe *syntax.BinaryCmd) {
	if script.Tree == nil {
		return nil
	}
	var look func(syntax.Node) bool
	look = func(n syntax.Node) bool {
		if b, ok := n.(*syntax.BinaryCmd); ok && pipe == nil && isPipe(b) && (s.Options().Hadolint || losesFailure(b.X)) {
			pipe = b
		}
		return pipe == nil && (s.Options().Hadolint || failureCounts(n, look))
	}
	syntax.Walk(script.Tree, look)
	if pipe == nil || s.Options().Hadolint || !shellHasPipefail(shell, s) {
		return pipe // hadolint wants it in SHELL
	}
	for _, c := range script.Commands {
		if c.Name() == "set" && c.Call.Pos().Offset() < pipe.Pos().Offset() && setsPipefail(wordTexts(c.Args())) {
			return nil
		}
	}
	return pipe
}

// failureCounts says whether a failure in a part of a script ends the step. Of those parts of which only some count, it
// looks at these itself.
func failureCounts(n syntax.Node, look func(syntax.Node) bool) bool {
	switch n := n.(type) {
	case *syntax.Stmt:
		return !n.Negated
	case *syntax.IfClause:
		for part := n; part != nil; part = part.Else {
			eachStmt(part.Then, look)
		}
		return false
	case *syntax.WhileClause:
		eachStmt(n.Do, look)
		return false
	case *syntax.BinaryCmd:
		return n.Op != syntax.OrStmt || !alwaysSucceeds(n.Y)
	case *syntax.CallExpr: // what is put into its words may fail without a trace; not so in "a=$(b | c)"
		return len(n.Args) == 0
	case *syntax.DeclClause, *syntax.TestClause:
		return false
	}
	return true
}

func eachStmt(list []*syntax.Stmt, look func(syntax.Node) bool) {
	for _, s := range list {
		syntax.Walk(s, look)
	}
}

// losesFailure says whether what stands before a pipe can fail.
func losesFailure(stmt *syntax.Stmt) bool {
	if b, ok := stmt.Cmd.(*syntax.BinaryCmd); ok && isPipe(b) {
		return losesFailure(b.X) || losesFailure(b.Y)
	}
	return !alwaysSucceeds(stmt)
}

// alwaysSucceeds says whether a command has no failure that pipefail could find: one that prints what it is given, "yes",
// which pipefail makes fail when it is no longer listened to, and anything behind which "|| true" stands.
func alwaysSucceeds(stmt *syntax.Stmt) bool {
	switch c := stmt.Cmd.(type) {
	case *syntax.CallExpr:
		if len(c.Args) == 0 {
			return false
		}
		switch c.Args[0].Lit() {
		case "echo", "printf", "yes", "true", ":":
			return true
		case "cat":
			return len(c.Args) == 1 && slices.ContainsFunc(stmt.Redirs, func(r *syntax.Redirect) bool {
				return r.Op == syntax.Hdoc || r.Op == syntax.DashHdoc || r.Op == syntax.WordHdoc
			})
		}
	case *syntax.BinaryCmd:
		return c.Op == syntax.OrStmt && alwaysSucceeds(c.Y) || c.Op == syntax.AndStmt && alwaysSucceeds(c.X) && alwaysSucceeds(c.Y)
	case *syntax.Block:
		return len(c.Stmts) > 0 && alwaysSucceeds(c.Stmts[len(c.Stmts)-1])
	case *syntax.Subshell:
		return len(c.Stmts) > 0 && alwaysSucceeds(c.Stmts[len(c.Stmts)-1])
	}
	return false
}

func wordTexts(list []shellscript.Word) (out []string) {
	for _, w := range list {
		out = append(out, w.S)
	}
	return out
}

// setsPipefail says whether arguments of a shell or of set switch pipefail on: -o pipefail, -euo pipefail.
func setsPipefail(args []string) bool {
	for i, a := range args {
		if a == "pipefail" && i > 0 && strings.HasPrefix(args[i-1], "-") && strings.HasSuffix(args[i-1], "o") {
			return true
		}
	}
	return false
}

// shellHasPipefail says whether a shell knows pipefail. What sh is depends on the image: an unknown one's is
// taken to know it, because a step that sets it would fail otherwise.
func shellHasPipefail(program string, s *lint.Stage) bool {
	name := program[strings.LastIndexAny(program, `/\`)+1:]
	if s.Options().Hadolint {
		return slices.Contains([]string{"bash", "zsh", "ash"}, strings.TrimPrefix(program, "/bin/"))
	}
	switch name {
	case "bash", "zsh", "ksh", "mksh", "ash", "busybox":
		return true
	case "sh":
		root, ref := rootImage(s)
		return s.From != nil && (strings.Contains(ref, "alpine") || !slices.Contains([]string{"", "scratch", "debian", "ubuntu", "buildpack-deps"}, root))
	}
	return false
}
