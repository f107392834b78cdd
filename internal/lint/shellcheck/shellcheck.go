// Package shellcheck asks the program ShellCheck, where it is installed, about the scripts in RUN.
//
//	if path, ok := shellcheck.Find(); ok {
//		findings, err := shellcheck.Run(ctx, path, docs, "SC2086", "SC2046")
//		kept := linter.Filter(doc, findings[doc])
//	}
//
// plinth's own rules have the codes that make up almost all of what ShellCheck finds in
// Dockerfiles; this package is for the rest. The program is given many scripts at a time, each of
// them once, however many files have it, and its places are those in the Dockerfile. Its fixes are not taken.
package shellcheck

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// batch is how many scripts one process is given.
const batch = 200

// meaningless are codes about a script as a file of its own, and about files that it reads.
var meaningless = []string{"SC1008", "SC1009", "SC1073", "SC1090", "SC1091", "SC1128", "SC2096", "SC2148", "SC2187", "SC2239"}

// Find looks for the program.
func Find() (path string, ok bool) {
	path, err := exec.LookPath("shellcheck")
	return path, err == nil
}

// NotFound is what to say where the program is not there.
const NotFound = "ShellCheck is not installed: only the shell rules that plinth has itself are checked"

// Run gives what the program finds in the RUN steps of Dockerfiles, without the codes in exclude.
// A rule is made for each code.
func Run(ctx context.Context, path string, docs []*lint.Doc, exclude ...string) (map[*lint.Doc][]*lint.Finding, error) {
	scripts := collect(docs)
	if len(scripts) == 0 {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "plinth-shellcheck-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	r := &runner{path: path, dir: dir, exclude: slices.Concat(meaningless, exclude)}
	if err := r.all(ctx, scripts); err != nil {
		return nil, err
	}
	out := map[*lint.Doc][]*lint.Finding{}
	rules := map[string]*lint.Rule{}
	for _, s := range scripts {
		for _, c := range s.comments {
			rule := c.rule(rules)
			if rule == nil || slices.Contains(r.exclude, rule.Code) {
				continue
			}
			for _, u := range s.uses {
				if f := c.finding(rule, s, u); f != nil {
					out[u.doc] = append(out[u.doc], f)
				}
			}
		}
	}
	for doc, list := range out {
		out[doc] = lint.Sort(list)
	}
	return out, nil
}

// script is a text that the program is given once.
type script struct {
	name     string // of its file
	dialect  string // for --shell
	prologue string // one line that makes the step's variables known
	text     string
	uses     []use
	comments []comment
}

// use is a place where a script stands.
type use struct {
	doc  *lint.Doc
	text syntax.Text
}

// collect lists the scripts of the Dockerfiles in the order in which they are met. Those that cannot be parsed
// are left out: a rule of plinth's own says so.
func collect(docs []*lint.Doc) []*script {
	var out []*script
	seen := map[[3]string]*script{}
	for _, d := range docs {
		for _, stage := range d.Stages {
			for _, run := range stage.Runs() {
				for _, parsed := range run.Scripts {
					dialect := dialectName(parsed.Dialect)
					if dialect == "" || parsed.Tree == nil || len(parsed.Tree.Stmts) == 0 {
						continue
					}
					key := [3]string{dialect, prologue(run.Before), parsed.Text.S}
					s := seen[key]
					if s == nil {
						s = &script{name: fmt.Sprintf("%06d", len(out)), dialect: key[0], prologue: key[1], text: key[2]}
						seen[key] = s
						out = append(out, s)
					}
					s.uses = append(s.uses, use{d, parsed.Text})
				}
			}
		}
	}
	return out
}

// dialectName is what the program calls a language, "" for those that it does not read.
func dialectName(d shellscript.Dialect) string {
	switch d {
	case shellscript.Sh:
		return "sh"
	case shellscript.Bash:
		return "bash"
	case shellscript.Ksh:
		return "ksh"
	}
	return ""
}

// prologue is a line that sets the variables of ENV and ARG: to their values where these are known, to
// anything where they are not.
func prologue(e *lint.Effective) string {
	if e == nil {
		return ":"
	}
	var names []string
	for name := range e.Env {
		names = append(names, name)
	}
	for name := range e.Args {
		if _, both := e.Env[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString(":")
	for _, name := range names {
		if !isName(name) {
			continue
		}
		value, ok := e.Lookup(name)
		if ok && !strings.ContainsAny(value, "$\n\r") && utf8.ValidString(value) {
			fmt.Fprintf(&b, "; export %s='%s'", name, strings.ReplaceAll(value, "'", `'\''`))
		} else {
			fmt.Fprintf(&b, "; read -r %s", name)
		}
	}
	return b.String()
}

func isName(s string) bool {
	for i, c := range s {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

type runner struct {
	path    string
	dir     string
	exclude []string
}

// all gives the scripts to the program, a batch of one language at a time, several batches at once.
func (r *runner) all(ctx context.Context, scripts []*script) error {
	var batches [][]*script
	for _, dialect := range []string{"sh", "bash", "ksh"} {
		var of []*script
		for _, s := range scripts {
			if s.dialect == dialect {
				of = append(of, s)
			}
		}
		batches = slices.AppendSeq(batches, slices.Chunk(of, batch))
	}
	errs := make([]error, len(batches))
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for i, b := range batches {
		free <- struct{}{}
		wait.Go(func() {
			errs[i] = r.one(ctx, b)
			<-free
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

func (r *runner) one(ctx context.Context, scripts []*script) error {
	args := []string{"--norc", "--format=json1", "--shell=" + scripts[0].dialect, "--exclude=" + strings.Join(r.exclude, ",")}
	byName := map[string]*script{}
	for _, s := range scripts {
		byName[s.name] = s
		args = append(args, s.name)
		if err := os.WriteFile(filepath.Join(r.dir, s.name), []byte(s.prologue+"\n"+s.text), 0o600); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, r.path, args...)
	cmd.Dir = r.dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) { // 1 is for findings
		return fmt.Errorf("%s: %w: %s", r.path, err, firstLine(stderr.String()))
	}
	var answer struct{ Comments []comment }
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil {
		return fmt.Errorf("%s: its answer cannot be read: %w", r.path, err)
	}
	for _, c := range answer.Comments {
		if s := byName[c.File]; s != nil {
			s.comments = append(s.comments, c)
		}
	}
	return nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// comment is what the program says about a place.
type comment struct {
	File      string
	Line      int
	EndLine   int
	Column    int // in characters, from 1
	EndColumn int
	Level     string
	Code      int
	Message   string
}

// rule gives the rule of the comment's code, nil if the comment makes no sense.
func (c comment) rule(known map[string]*lint.Rule) *lint.Rule {
	code := fmt.Sprintf("SC%04d", c.Code)
	if !lint.IsShellCheck(code) {
		return nil
	}
	if known[code] == nil {
		severity, err := lint.ParseSeverity(c.Level)
		if err != nil || severity == lint.Off {
			severity = lint.Warning
		}
		known[code] = &lint.Rule{
			Code: code, Title: "found by ShellCheck", Severity: severity, Family: lint.Shell,
			Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
			Source: "https://www.shellcheck.net/wiki/" + code,
		}
	}
	return known[code]
}

// finding puts a comment where the script stands. It is nil for comments about the prologue.
func (c comment) finding(rule *lint.Rule, s *script, u use) *lint.Finding {
	from, ok := s.offset(c.Line, c.Column)
	if !ok {
		return nil
	}
	to, ok := s.offset(c.EndLine, c.EndColumn)
	if !ok || to < from {
		to = from
	}
	return u.doc.Finding(rule, lint.At(u.text.Slice(from, to)), strings.TrimRight(c.Message, ". "))
}

// offset is where a line and a column, counted from 1 with the prologue as the first line, are in the script, in bytes.
func (s *script) offset(line, column int) (int, bool) {
	if line < 2 {
		return 0, false
	}
	at := 0
	for ; line > 2; line-- {
		i := strings.IndexByte(s.text[at:], '\n')
		if i < 0 {
			return 0, false
		}
		at += i + 1
	}
	for ; column > 1 && at < len(s.text) && s.text[at] != '\n'; column-- {
		_, n := utf8.DecodeRuneInString(s.text[at:])
		at += n
	}
	return at, true
}
