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
	if err := s.folder("", patternmatcher.MatchInfo{}); err != nil {
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
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, unreadable(pos, err)
	}
	defer f.Close()
	patterns, err := ignorefile.ReadAll(f)
	if err != nil {
		return nil, unreadable(pos, err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, diag.Errorf(pos, "cannot use the patterns in this file: %w", err)
	}
	return matcher, nil
}

type scanner struct {
	root, dir, skip string
	matcher         *patternmatcher.PatternMatcher
	cache           *StatCache
	uid             int
	entries         []Entry
	problems        diag.List
}

// folder scans the folder rel of the context; parent is how rel itself matched.
// A folder that is ignored is still entered when the patterns have exceptions
// ("!keep"), because one of them could name something in it.
func (s *scanner) folder(rel string, parent patternmatcher.MatchInfo) error {
	items, err := os.ReadDir(filepath.Join(s.dir, rel))
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
				return diag.Errorf(diag.Position{File: relative(s.root, s.dir)}, "cannot match %s against .dockerignore: %w", p, err)
			}
		}
		if ignored && (!item.IsDir() || !s.matcher.Exclusions()) {
			continue
		}
		if !ignored {
			s.entry(p)
		}
		if item.IsDir() {
			if err := s.folder(p, info); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *scanner) entry(rel string) {
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
		return // the engine leaves sockets out too
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
