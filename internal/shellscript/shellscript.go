// Package shellscript reads the shell commands of RUN steps.
//
//	s := shellscript.Parse(run.Args, shellscript.Bash)
//	for _, c := range s.Commands {
//		if c.Name() == "apt-get" && c.Has("install") && !c.HasFlag("-y", "--yes") { … }
//	}
//
// The parser is mvdan.cc/sh. All simple commands are listed, wherever they stand:
// in pipelines, conditions, loops, functions and command substitutions. Nothing is
// expanded or run: a command whose name comes from a variable has no name.
package shellscript

import (
	"errors"
	"path"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"

	dockerfile "github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

// Dialect is a shell language.
type Dialect uint8

// The dialects. Other is none that is read here: PowerShell, cmd, Python.
const (
	Sh Dialect = iota
	Bash
	Ksh
	Zsh
	Other
)

// DialectOf tells the language from the first word of a SHELL instruction or a
// shebang line, such as /bin/bash.
func DialectOf(program string) Dialect {
	program = strings.ToLower(program)
	if i := strings.LastIndexAny(program, `/\`); i >= 0 {
		program = program[i+1:]
	}
	switch strings.TrimSuffix(program, ".exe") {
	case "sh", "ash", "dash", "busybox":
		return Sh
	case "bash":
		return Bash
	case "ksh", "mksh", "ksh93":
		return Ksh
	case "zsh":
		return Zsh
	}
	return Other
}

// Script is a parsed script.
type Script struct {
	Text     dockerfile.Text
	Dialect  Dialect
	Tree     *syntax.File // nil when Err is set
	Err      error        // the script is not valid
	ErrAt    int          // where in Text it is not, in bytes
	Commands []*Command   // in the order in which they are written
	Inner    []*Script    // those that its commands give to a shell with -c, where they are plain to see

	// FirstWord says that a command is what its first word says: rules do not look behind sudo and the like, and a name
	// with a folder is another one.
	FirstWord bool
}

// Command is a simple command: a name and its arguments.
type Command struct {
	Script *Script
	Stmt   *syntax.Stmt     // what it is in, with redirections; nil in exec form
	Call   *syntax.CallExpr // nil in exec form
	Words  []Word           // the name first; at least one
}

// Word is one word of a command.
type Word struct {
	S       string          // quotes and escapes removed, expansions as they are written
	Literal bool            // nothing in it is expanded
	Quoted  bool            // all of it is in quotes
	Text    dockerfile.Text // as it is written
	Tree    *syntax.Word    // nil in exec form
}

var parsers = sync.Pool{New: func() any { return syntax.NewParser(syntax.Variant(syntax.LangBash), syntax.KeepComments(true)) }}

// Parse reads a script. It is read as Bash, which has the others' words, so that one
// part a dialect does not have does not hide the rest.
func Parse(text dockerfile.Text, dialect Dialect) *Script {
	s := &Script{Text: text, Dialect: dialect}
	if dialect == Other {
		return s
	}
	p := parsers.Get().(*syntax.Parser)
	defer parsers.Put(p)
	if s.Tree, s.Err = p.Parse(strings.NewReader(text.S), ""); s.Err != nil {
		s.Tree, s.ErrAt = nil, s.offset(s.Err)
		s.splitParens(p)
	}
	if s.Tree != nil {
		s.collect()
	}
	return s
}

// offset is where an error of the parser is.
func (s *Script) offset(err error) int {
	var parse syntax.ParseError
	var lang syntax.LangError
	switch {
	case errors.As(err, &parse):
		return min(int(parse.Pos.Offset()), len(s.Text.S))
	case errors.As(err, &lang):
		return min(int(lang.Pos.Offset()), len(s.Text.S))
	}
	return 0
}

// maxParens is how many of them are taken for subshells before the script counts as not valid.
const maxParens = 8

// splitParens reads a script again whose parser takes a subshell in a subshell, as ((a; b) | c), for arithmetic.
// Shells look which of the two it is: a blank between the parentheses makes it plain.
func (s *Script) splitParens(p *syntax.Parser) {
	text, at := s.Text, s.ErrAt
	for range maxParens {
		i := strings.LastIndex(text.S[:at], "((")
		if i < 0 {
			return
		}
		text = dockerfile.Join(text.Slice(0, i+1), dockerfile.Text{S: " "}, text.Slice(i+1, len(text.S)))
		tree, err := p.Parse(strings.NewReader(text.S), "")
		if err == nil {
			s.Text, s.Tree, s.Err, s.ErrAt = text, tree, nil, 0
			return
		}
		at = min(s.offset(err)+1, len(text.S))
	}
}

// Exec makes a script of a command in exec form, which no shell reads.
func Exec(words []Word) *Script {
	s := &Script{Dialect: Other}
	if len(words) > 0 {
		s.Text = words[0].Text
		s.Commands = []*Command{{Script: s, Words: words}}
	}
	return s
}

func (s *Script) collect() {
	var stmts []*syntax.Stmt
	syntax.Walk(s.Tree, func(n syntax.Node) bool {
		if n == nil {
			stmts = stmts[:len(stmts)-1]
			return true
		}
		var stmt *syntax.Stmt
		if len(stmts) > 0 {
			stmt = stmts[len(stmts)-1]
		}
		switch n := n.(type) {
		case *syntax.Stmt:
			stmt = n
		case *syntax.CallExpr:
			if len(n.Args) > 0 {
				c := &Command{Script: s, Stmt: stmt, Call: n}
				for _, w := range n.Args {
					c.Words = append(c.Words, s.Word(w))
				}
				s.Commands = append(s.Commands, c)
			}
		}
		stmts = append(stmts, stmt)
		return true
	})
	for _, c := range s.Commands {
		if text, d, ok := c.inner(); ok {
			s.Inner = append(s.Inner, Parse(text, d))
		}
	}
}

// inner finds the script in bash -c 'script', su -c "script" and the like. One with escapes in it is
// left out: its bytes do not stand in the file as the shell reads them.
func (c *Command) inner() (text dockerfile.Text, d Dialect, ok bool) {
	for i := 1; i+1 < len(c.Words); i++ {
		flag, script := c.Words[i].S, c.Words[i+1]
		if len(flag) < 2 || flag[0] != '-' || flag[1] == '-' || flag[len(flag)-1] != 'c' || !script.Quoted || script.Text.S[0] == '$' {
			continue
		}
		if d = shellIn(c.Words[:i]); d != Other && strings.IndexByte(script.Text.S, '\\') < 0 {
			return script.Text.Slice(1, len(script.Text.S)-1), d, true
		}
		return text, d, false
	}
	return text, d, false
}

// shellIn is the language of the first shell that is among some words.
func shellIn(words []Word) Dialect {
	for _, w := range words {
		if base := path.Base(w.S); base == "su" || base == "runuser" {
			return Sh
		}
		if d := DialectOf(w.S); d != Other && w.Literal {
			return d
		}
	}
	return Other
}

// Word reads a word of the tree.
func (s *Script) Word(w *syntax.Word) Word {
	out := Word{Text: s.Span(w), Tree: w, Literal: true}
	var b strings.Builder
	out.Quoted = len(w.Parts) == 1
	for _, part := range w.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			out.Quoted = false
			b.WriteString(unescape(part.Value, false))
		case *syntax.SglQuoted:
			b.WriteString(part.Value)
		case *syntax.DblQuoted:
			for _, inner := range part.Parts {
				if lit, ok := inner.(*syntax.Lit); ok {
					b.WriteString(unescape(lit.Value, true))
					continue
				}
				out.Literal = false
				b.WriteString(s.Span(inner).S)
			}
		default:
			out.Quoted, out.Literal = false, false
			b.WriteString(s.Span(part).S)
		}
	}
	out.S = b.String()
	return out
}

// Span is the text of a node.
func (s *Script) Span(n syntax.Node) dockerfile.Text {
	from, to := int(n.Pos().Offset()), int(n.End().Offset())
	from = min(from, len(s.Text.S))
	return s.Text.Slice(from, max(from, min(to, len(s.Text.S))))
}

// unescape takes backslashes off, in double quotes only those that mean something there.
func unescape(s string, quoted bool) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (!quoted || strings.IndexByte("$`\"\\\n", s[i+1]) >= 0) {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Name is the command's name as it is written, "" if it is not known before it runs.
func (c *Command) Name() string {
	if !c.Words[0].Literal {
		return ""
	}
	return c.Words[0].S
}

// Base is the name without folders, with them where the script says FirstWord.
func (c *Command) Base() string {
	if c.Script.FirstWord {
		return c.Name()
	}
	return path.Base(c.Name())
}

// Args are the words behind the name.
func (c *Command) Args() []Word { return c.Words[1:] }

// Text is the whole command.
func (c *Command) Text() dockerfile.Text {
	if c.Call != nil {
		return c.Script.Span(c.Call)
	}
	return c.Words[0].Text
}

// Has says whether one of the arguments is one of these.
func (c *Command) Has(args ...string) bool {
	_, ok := c.Find(args...)
	return ok
}

// Find gives the first argument that is one of these.
func (c *Command) Find(args ...string) (Word, bool) {
	for _, w := range c.Args() {
		for _, a := range args {
			if w.S == a {
				return w, true
			}
		}
	}
	return Word{}, false
}

// Sub is the first argument that is no flag: install in "apt-get -q install". It is ""
// if there is none.
func (c *Command) Sub() string {
	for _, w := range c.Args() {
		if !strings.HasPrefix(w.S, "-") {
			return w.S
		}
	}
	return ""
}

// HasFlag says whether a flag is given: "--yes" as itself or with a value behind an
// equals sign, "-y" as itself or among other letters behind one dash.
func (c *Command) HasFlag(flags ...string) bool {
	_, ok := c.FindFlag(flags...)
	return ok
}

// FindFlag gives the first word that has one of these flags. What comes behind -- is no flag.
func (c *Command) FindFlag(flags ...string) (Word, bool) {
	for _, w := range c.Args() {
		if w.S == "--" {
			break
		}
		for _, f := range flags {
			if isFlag(w.S, f) {
				return w, true
			}
		}
	}
	return Word{}, false
}

func isFlag(word, flag string) bool {
	if word == flag {
		return true
	}
	if strings.HasPrefix(flag, "--") || len(flag) != 2 {
		return strings.HasPrefix(word, flag) && word[len(flag)] == '='
	}
	if len(word) < 2 || word[0] != '-' || word[1] == '-' {
		return false
	}
	letters, _, _ := strings.Cut(word[1:], "=")
	return strings.IndexByte(letters, flag[1]) >= 0
}

// FlagValue gives the value of a flag: "--flag value", "--flag=value", "-f value", "-fvalue".
func (c *Command) FlagValue(flags ...string) (Word, bool) {
	args := c.Args()
	for i, w := range args {
		if w.S == "--" {
			break
		}
		for _, f := range flags {
			switch {
			case w.S == f && i+1 < len(args):
				return args[i+1], true
			case strings.HasPrefix(w.S, f+"="):
				w.S = w.S[len(f)+1:]
				return w, true
			case len(f) == 2 && strings.HasPrefix(w.S, f) && len(w.S) > 2:
				w.S = w.S[2:]
				return w, true
			}
		}
	}
	return Word{}, false
}

// Operands are the arguments that are neither flags nor the values of the flags
// that are named here as taking a value in the next word.
func (c *Command) Operands(valued ...string) (out []Word) {
	args := c.Args()
	for i := 0; i < len(args); i++ {
		w := args[i]
		if w.S == "--" {
			return append(out, args[i+1:]...)
		}
		if len(w.S) < 2 || w.S[0] != '-' {
			out = append(out, w)
			continue
		}
		for _, f := range valued {
			if w.S == f {
				i++
				break
			}
		}
	}
	return out
}
