// Package syntax splits a Dockerfile into instructions and knows where each
// byte of them stands in the file.
//
//	f := syntax.Parse("0100-java17/Dockerfile", data)
//	for _, in := range f.Instructions {
//		fmt.Println(in.Keyword, in.Args.S, f.Position(in.Args.Offset(0)))
//	}
//
// It splits as BuildKit v0.33.1 does, quirks included: continuation lines,
// comments and empty lines in them, flags, heredocs, the escape directive. A test
// compares the two. Unlike BuildKit it takes everything: instructions that
// do not exist, files without FROM, arguments that make no sense. What can't be
// split any further is listed in File.Errors, and the rest is there.
package syntax

import (
	"bytes"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// File is a split Dockerfile. It does not change after Parse.
type File struct {
	Path         string
	Data         []byte
	Escape       byte // \ unless a directive says `
	Directives   []Directive
	Comments     []Comment // all, those between continued lines included
	Instructions []*Instruction
	Errors       []Error

	lines []int // offset of each line's first byte
}

// Directive is a line such as "# syntax=docker/dockerfile:1" above everything else.
type Directive struct {
	Name  string // lower case: syntax, escape, check
	Value string
	Line  int
}

// Comment is a comment line.
type Comment struct {
	Text   string // without the # and the blanks around
	Line   int    // from 1
	Offset int    // of the #
	Inside bool   // it stands between the lines of one instruction
}

// Error is a place that could not be split. Offset is in bytes.
type Error struct {
	Offset  int
	Message string
}

// Instruction is one instruction with its arguments.
type Instruction struct {
	Keyword  string // upper case
	Raw      string // the keyword as it is written
	Text     Text   // the whole of it as one line, without heredoc bodies
	Flags    []Flag
	Args     Text // what comes after keyword and flags, without blanks around
	Heredocs []Heredoc
	Start    int // offset of the keyword
	End      int // offset behind its last byte, heredocs included, without the line end
	Line     int // of the keyword, from 1
	EndLine  int
	Stage    int          // index of the stage it is in, -1 before the first FROM
	Inner    *Instruction // what ONBUILD triggers, nil for others
	Onbuild  *Instruction // the ONBUILD that triggers it, nil for others

	file *File
	json []Text
	list bool // Args is a JSON array of strings
}

// Flag is a flag of the builder, such as --from=build.
type Flag struct {
	Name     string // without the dashes
	Value    string // quotes removed
	HasValue bool   // there is an equals sign
	Text     Text   // as it is written
}

// Heredoc is a document behind an instruction.
type Heredoc struct {
	Name   string
	Chomp  bool // <<-: leading tabs are not part of it
	Quoted bool // nothing in it is expanded by the builder
	Word   Text // <<EOF, on the line of the instruction
	Body   Text // the lines of it
}

// Parse splits a Dockerfile.
func Parse(path string, data []byte) *File {
	p := &splitter{File: &File{Path: path, Data: data, Escape: '\\'}}
	p.splitLines()
	p.run()
	return p.File
}

// Position gives line and column of an offset, both from 1, in bytes.
func (f *File) Position(offset int) (line, column int) {
	line = sort.Search(len(f.lines), func(i int) bool { return f.lines[i] > offset })
	if line == 0 {
		return 1, 1
	}
	return line, offset - f.lines[line-1] + 1
}

// LineStart is the offset of a line's first byte. Lines count from 1.
func (f *File) LineStart(line int) int {
	if line-1 < len(f.lines) {
		return f.lines[line-1]
	}
	return len(f.Data)
}

// LineText is a line without its end.
func (f *File) LineText(line int) string {
	if line < 1 || line > len(f.lines) {
		return ""
	}
	return strings.TrimRight(string(f.Data[f.LineStart(line):f.LineStart(line+1)]), "\r\n")
}

// LineCount is the number of lines.
func (f *File) LineCount() int { return len(f.lines) }

// Flag finds a flag by its name; the last one counts.
func (in *Instruction) Flag(name string) (Flag, bool) {
	for i := len(in.Flags) - 1; i >= 0; i-- {
		if in.Flags[i].Name == name {
			return in.Flags[i], true
		}
	}
	return Flag{}, false
}

// File is the file that the instruction stands in.
func (in *Instruction) File() *File { return in.file }

// JSON gives the strings of an argument list in JSON form (exec form). The texts
// are as they are written, without the quotes; see JSONValues for what they mean.
func (in *Instruction) JSON() (list []Text, ok bool) { return in.json, in.list }

// A splitter walks over the lines once.
type splitter struct {
	*File
	line           int // index of the next line
	stage          int
	seen           map[string]bool
	directivesDone bool
}

func (p *splitter) splitLines() {
	p.lines = append(p.lines, 0)
	for i, c := range p.Data {
		if c == '\n' && i+1 < len(p.Data) {
			p.lines = append(p.lines, i+1)
		}
	}
	if len(p.Data) == 0 {
		p.lines = nil
	}
}

// raw is the line with index i without its end, and its offset.
func (p *splitter) raw(i int) ([]byte, int) {
	start := p.lines[i]
	end := len(p.Data)
	if i+1 < len(p.lines) {
		end = p.lines[i+1]
	}
	line := bytes.TrimRight(p.Data[start:end], "\r\n")
	if i == 0 {
		if cut, ok := bytes.CutPrefix(line, []byte("\xef\xbb\xbf")); ok {
			return cut, start + 3
		}
	}
	return line, start
}

func (p *splitter) fail(offset int, message string) {
	p.Errors = append(p.Errors, Error{offset, message})
}

func (p *splitter) run() {
	p.stage = -1
	p.seen = map[string]bool{}
	for p.line < len(p.lines) {
		line, offset := p.raw(p.line)
		trimmed := bytes.TrimLeftFunc(line, unicode.IsSpace)
		offset += len(line) - len(trimmed)
		if len(trimmed) > 0 && trimmed[0] == '#' {
			p.comment(trimmed, offset, false)
			p.line++
			continue
		}
		p.directivesDone = true
		p.instruction(trimmed, offset)
	}
}

func (p *splitter) comment(line []byte, offset int, inside bool) {
	text := strings.TrimSpace(string(line[1:]))
	if !p.directivesDone {
		if p.directive(text, offset) {
			return
		}
		p.directivesDone = true
	}
	p.Comments = append(p.Comments, Comment{Text: text, Line: p.line + 1, Offset: offset, Inside: inside})
}

// directive takes a parser directive: they stand above everything else, and each once.
func (p *splitter) directive(text string, offset int) bool {
	name, value, ok := strings.Cut(text, "=")
	name = strings.ToLower(strings.TrimRightFunc(name, unicode.IsSpace))
	value = strings.TrimSpace(value)
	if !ok || value == "" || name != "syntax" && name != "escape" && name != "check" {
		return false
	}
	if p.seen[name] {
		p.fail(offset, "only one "+name+" parser directive can be used")
		return true
	}
	p.seen[name] = true
	p.Directives = append(p.Directives, Directive{name, value, p.line + 1})
	if name == "escape" {
		if value == "`" || value == `\` {
			p.Escape = value[0]
		} else {
			p.fail(offset, "invalid escape token '"+value+"' does not match ` or \\")
		}
	}
	return true
}

// continued takes the continuation character off the end of a line.
func (p *splitter) continued(line []byte) ([]byte, bool) {
	rest := bytes.TrimRight(line, " \t")
	n := len(rest)
	if n == 0 || rest[n-1] != p.Escape || n > 1 && rest[n-2] == p.Escape {
		return line, false
	}
	return rest[:n-1], true
}

func (p *splitter) instruction(first []byte, offset int) {
	start := p.line
	var text builder
	line, more := p.continued(first)
	p.line++
	if !more && len(line) == 0 {
		return
	}
	last := p.line - 1
	text.add(line, offset)
	for more && p.line < len(p.lines) {
		raw, at := p.raw(p.line)
		trimmed := bytes.TrimLeftFunc(raw, unicode.IsSpace)
		if len(trimmed) > 0 && trimmed[0] == '#' {
			p.comment(trimmed, at+len(raw)-len(trimmed), true)
			p.line++
			continue
		}
		if len(trimmed) == 0 {
			p.line++
			continue
		}
		line, more = p.continued(raw)
		last = p.line
		p.line++
		text.add(line, at)
	}
	whole := text.text()
	in := p.parseLine(whole)
	in.Line, in.EndLine = start+1, last+1
	in.Start = offset
	tail, tailAt := p.raw(last)
	in.End = tailAt + len(tail)
	if in.Keyword == "FROM" {
		p.stage++
	}
	for i := in; i != nil; i = i.Inner {
		i.Stage = p.stage
	}
	p.heredocs(in)
	for i := in.Inner; i != nil; i = i.Inner {
		i.Line, i.EndLine, i.End, i.Heredocs = start+1, in.EndLine, in.End, in.Heredocs
		i.Line, _ = p.Position(i.Start)
	}
	p.Instructions = append(p.Instructions, in)
}

// parseLine splits one instruction that stands on one line.
func (p *splitter) parseLine(whole Text) *Instruction {
	whole = whole.Trim()
	in := &Instruction{Text: whole, file: p.File, Start: whole.Offset(0)}
	end := strings.IndexAny(whole.S, "\t\v\f\r ")
	if end < 0 {
		end = len(whole.S)
	}
	in.Raw = whole.S[:end]
	in.Keyword = strings.ToUpper(in.Raw)
	rest := whole.Slice(end, len(whole.S))
	in.Args = p.flags(in, rest).Trim()
	switch in.Keyword {
	case "ONBUILD":
		if in.Args.S != "" {
			in.Inner = p.parseLine(in.Args)
			in.Inner.Onbuild = in
		}
	case "RUN", "CMD", "ENTRYPOINT", "SHELL", "ADD", "COPY", "VOLUME":
		in.json, in.list = parseJSON(in.Args)
	case "HEALTHCHECK":
		if _, command, ok := in.Args.CutSpace(); ok {
			in.json, in.list = parseJSON(command)
		}
	}
	return in
}

// flags takes the words that begin with two dashes off the arguments, as
// BuildKit's extractBuilderFlags does.
func (p *splitter) flags(in *Instruction, text Text) Text {
	s := text.S
	for pos := 0; ; {
		for pos < len(s) && isSpace(s[pos]) {
			pos++
		}
		if pos == len(s) || !strings.HasPrefix(s[pos:], "--") {
			return text.Slice(pos, len(s))
		}
		start := pos
		var value strings.Builder
		quote := byte(0)
		for ; pos < len(s); pos++ {
			c := s[pos]
			switch {
			case c == p.Escape:
				if pos+1 < len(s) {
					pos++
					value.WriteByte(s[pos])
				}
				continue
			case quote != 0 && c == quote:
				quote = 0
				continue
			case quote == 0 && (c == '\'' || c == '"'):
				quote = c
				continue
			case quote == 0 && isSpace(c):
				goto done
			}
			value.WriteByte(c)
		}
	done:
		word := value.String()
		if word == "--" {
			return text.Slice(pos, len(s))
		}
		f := Flag{Text: text.Slice(start, pos)}
		f.Name, f.Value, f.HasValue = strings.Cut(strings.TrimPrefix(word, "--"), "=")
		in.Flags = append(in.Flags, f)
	}
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r'
}

// heredocs reads the documents that an instruction announces.
func (p *splitter) heredocs(in *Instruction) {
	of := in
	if of.Keyword == "ONBUILD" && of.Inner != nil {
		of = of.Inner
	}
	if of.Keyword != "RUN" && of.Keyword != "COPY" && of.Keyword != "ADD" || of.list || !strings.Contains(in.Text.S, "<<") {
		return
	}
	for _, h := range announced(in.Text) {
		var body builder
		ended := false
		for p.line < len(p.lines) {
			raw, at := p.raw(p.line)
			line := p.Data[at : at+len(raw)]
			in.EndLine, in.End = p.line+1, at+len(raw)
			p.line++
			if h.Chomp {
				trimmed := bytes.TrimLeft(line, "\t")
				at += len(line) - len(trimmed)
				line = trimmed
			}
			if readable(string(line)) == h.Name {
				ended = true
				break
			}
			next := len(p.Data)
			if p.line < len(p.lines) {
				next = p.lines[p.line]
			}
			body.add(p.Data[at:next], at)
		}
		if !ended {
			p.fail(in.Start, "unterminated heredoc")
		}
		h.Body = body.text()
		in.Heredocs = append(in.Heredocs, h)
	}
}

// readable is a text of the same length without the bytes that BuildKit's lexer complains about on standard error,
// which are those that are no UTF-8, and NUL.
func readable(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	out := []byte(s)
	for i := 0; i < len(out); {
		r, n := utf8.DecodeRune(out[i:])
		if r == 0 || r == utf8.RuneError && n == 1 {
			out[i] = 1
		}
		i += n
	}
	return string(out)
}

// announced are the heredocs that a line announces, found as BuildKit finds them.
func announced(line Text) (docs []Heredoc) {
	lex := shell.NewLex('\\')
	lex.RawQuotes, lex.RawEscapes, lex.SkipUnsetEnv = true, true, true
	readable := readable(line.S)
	words, err := lex.ProcessWords(readable, noEnv{})
	if err != nil {
		return nil
	}
	from := 0
	for _, word := range words {
		if !strings.Contains(word, "<<") {
			continue
		}
		i := strings.Index(readable[from:], word)
		doc, err := parser.ParseHeredoc(word)
		if err != nil || doc == nil {
			continue
		}
		h := Heredoc{Name: doc.Name, Chomp: doc.Chomp, Quoted: !doc.Expand}
		if i >= 0 {
			h.Word = line.Slice(from+i, from+i+len(word))
			from += i + len(word)
		}
		docs = append(docs, h)
	}
	return docs
}

// noEnv knows no variables.
type noEnv struct{}

func (noEnv) Get(string) (string, bool) { return "", false }
func (noEnv) Keys() []string            { return nil }

// Unquote takes quotes and escapes off a word, as the builder does.
func Unquote(word string, escape byte) string {
	if !strings.ContainsAny(word, `'"`) && strings.IndexByte(word, escape) < 0 {
		return word
	}
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(word); i++ {
		c := word[i]
		switch {
		case c == escape && quote != '\'' && i+1 < len(word):
			next := word[i+1]
			if quote == '"' && next != '"' && next != '$' && next != escape {
				b.WriteByte(c)
				continue
			}
			i++
			b.WriteByte(next)
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// runeLen is the length of the rune at i.
func runeLen(s string, i int) int {
	_, n := utf8.DecodeRuneInString(s[i:])
	return n
}
