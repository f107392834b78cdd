// Package buildctx describes a build context: every file that .dockerignore
// lets through, with its mode and content hash. It decides whether a target
// must be built, so it has to be right and, because a fleet has thousands of
// files, fast: contents are hashed again only when a StatCache cannot vouch
// for them.
//
// What counts is what a Dockerfile can see of a file: path, type, permission
// bits, content or link target. Owner and times don't count: the engine gives
// every context file to root and plinth sets its time.
package buildctx

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/plinth-build/plinth/internal/diag"
)

// Entry is one file, folder or link of a context.
type Entry struct {
	Path string      `json:"path"` // slash-separated, relative to the context
	Mode fs.FileMode `json:"mode"` // type, permission, setuid, setgid and sticky bits
	// Sum is the SHA-256 of a regular file's content in hex, or a link's target.
	Sum string `json:"sum,omitempty"`
}

// Context is a scanned context.
type Context struct {
	Entries []Entry // in the order of a walk: by path within each folder
	Digest  string  // SHA-256 over all entries, hex
}

// IgnoreFile returns the name of the file with the context's exclusions, as
// the Dockerfile front end chooses it: NAME.dockerignore beside the Dockerfile,
// otherwise .dockerignore; "" when there is neither.
func IgnoreFile(dir, dockerfile string) string {
	for _, name := range []string{dockerfile + ".dockerignore", ".dockerignore"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return name
		}
	}
	return ""
}

// Scan describes the context in dir for the Dockerfile with that name, which
// itself is left out: its text is part of a target's id anyway, and a
// changed comment should be called that. Positions in errors are relative to root.
func Scan(root, dir, dockerfile string, cache *StatCache) (Context, error) {
	matcher, err := readIgnore(root, dir, dockerfile)
	if err != nil {
		return Context{}, err
	}
	s := scanner{root: root, dir: dir, skip: dockerfile, matcher: matcher, cache: cache, uid: os.Getuid()}
	if err := s.folder("", patternmatcher.MatchInfo{}, false); err != nil {
		return Context{}, err
	}
	if err := s.problems.Err(); err != nil {
		return Context{}, err
	}
	h := sha256.New()
	w := bufio.NewWriter(h)
	for _, e := range s.entries {
		fmt.Fprintf(w, "%s\x00%o\x00%s\x00", e.Path, e.Mode, e.Sum)
	}
	w.Flush()
	return Context{Entries: s.entries, Digest: hex.EncodeToString(h.Sum(nil))}, nil
}

func readIgnore(root, dir, dockerfile string) (*patternmatcher.PatternMatcher, error) {
	name := IgnoreFile(dir, dockerfile)
	if name == "" {
		return nil, nil
	}
	pos := diag.Position{File: relative(root, filepath.Join(dir, name))}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, unreadable(pos, err)
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(data))
	if err != nil {
		return nil, diag.Errorf(pos, "cannot use the patterns in this file: %w", err)
	}
	for _, p := range patterns {
		if err := checkPattern(p); err != nil {
			return nil, cmp.Or(badPatterns(pos, data), error(diag.Errorf(pos, "cannot use the pattern %q: %w", p, err)))
		}
	}
	return patternmatcher.New(patterns)
}

// checkPattern compiles a pattern, which a matcher puts off until it is used.
func checkPattern(p string) error {
	if _, err := patternmatcher.New([]string{p}); err != nil {
		return err
	}
	m, err := patternmatcher.New([]string{strings.TrimPrefix(p, "!")})
	if err == nil {
		_, err = m.MatchesOrParentMatches("x")
	}
	return err
}

// badPatterns finds the lines with patterns that cannot be used.
func badPatterns(pos diag.Position, data []byte) error {
	var problems diag.List
	for i, line := range bytes.Split(data, []byte("\n")) {
		patterns, err := ignorefile.ReadAll(bytes.NewReader(line))
		if err != nil || len(patterns) == 0 {
			continue
		}
		if err := checkPattern(patterns[0]); err != nil {
			pos.Line = i + 1
			problems.Add(diag.Errorf(pos, "cannot use the pattern %q: %w", patterns[0], err))
		}
	}
	return problems.Err()
}

type scanner struct {
	root, dir, skip string
	matcher         *patternmatcher.PatternMatcher
	cache           *StatCache
	uid             int
	// hidden are the ignored folders on the way to the current path that have no
	// entry yet: an exception below brings them back, as it does in the engine.
	hidden   []string
	entries  []Entry
	problems diag.List
}

// folder scans the folder rel of the context; parent is how rel itself matched,
// hidden that it is ignored. An ignored folder is still entered when the
// patterns have exceptions ("!keep"): one of them could name something in it.
func (s *scanner) folder(rel string, parent patternmatcher.MatchInfo, hidden bool) error {
	items, err := os.ReadDir(filepath.Join(s.dir, rel))
	if hidden && errors.Is(err, fs.ErrPermission) {
		return nil // nobody asked for what is in it
	}
	if err != nil {
		s.problems.Add(unreadable(diag.Position{File: relative(s.root, filepath.Join(s.dir, rel))}, err))
		return nil
	}
	for _, item := range items {
		p := item.Name()
		if rel != "" {
			p = rel + "/" + p
		}
		if p == s.skip {
			continue
		}
		ignored, info := false, patternmatcher.MatchInfo{}
		if s.matcher != nil {
			if ignored, info, err = s.matcher.MatchesUsingParentResults(p, parent); err != nil {
				return diag.Errorf(diag.Position{File: relative(s.root, s.dir)}, "cannot match %s against the patterns of .dockerignore: %w", p, err)
			}
		}
		if ignored && (!item.IsDir() || !s.matcher.Exclusions()) {
			continue
		}
		if ignored {
			s.hidden = append(s.hidden, p)
		} else {
			s.entry(p)
		}
		if item.IsDir() {
			if err := s.folder(p, info, ignored); err != nil {
				return err
			}
		}
		if n := len(s.hidden); n > 0 && s.hidden[n-1] == p {
			s.hidden = s.hidden[:n-1]
		}
	}
	return nil
}

func (s *scanner) entry(rel string) {
	above := s.hidden
	s.hidden = nil
	for _, folder := range above {
		s.entry(folder)
	}
	path := filepath.Join(s.dir, rel)
	pos := diag.Position{File: relative(s.root, path)}
	info, err := os.Lstat(path)
	if err != nil {
		s.problems.Add(unreadable(pos, err))
		return
	}
	e := Entry{Path: rel, Mode: info.Mode()}
	switch {
	case info.Mode().IsRegular():
		if s.uid != 0 && syscall.Access(path, 4) != nil { // the cache may know its content, but the engine has to read it
			s.problems.Add(unreadable(pos, fs.ErrPermission))
			return
		}
		if e.Sum, err = s.cache.Sum(path, info); err != nil {
			s.problems.Add(unreadable(pos, err))
			return
		}
	case info.Mode()&fs.ModeSymlink != 0:
		if e.Sum, err = os.Readlink(path); err != nil {
			s.problems.Add(unreadable(pos, err))
			return
		}
	case info.Mode()&fs.ModeSocket != 0:
		e.Mode &^= fs.ModeSocket // the engine makes an empty file of it
	}
	s.entries = append(s.entries, e)
}

func unreadable(pos diag.Position, err error) *diag.Error {
	why := err
	var pe *fs.PathError
	if errors.As(err, &pe) {
		why = pe.Err
	}
	return diag.Errorf(pos, "cannot read this part of the build context: %w", why).
		Hint("mend its permissions, or name it in .dockerignore")
}

func relative(root, path string) string {
	if rel, err := filepath.Rel(root, path); err == nil && !strings.HasPrefix(rel, "..") {
		return filepath.ToSlash(rel)
	}
	return path
}

// FileSum is the SHA-256 in hex of one regular file that a catalog names at pos.
func FileSum(root, path string, pos diag.Position, cache *StatCache) (string, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	var sum string
	if err == nil {
		sum, err = cache.Sum(path, info)
	}
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return "", diag.Errorf(pos, "cannot read %s: %w", relative(root, path), err)
	}
	return sum, nil
}
