package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// deletion is a path that a command removes.
type deletion struct {
	word    shellscript.Word
	path    string // absolute and clean, with * in its last part perhaps
	command *shellscript.Command
}

// deletions are the paths that a step removes and that are known.
func deletions(s *lint.Stage, st step) (out []deletion) {
	st.run.Each(func(c *shellscript.Command) {
		plain := unwrap(c)
		if plain.Base() != "rm" && plain.Base() != "unlink" && plain.Base() != "shred" {
			return
		}
		for _, w := range plain.Operands() {
			for _, expanded := range braces(w.S) {
				one := w
				one.S = expanded
				if name := runPath(s, st, one); name != "" && name != "/" {
					out = append(out, deletion{w, name, plain})
				}
			}
		}
	})
	return out
}

// removes says whether a deletion takes a path away: it is the path, a folder above it, or a
// pattern for one of the two.
func (d deletion) removes(name string) bool {
	if !strings.ContainsAny(d.path, "*?[") {
		return within(name, d.path)
	}
	for ; name != "/" && name != "."; name = path.Dir(name) {
		if ok, _ := path.Match(d.path, name); ok {
			return true
		}
	}
	return false
}

// made is a file or folder that a step puts into the image.
type made struct {
	path    string
	what    string // the instruction or command
	st      step
	span    lint.Span // of the command
	fetched bool      // ADD has downloaded it
}

// knownFolders are folders that images have: COPY of a file to one of them puts it below.
var knownFolders = []string{"/", "/tmp", "/var/tmp", "/opt", "/root", "/home", "/srv", "/etc", "/usr/local/bin", "/usr/bin", "/usr/src", "/usr/local/src"}

// madeByCopy are the paths that a COPY or ADD makes.
func madeByCopy(s *lint.Stage, st step) (out []made) {
	c, ok := copyOf(st.in)
	if !ok {
		return nil
	}
	dest := stagePath(s, st, c.dest.S)
	if dest == "" {
		return nil
	}
	folder := strings.HasSuffix(c.dest.S, "/") || c.dest.S == "." || len(c.sources) > 1 || slices.Contains(knownFolders, dest)
	_, whole := wholeContext(st.in)
	for _, source := range c.sources {
		if whole {
			return append(out, made{path: dest, what: st.in.Keyword, st: st})
		}
		if st.in.Keyword == "ADD" && !isURL(source.S) && isArchive(source.S) {
			if !slices.Contains(knownFolders, dest) {
				out = append(out, made{path: dest, what: st.in.Keyword, st: st}) // ADD unpacks it
			}
			continue
		}
		if base := path.Base(source.S); !folder {
			out = append(out, made{path: dest, what: st.in.Keyword, st: st, fetched: isURL(source.S)})
		} else if !strings.Contains(base, "$") && base != "." && base != "/" {
			out = append(out, made{path: path.Join(dest, base), what: st.in.Keyword, st: st, fetched: isURL(source.S)})
		}
	}
	return out
}

// madeByRun are the files that a step downloads, archives unpacked not included.
func madeByRun(s *lint.Stage, st step) (out []made) {
	st.run.Each(func(c *shellscript.Command) {
		plain := unwrap(c)
		var target shellscript.Word
		switch plain.Base() {
		case "curl", "wget":
			target = downloadTarget(plain)
		case "git":
			if words := plain.Operands("-b", "--branch", "--depth", "-c", "-o"); plain.Sub() == "clone" && len(words) == 3 {
				target = words[2]
			}
		}
		if target.S == "" || target.S == "-" {
			return
		}
		if name := runPath(s, st, target); name != "" && !strings.HasPrefix(name, "/dev/") {
			out = append(out, made{path: name, what: plain.Base(), st: st, span: commandSpan(plain)})
		}
	})
	return out
}
