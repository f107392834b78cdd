package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

// copied is what a COPY or ADD says.
type copied struct {
	from    string        // of --from, "" for the context
	sources []syntax.Text // without heredocs
	dest    syntax.Text
	heredoc bool
}

// copyOf reads a COPY or ADD.
func copyOf(in *syntax.Instruction) (c copied, ok bool) {
	if in.Keyword != "COPY" && in.Keyword != "ADD" {
		return c, false
	}
	words, list := in.JSON()
	if !list {
		words = in.Args.Fields()
	}
	if len(words) < 2 {
		return c, false
	}
	if f, ok := in.Flag("from"); ok {
		c.from = f.Value
	}
	for _, w := range words[:len(words)-1] {
		if strings.HasPrefix(w.S, "<<") {
			c.heredoc = true
			continue
		}
		c.sources = append(c.sources, w)
	}
	c.dest = words[len(words)-1]
	return c, true
}

// wholeContext gives the source of a COPY or ADD that is all of the context.
func wholeContext(in *syntax.Instruction) (syntax.Text, bool) {
	c, ok := copyOf(in)
	if !ok || c.from != "" {
		return syntax.Text{}, false
	}
	i := slices.IndexFunc(c.sources, func(t syntax.Text) bool {
		switch path.Clean(t.S) {
		case ".", "/", "*", "/*":
			return true
		}
		return false
	})
	if i < 0 {
		return syntax.Text{}, false
	}
	return c.sources[i], true
}

// isURL says whether ADD downloads a source.
func isURL(source string) bool {
	return strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://")
}

// codeFolders are names that hold a program's own code.
var codeFolders = map[string]bool{
	"src": true, "app": true, "lib": true, "cmd": true, "pkg": true, "internal": true, "source": true, "sources": true,
	"server": true, "client": true, "backend": true, "frontend": true,
}

// codeEndings are those of files that are a program's own code.
var codeEndings = map[string]bool{
	".js": true, ".mjs": true, ".ts": true, ".tsx": true, ".jsx": true, ".py": true, ".go": true, ".rs": true, ".java": true,
	".kt": true, ".scala": true, ".rb": true, ".php": true, ".cs": true,
}

// isCode says whether a source of COPY is certainly a program's own code.
func isCode(source string) bool {
	base := path.Base(path.Clean(source))
	if codeFolders[base] {
		return true
	}
	name, ending := strings.TrimSuffix(base, path.Ext(base)), path.Ext(base)
	return codeEndings[ending] && name != "setup" && !strings.Contains(name, "config") && !strings.Contains(name, "rc")
}
