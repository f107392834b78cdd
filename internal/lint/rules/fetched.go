package rules

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/shellscript"
)

// downloadURL is the first URL that curl or wget is given.
func downloadURL(c *shellscript.Command) (shellscript.Word, bool) {
	for _, w := range c.Args() {
		if isURL(w.S) || strings.HasPrefix(w.S, "ftp://") {
			return w, true
		}
	}
	return shellscript.Word{}, false
}

// downloadTarget is the file that curl or wget writes, with an empty text if it writes none that is known.
func downloadTarget(c *shellscript.Command) shellscript.Word {
	if file := redirectedTo(c); file.S != "" {
		return file
	}
	url, ok := downloadURL(c)
	if !ok {
		return shellscript.Word{}
	}
	named := url
	named.S = path.Base(strings.SplitN(url.S, "?", 2)[0])
	if c.Base() == "wget" {
		if file, ok := c.FlagValue("--output-document"); ok {
			return file
		}
		for i, w := range c.Args() {
			if letters, ok := strings.CutPrefix(w.S, "-"); ok && !strings.HasPrefix(letters, "-") && strings.Contains(letters, "O") {
				before, after, _ := strings.Cut(letters, "O")
				if strings.Trim(before, "qnvcSN4") != "" {
					continue
				}
				if after != "" {
					w.S = after
					return w
				}
				if i+1 < len(c.Args()) {
					return c.Args()[i+1]
				}
			}
		}
		if dir, ok := c.FlagValue("-P", "--directory-prefix"); ok {
			named.S = path.Join(dir.S, named.S)
		}
		return named
	}
	if file, ok := c.FlagValue("--output"); ok {
		return file
	}
	for i, w := range c.Args() {
		letters, ok := strings.CutPrefix(w.S, "-")
		if !ok || strings.HasPrefix(letters, "-") {
			continue
		}
		before, after, found := strings.Cut(letters, "o")
		if found && strings.Trim(before, "fsSLkgvi#04612") == "" {
			if after != "" {
				w.S = after
				return w
			}
			if i+1 < len(c.Args()) {
				return c.Args()[i+1]
			}
		}
	}
	if c.HasFlag("-O", "--remote-name") {
		return named
	}
	return shellscript.Word{}
}

// redirectedTo is the file that a command's output goes to.
func redirectedTo(c *shellscript.Command) shellscript.Word {
	if c.Stmt == nil {
		return shellscript.Word{}
	}
	for _, r := range c.Stmt.Redirs {
		if (r.Op == syntax.RdrOut || r.Op == syntax.AppOut || r.Op == syntax.RdrClob) && (r.N == nil || r.N.Value == "1") {
			return c.Script.Word(r.Word)
		}
	}
	return shellscript.Word{}
}

// readers are the commands that read what a command writes into a pipe.
func readers(c *shellscript.Command) (out []*shellscript.Command) {
	if c.Call == nil {
		return nil
	}
	var from, to []syntax.Node
	syntax.Walk(c.Script.Tree, func(n syntax.Node) bool {
		if b, ok := n.(*syntax.BinaryCmd); ok && (b.Op == syntax.Pipe || b.Op == syntax.PipeAll) {
			from, to = append(from, b.X), append(to, b.Y)
		}
		return true
	})
	for i, x := range from {
		if !contains(x, c.Call) {
			continue
		}
		for _, other := range c.Script.Commands {
			if other.Call != nil && contains(to[i], other.Call) {
				out = append(out, other)
			}
		}
	}
	return out
}

// contains says whether a node stands in another.
func contains(outer, inner syntax.Node) bool {
	return outer.Pos().Offset() <= inner.Pos().Offset() && inner.End().Offset() <= outer.End().Offset()
}

// isArchive says whether a file is by its name one that tar or unzip reads.
func isArchive(name string) bool {
	for _, ending := range []string{".tar", ".gz", ".tgz", ".xz", ".txz", ".bz2", ".tbz2", ".zst", ".zip", ".7z"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}
