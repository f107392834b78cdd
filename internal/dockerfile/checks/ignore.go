package checks

import (
	"bytes"
	"path"
	"path/filepath"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// Ignore is what a .dockerignore leaves out of the build context, as far as BuildKit warns
// about it.
type Ignore struct {
	matcher *patternmatcher.PatternMatcher // nil when nothing is left out for certain
	root    bool                           // all is left out
}

// ReadIgnore reads a .dockerignore. One that takes something in again (!name) leaves out nothing for
// certain: a folder may be out and a file in it in.
func ReadIgnore(data []byte) (*Ignore, error) {
	patterns, err := ignorefile.ReadAll(bytes.NewReader(data))
	if err != nil || len(patterns) == 0 {
		return &Ignore{}, err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil || matcher.Exclusions() {
		return &Ignore{}, err
	}
	i := &Ignore{matcher: matcher}
	for _, p := range matcher.Patterns() {
		switch p.String() {
		case "*", "**", "**/*":
			i.root = true
		}
	}
	return i, nil
}

// Ignores says whether a source of COPY or ADD is left out of the context.
func (i *Ignore) Ignores(source string) bool {
	if i.matcher == nil {
		return false
	}
	source = path.Clean(filepath.ToSlash(source))
	if source == "." || source == "/" {
		return i.root
	}
	ok, err := i.matcher.MatchesOrParentMatches(source)
	return ok && err == nil
}
