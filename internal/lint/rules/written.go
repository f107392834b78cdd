package rules

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	dockerfile "github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// writing is text that a step of a Dockerfile writes to a file, as far as it stands in the Dockerfile.
type writing struct {
	Text   dockerfile.Text // as it is written, with quotes
	Target string          // the file, "" when that is not plain to see
	In     *dockerfile.Instruction
}

// eachWriting calls fn for what echo and printf write, for the documents of COPY, ADD and of commands
// in RUN, and for the words that sed puts into a file. Steps that have none of the needles in them are
// passed over; letters are compared without regard to case.
func eachWriting(s *lint.Stage, fn func(writing), needles ...string) {
	for _, run := range s.Runs() {
		if !anyIn(run.In, needles) {
			continue
		}
		eachScript(run.Scripts, func(script *shellscript.Script) {
			for _, c := range script.Commands {
				writings(run, c, fn)
			}
		})
		if !scriptDocuments(run) {
			for _, h := range run.In.Heredocs {
				fn(writing{Text: h.Body, Target: documentTarget(run), In: run.In})
			}
		}
	}
	eachInner(s, func(in *dockerfile.Instruction) {
		for _, h := range in.Heredocs {
			fields := in.Args.Fields()
			fn(writing{Text: h.Body, Target: fields[len(fields)-1].S, In: in})
		}
	}, "COPY", "ADD")
}

// eachInner calls fn for each instruction of a stage with one of these keywords, and for those that
// ONBUILD triggers.
func eachInner(s *lint.Stage, fn func(*dockerfile.Instruction), keywords ...string) {
	for _, in := range s.Instructions {
		for in.Inner != nil {
			in = in.Inner
		}
		for _, k := range keywords {
			if in.Keyword == k {
				fn(in)
			}
		}
	}
}

func anyIn(in *dockerfile.Instruction, needles []string) bool {
	for _, n := range needles {
		if containsFold(in.Text.S, n) {
			return true
		}
		for _, h := range in.Heredocs {
			if containsFold(h.Body.S, n) {
				return true
			}
		}
	}
	return false
}

// scriptDocuments says whether the documents of a RUN are scripts, which are read as commands.
func scriptDocuments(run *lint.Run) bool {
	return slices.ContainsFunc(run.In.Heredocs, func(h dockerfile.Heredoc) bool { return isScript(run, h.Body) })
}

// isScript says whether a document is one of the scripts of a RUN.
func isScript(run *lint.Run, body dockerfile.Text) bool {
	return body.S != "" && slices.ContainsFunc(run.Scripts, func(script *shellscript.Script) bool { return script.Text.Offset(0) == body.Offset(0) })
}

// documentTarget is the file that the command with a document of the builder writes to.
func documentTarget(run *lint.Run) string {
	_, after, _ := strings.Cut(run.In.Args.S, ">")
	if fields := strings.Fields(strings.TrimLeft(after, "> ")); len(fields) > 0 {
		return fields[0]
	}
	return ""
}

func writings(run *lint.Run, c *shellscript.Command, fn func(writing)) {
	c = unwrap(c)
	if c.Stmt != nil {
		for _, r := range c.Stmt.Redirs {
			if r.Hdoc == nil {
				continue
			}
			if body := c.Script.Span(r.Hdoc); !isScript(run, body) {
				fn(writing{Text: body, Target: outputFile(c), In: run.In})
			}
		}
	}
	args := c.Args()
	switch c.Base() {
	case "echo", "printf", "add-apt-repository", "apt-add-repository":
		if len(args) == 0 || c.Call == nil {
			return
		}
		from, to := args[0].Tree.Pos().Offset(), args[len(args)-1].Tree.End().Offset()
		fn(writing{Text: c.Script.Text.Slice(int(from), int(to)), Target: outputFile(c), In: run.In})
	case "sed":
		for _, w := range args {
			for _, t := range sedTexts(w.Text) {
				fn(writing{Text: t, In: run.In})
			}
		}
	}
}

// outputFile is the file that a command writes, through tee as well, "" when that is not plain to see.
func outputFile(c *shellscript.Command) string {
	if to := redirectTarget(c); to != "" {
		return to
	}
	if to := groupTarget(c); to != "" {
		return to
	}
	if !strings.Contains(c.Script.Text.S, "tee") {
		return ""
	}
	for _, tee := range append(readers(c), c) {
		tee = unwrap(tee)
		if files := tee.Operands(); runsProgram(tee, "tee") && len(files) > 0 {
			return files[0].S
		}
	}
	return ""
}

// groupTarget is the file that all commands of a group write to: { echo a; echo b; } > file.
func groupTarget(c *shellscript.Command) (to string) {
	if c.Call == nil || !strings.ContainsAny(c.Script.Text.S[c.Call.End().Offset():], "})") {
		return ""
	}
	syntax.Walk(c.Script.Tree, func(n syntax.Node) bool {
		stmt, ok := n.(*syntax.Stmt)
		if !ok || len(stmt.Redirs) == 0 || !contains(stmt, c.Call) {
			return true
		}
		switch stmt.Cmd.(type) {
		case *syntax.Block, *syntax.Subshell:
			for _, r := range stmt.Redirs {
				if isOutput(r) {
					to = c.Script.Word(r.Word).S
				}
			}
		}
		return true
	})
	return to
}

// redirectTarget is the file that a command's output goes to, "" when that is not plain to see.
func redirectTarget(c *shellscript.Command) string {
	if c.Stmt == nil {
		return ""
	}
	for _, r := range c.Stmt.Redirs {
		if isOutput(r) {
			return c.Script.Word(r.Word).S
		}
	}
	return ""
}

func isOutput(r *syntax.Redirect) bool {
	return (r.Op == syntax.RdrOut || r.Op == syntax.AppOut || r.Op == syntax.RdrClob) && r.Word != nil
}

// sedTexts are the parts of a sed script that get into the file: what s/// puts in the place of
// something, and the lines of a, i and c.
func sedTexts(t dockerfile.Text) (out []dockerfile.Text) {
	s := t.S
	for i := 0; i+1 < len(s); i++ {
		begin := i == 0 || strings.IndexByte("'\"; /0123456789$}{", s[i-1]) >= 0
		switch {
		case !begin:
		case s[i] == 's' && strings.IndexByte("/|#,:@!%", s[i+1]) >= 0:
			middle := sedEnd(s, i+2, s[i+1])
			end := sedEnd(s, middle+1, s[i+1])
			if end < 0 {
				return out
			}
			out = append(out, t.Slice(middle+1, end))
			i = end
		case strings.IndexByte("aic", s[i]) >= 0 && (s[i+1] == '\\' || s[i+1] == ' '):
			return append(out, t.Slice(i+2, len(s)))
		}
	}
	return out
}

// sedEnd is the place of the next delimiter without a backslash before it, -1 for none. It begins at from, which is 0
// where the delimiter before is missing.
func sedEnd(s string, from int, delimiter byte) int {
	for i := from; from > 0 && i < len(s); i++ {
		if s[i] == '\\' {
			i++
		} else if s[i] == delimiter {
			return i
		}
	}
	return -1
}

// linesOf splits what is written at line ends, also at those that are written as \n, and takes quotes
// and blanks off both ends of each line.
func linesOf(t dockerfile.Text) (out []dockerfile.Text) {
	const around = " \t\r\n'\""
	add := func(from, to int) {
		for from < to && strings.IndexByte(around, t.S[from]) >= 0 {
			from++
		}
		for from < to && (strings.IndexByte(around, t.S[to-1]) >= 0 || t.S[to-1] == '\\') {
			to--
		}
		if from < to {
			out = append(out, t.Slice(from, to))
		}
	}
	start := 0
	for i := 0; i < len(t.S); i++ {
		switch {
		case t.S[i] == '\n':
			add(start, i)
			start = i + 1
		case t.S[i] == '\\' && i+1 < len(t.S):
			if t.S[i+1] == 'n' {
				add(start, i)
				start = i + 2
			}
			i++
		}
	}
	add(start, len(t.S))
	return out
}

// assignments finds "name = value" in lines of what is written: with an equals sign or, in files of that
// form, a colon or a blank between them. Names are compared without regard to case.
func assignments(t dockerfile.Text, name string) (values []string, at []dockerfile.Text) {
	for _, line := range linesOf(t) {
		if len(line.S) <= len(name) || !strings.EqualFold(line.S[:len(name)], name) {
			continue
		}
		rest := strings.ReplaceAll(line.S[len(name):], `\`, "")
		value := strings.TrimLeft(rest, " \t")
		if value == "" || value == rest && value[0] != '=' && value[0] != ':' {
			continue
		}
		if value[0] == '=' || value[0] == ':' {
			value = value[1:]
		}
		value = strings.TrimSpace(value)
		if i := strings.IndexAny(value, " \t'\""); i > 0 {
			value = value[:i]
		}
		values, at = append(values, strings.Trim(value, `'";`)), append(at, line)
	}
	return values, at
}

// containsFold is strings.Contains for ASCII letters without regard to case.
func containsFold(s, part string) bool { return indexFold(s, part) >= 0 }

// indexFold is strings.Index for ASCII letters without regard to case. A part has two bytes or more.
func indexFold(s, part string) int {
	first, second := part[0]|0x20, part[1]|0x20
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i]|0x20 == first && s[i+1]|0x20 == second && strings.EqualFold(s[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

// isFalse says whether a value switches something off.
func isFalse(value string) bool {
	switch strings.ToLower(value) {
	case "0", "false", "no", "off":
		return true
	}
	return false
}

// isTrue says whether a value switches something on.
func isTrue(value string) bool {
	switch strings.ToLower(value) {
	case "1", "true", "yes", "on":
		return true
	}
	return false
}
