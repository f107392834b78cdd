package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

// removes says whether a program deletes all that is in a folder.
func (p program) removes(dir string) bool {
	switch p.name() {
	case "rm":
		if !p.recursive() {
			return false
		}
	case "find":
		if !p.finds() {
			return false
		}
	default:
		return false
	}
	for _, w := range p.words[1:] {
		for _, target := range braces(w.S) {
			if covers(target, dir) {
				return true
			}
		}
	}
	return false
}

func (p program) recursive() bool {
	for _, w := range p.words[1:] {
		if w.S == "--recursive" || strings.HasPrefix(w.S, "-") && !strings.HasPrefix(w.S, "--") && strings.ContainsAny(w.S, "rR") {
			return true
		}
	}
	return false
}

// finds says whether find deletes what it finds.
func (p program) finds() bool {
	for i, w := range p.words {
		if w.S == "-delete" || w.S == "-exec" && i+1 < len(p.words) && programBase(p.words[i+1]) == "rm" {
			return true
		}
	}
	return false
}

// covers says whether a path, which may end in a pattern, is a folder, all that is in it, or above it.
func covers(path, dir string) bool {
	if !strings.HasPrefix(path, "/") {
		return false
	}
	if i := strings.IndexByte(path, '*'); i >= 0 {
		path = path[:i]
		if !strings.HasSuffix(path, "/") {
			return strings.HasPrefix(dir, path) || strings.HasPrefix(path, dir+"/")
		}
		if strings.HasPrefix(path, dir+"/") {
			return path == dir+"/"
		}
	}
	path = strings.TrimRight(path, "/")
	return path != "" && (path == dir || strings.HasPrefix(dir, path+"/"))
}

// braces expands a{b,c}d.
func braces(s string) []string {
	from := strings.IndexByte(s, '{')
	if from < 0 || from > 0 && s[from-1] == '$' {
		return []string{s}
	}
	to := strings.IndexByte(s[from:], '}')
	if to < 0 {
		return []string{s}
	}
	to += from
	var out []string
	for part := range strings.SplitSeq(s[from+1:to], ",") {
		for _, rest := range braces(s[to+1:]) {
			out = append(out, s[:from]+part+rest)
		}
	}
	return out
}

// appended is the edit that puts a command behind all others of a step, joined by &&. It is
// only there for a step that is one chain of commands joined so.
func appended(run *lint.Run, command string) (lint.Edit, bool) {
	if run.Exec || len(run.In.Heredocs) > 0 || len(run.Scripts) != 1 || run.Scripts[0].Tree == nil {
		return lint.Edit{}, false
	}
	script := run.Scripts[0]
	if len(script.Tree.Stmts) != 1 || !chain(script.Tree.Stmts[0]) {
		return lint.Edit{}, false
	}
	end := int(script.Tree.Stmts[0].End().Offset())
	if end > len(script.Text.S) || strings.TrimSpace(script.Text.S[end:]) != "" {
		return lint.Edit{}, false
	}
	return lint.InsertAfter(script.Text.Slice(0, end), " && "+command), true
}

func chain(s *syntax.Stmt) bool {
	if s.Background || s.Negated || s.Semicolon.IsValid() {
		return false
	}
	switch c := s.Cmd.(type) {
	case *syntax.BinaryCmd:
		return c.Op == syntax.AndStmt && chain(c.X) && chain(c.Y)
	case *syntax.CallExpr, *syntax.Subshell, *syntax.Block:
		return true
	}
	return false
}

// uncleaned are the calls of a step that fill a cache which none of the later programs
// empties.
func uncleaned(run *lint.Run, t *tool, fills func(*invocation) bool, cleans func(program) bool) (out []*invocation) {
	for p := range programs(run) {
		if hasName(t, p) {
			if v := t.parse(p); fills(v) {
				out = append(out, v)
				continue
			}
		}
		if len(out) > 0 && cleans(p) {
			out = nil
		}
	}
	return out
}

// uncleanedInOrder is uncleaned as hadolint has it: what empties the cache before the first call that fills it is taken
// for a clean-up in the wrong place (early), whatever comes behind.
func uncleanedInOrder(run *lint.Run, t *tool, fills func(*invocation) bool, cleans func(program) bool) (out []*invocation, early bool) {
	for p := range programs(run) {
		if hasName(t, p) {
			if v := t.parse(p); fills(v) {
				out = append(out, v)
				continue
			}
		}
		early = early || len(out) == 0 && cleans(p)
	}
	if early {
		return out, true
	}
	return uncleaned(run, t, fills, cleans), false
}

func hasName(t *tool, p program) bool {
	name := p.name()
	for _, n := range t.names {
		if n == name {
			return true
		}
	}
	return false
}
