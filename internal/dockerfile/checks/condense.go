package checks

import (
	"bytes"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/linter"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

// condensed is a Dockerfile without what BuildKit reads at great cost and says nothing about:
// the commands of RUN. They are most of a file, and it goes over each of their lines with several
// regular expressions and puts variables into all of them.
type condensed struct {
	data   []byte
	from   []int // by line, the first line of the file that it stands for
	to     []int // the last one
	errors bool  // a check directive says error=true, which is left out
}

// first gives the line of the file for one of the text.
func (c *condensed) first(line int) int { return at(c.from, line) }

// last gives the line of the file for the last one of a range.
func (c *condensed) last(line int) int { return at(c.to, line) }

func at(lines []int, line int) int {
	switch {
	case line < 1 || len(lines) == 0:
		return 0
	case line > len(lines):
		return lines[len(lines)-1]
	}
	return lines[line-1]
}

// condense makes the text that BuildKit reads.
func condense(f *syntax.File, experimental bool) *condensed {
	w := &writer{f: f}
	w.data = make([]byte, 0, len(f.Data)+40)
	w.directive(experimental)
	whole := upperCase(f)
	for _, in := range f.Instructions {
		if !droppable(in) {
			continue
		}
		w.upTo(in.Start)
		w.at = in.End
		if whole && len(in.Flags) == 0 && in.Stage >= 0 {
			w.data = append(w.data, '#') // so that comments above it are not those of what comes next
			continue
		}
		w.data = append(w.data, in.Raw...)
		for _, flag := range in.Flags {
			w.data = append(w.data, ' ')
			w.data = append(w.data, flag.Text.S...)
		}
		w.data = append(w.data, " x"...)
	}
	w.upTo(len(f.Data))
	w.endLine()
	return &w.condensed
}

// upperCase says whether all keywords are in upper case. BuildKit counts them otherwise, those of RUN too.
func upperCase(f *syntax.File) bool {
	return !slices.ContainsFunc(f.Instructions, func(in *syntax.Instruction) bool { return in.Raw != in.Keyword })
}

// droppable says whether the command of a RUN says nothing to BuildKit's checks. Heredocs are read
// with the instruction, and empty lines are a finding.
func droppable(in *syntax.Instruction) bool {
	if in.Keyword != "RUN" || len(in.Args.S) < 2 || len(in.Heredocs) > 0 || strings.Contains(in.Text.S, "<<") {
		return false
	}
	f := in.File()
	if last := strings.TrimRight(f.LineText(in.EndLine), " \t"); strings.HasSuffix(last, string(f.Escape)) {
		return false // what comes behind it may be of it
	}
	for line := in.Line; line < in.EndLine; line++ {
		if len(bytes.TrimSpace(f.Data[f.LineStart(line+1):f.LineStart(line+2)])) == 0 {
			return false
		}
	}
	return true
}

type writer struct {
	condensed
	f  *syntax.File
	at int // what is before it in the file is written, or left out
}

// upTo copies the file up to an offset.
func (w *writer) upTo(end int) {
	for w.at < end {
		i := bytes.IndexByte(w.f.Data[w.at:end], '\n')
		if i < 0 {
			w.data = append(w.data, w.f.Data[w.at:end]...)
			w.at = end
			return
		}
		w.data = append(w.data, w.f.Data[w.at:w.at+i+1]...)
		w.at += i // so that the line is that of the line end
		w.endLine()
		w.at++
	}
}

// endLine notes what the line that is written stands for: all since the one before it.
func (w *writer) endLine() {
	line, _ := w.f.Position(w.at)
	first := 1
	if n := len(w.to); n > 0 {
		first = min(w.to[n-1]+1, line)
	}
	w.from, w.to = append(w.from, first), append(w.to, line)
}

// directive writes what comes before everything else: a check directive that says what the file's says,
// with the experimental rules, and without error=true, which is read here.
func (w *writer) directive(experimental bool) {
	var own *syntax.Directive
	for i, d := range w.f.Directives {
		if d.Name == "check" {
			own = &w.f.Directives[i]
		}
	}
	if own == nil && !experimental {
		return
	}
	value := ""
	if own != nil {
		value = own.Value
	}
	config, err := linter.ParseLintOptions(value)
	if err != nil {
		return // BuildKit says so itself
	}
	w.errors = config.ReturnAsError
	config.ExperimentalAll = config.ExperimentalAll || experimental
	line := options(config)
	if own != nil {
		// in its own place; BuildKit refuses a second one
		w.upTo(w.f.LineStart(own.Line))
		if line != "" {
			w.data = append(w.data, "# check="+line...)
		}
		w.at = w.f.LineStart(own.Line) + len(w.f.LineText(own.Line))
		return
	}
	w.data = append(w.data, "# check="+line+"\n"...)
	w.from, w.to = append(w.from, 0), append(w.to, 0)
	if bom := []byte("\xef\xbb\xbf"); bytes.HasPrefix(w.f.Data, bom) {
		w.at = len(bom)
	}
}

// options writes the value of a check directive.
func options(c *linter.Config) string {
	var parts []string
	list := func(name string, all bool, rules []string) {
		switch {
		case all:
			parts = append(parts, name+"=all")
		case len(rules) > 0:
			parts = append(parts, name+"="+strings.Join(rules, ","))
		}
	}
	list("skip", c.SkipAll, c.SkipRules)
	list("experimental", c.ExperimentalAll, c.ExperimentalRules)
	return strings.Join(parts, ";")
}
