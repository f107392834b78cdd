package lint

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// DefaultShell reads RUN steps where no SHELL says otherwise.
var DefaultShell = []string{"/bin/sh", "-c"}

// windowsShell is that of images of Windows.
var windowsShell = []string{"cmd", "/S", "/C"}

// Runs are the RUN steps of a stage as commands, those that ONBUILD triggers included.
func (s *Stage) Runs() []*Run {
	if s.runs == nil {
		s.runs = []*Run{}
		for i, in := range s.Instructions {
			run := in
			for run.Inner != nil {
				run = run.Inner
			}
			if run.Keyword == "RUN" {
				before := s.Before(i)
				shell := before.Shell
				if !before.ShellSet && (s.isWindows() || before.isWindows()) {
					shell = windowsShell
				}
				r := s.parseRun(run, shell)
				for _, script := range r.Scripts {
					script.FirstWord = s.doc.Options.Hadolint // sudo apt-get is sudo to it
				}
				r.Before = before
				s.runs = append(s.runs, r)
			}
		}
	}
	return s.runs
}

// isWindows says whether the stage stands on an image of Windows, as far as its name and the escape directive, which is
// there for paths with backslashes, tell.
func (s *Stage) isWindows() bool {
	if s.doc.File.Escape == '`' && !s.doc.Options.Hadolint {
		return true
	}
	for s.Parent != nil {
		s = s.Parent
	}
	image := strings.ToLower(s.Resolved)
	return strings.Contains(image, "windows") || strings.Contains(image, "nanoserver") || strings.Contains(image, "servercore")
}

// isWindows says whether a user or a folder is one that only Windows has: ContainerAdministrator, C:/bin.
func (e *Effective) isWindows() bool {
	dir := e.Workdir.S
	return strings.HasPrefix(e.User.S, "Container") || len(dir) > 1 && dir[1] == ':' && (dir[0]|' ' >= 'a' && dir[0]|' ' <= 'z')
}

// Commands calls fn for each command of each RUN step.
func (s *Stage) Commands(fn func(*Run, *shellscript.Command)) {
	for _, r := range s.Runs() {
		r.Each(func(c *shellscript.Command) { fn(r, c) })
	}
}

// Each calls fn for each command.
func (r *Run) Each(fn func(*shellscript.Command)) {
	for _, script := range r.Scripts {
		for _, c := range script.Commands {
			fn(c)
		}
	}
}

// Commands are all commands of the step.
func (r *Run) Commands() (out []*shellscript.Command) {
	r.Each(func(c *shellscript.Command) { out = append(out, c) })
	return out
}

// Mounts are the --mount flags of the step.
func (r *Run) Mounts() (out []syntax.Flag) {
	for _, f := range r.In.Flags {
		if f.Name == "mount" {
			out = append(out, f)
		}
	}
	return out
}

// MountType is the type of a --mount flag.
func MountType(f syntax.Flag) string {
	if t, ok := MountOption(f, "type"); ok {
		return strings.ToLower(t)
	}
	return "bind"
}

// MountTarget is where a --mount flag puts it.
func MountTarget(f syntax.Flag) string {
	t, _ := MountOption(f, "target", "dst", "destination")
	return t
}

// Mounted says whether a path is in a mount of the step of one of these types.
func (r *Run) Mounted(path string, types ...string) bool {
	for _, f := range r.Mounts() {
		target := strings.TrimSuffix(MountTarget(f), "/")
		for _, t := range types {
			if MountType(f) == t && target != "" && (path == target || strings.HasPrefix(path, target+"/")) {
				return true
			}
		}
	}
	return false
}

// ShellForm reads a command in the form of CMD, ENTRYPOINT or HEALTHCHECK CMD.
func (s *Stage) ShellForm(in *syntax.Instruction, args syntax.Text, shell []string) *Run {
	r := &Run{In: in, Shell: shell}
	_, r.Exec = in.JSON()
	if r.Exec {
		r.Scripts = execScripts(in)
		return r
	}
	r.Dialect = dialect(shell, pragma(s.doc.File))
	r.Scripts = []*shellscript.Script{shellscript.Parse(args, r.Dialect)}
	return r
}

func (s *Stage) parseRun(in *syntax.Instruction, shell []string) *Run {
	r := &Run{In: in, Shell: shell}
	_, r.Exec = in.JSON()
	if r.Exec {
		r.Scripts = execScripts(in)
		return r
	}
	r.Dialect = dialect(shell, pragma(s.doc.File))
	if len(in.Heredocs) == 0 {
		r.Scripts = []*shellscript.Script{shellscript.Parse(in.Args, r.Dialect)}
		return r
	}
	// "RUN <<EOF" runs the document; "RUN cat <<EOF" gives it to a command, and so it does with
	// "RUN bash <<EOF", whose command reads a script
	if alone(in) || s.doc.Options.Hadolint && strings.HasPrefix(in.Args.S, "<<") { // hadolint does not see what is behind it
		d := r.Dialect
		body := in.Heredocs[0].Body
		if first, _, _ := strings.Cut(body.S, "\n"); strings.HasPrefix(first, "#!") {
			d = shebang(first)
		}
		r.Scripts = []*shellscript.Script{shellscript.Parse(body, d)}
		return r
	}
	parts := []syntax.Text{in.Args, {S: "\n"}}
	for _, h := range in.Heredocs {
		parts = append(parts, h.Body, syntax.Text{S: h.Name + "\n"})
	}
	script := shellscript.Parse(syntax.Join(parts...), r.Dialect)
	r.Scripts = []*shellscript.Script{script}
	if s.doc.Options.Hadolint {
		return r // it does not look into the document
	}
	for _, c := range script.Commands {
		if d := shellscript.DialectOf(c.Name()); d != shellscript.Other && len(c.Operands()) == 0 {
			for _, h := range in.Heredocs {
				r.Scripts = append(r.Scripts, shellscript.Parse(h.Body, d))
			}
			break
		}
	}
	return r
}

// alone says whether the first heredoc is the whole of the command.
func alone(in *syntax.Instruction) bool {
	return len(in.Heredocs) == 1 && strings.HasPrefix(in.Args.S, "<<") && in.Heredocs[0].Word.S == in.Args.S
}

// shebang tells the language of a script from its first line.
func shebang(line string) shellscript.Dialect {
	fields := strings.Fields(strings.TrimPrefix(line, "#!"))
	for i, f := range fields {
		if i == 0 && strings.HasSuffix(f, "/env") || strings.HasPrefix(f, "-") {
			continue
		}
		return shellscript.DialectOf(f)
	}
	return shellscript.Other
}

func dialect(shell []string, pragma string) shellscript.Dialect {
	if pragma != "" {
		return shellscript.DialectOf(pragma)
	}
	if len(shell) == 0 {
		return shellscript.Sh
	}
	return shellscript.DialectOf(shell[0])
}

// pragma is the shell that a comment "hadolint shell=bash" names, "" for none. A comment may stand behind it.
func pragma(f *syntax.File) string {
	for _, c := range f.Comments {
		rest, ok := strings.CutPrefix(c.Text, "hadolint")
		if !ok {
			continue
		}
		name, value, _ := strings.Cut(rest, "=")
		if strings.TrimSpace(name) == "shell" && name[0] != 's' {
			shell, _, _ := strings.Cut(value, "#")
			return strings.TrimSpace(shell)
		}
	}
	return ""
}

// execScripts reads a command in JSON form. A shell in it reads its script.
func execScripts(in *syntax.Instruction) []*shellscript.Script {
	texts, _ := in.JSON()
	values, _ := in.JSONValues()
	var words []shellscript.Word
	for i, v := range values {
		words = append(words, shellscript.Word{S: v, Literal: true, Quoted: true, Text: texts[i]})
	}
	if len(values) >= 3 && values[1] == "-c" && values[2] == texts[2].S {
		if d := shellscript.DialectOf(values[0]); d != shellscript.Other {
			return []*shellscript.Script{shellscript.Parse(texts[2], d)}
		}
	}
	return []*shellscript.Script{shellscript.Exec(words)}
}
