package catalog

// Which folders are images. Without images: in plinth.yaml these are all folders
// with a Dockerfile or an image.yaml, down to three levels; with it, the folders
// that a glob names, at any depth. Hidden folders and the state folder are never
// looked into. A symbolic link to a folder is followed unless it leads to a folder
// that it lies in.

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/diag"
)

// FlavoursDir is the folder of the flavours, a folder each.
const FlavoursDir = "flavours"

const (
	defaultDepth = 3
	globDepth    = 12 // for ** in a glob
)

// folder is one directory with what of an image lies in it.
type folder struct {
	dir           string // slash path relative to the root
	hasDockerfile bool
	hasImageFile  bool
}

func (f folder) isImage() bool { return f.hasDockerfile || f.hasImageFile }

// folders are the image folders by path.
func (l *loader) folders(c Config) []folder {
	w := walker{loader: l, state: path.Clean(filepath.ToSlash(c.State)), globs: c.Images, depth: defaultDepth}
	if len(c.Images) > 0 {
		w.depth = globDepth
	}
	w.used = make([]bool, len(c.Images))
	real, err := filepath.EvalSymlinks(l.root)
	if err != nil {
		l.fail(diag.Position{File: "."}, "cannot read the folder: %w", reason(err))
		return nil
	}
	w.walk("", 0, []string{real})
	for i, used := range w.used {
		if !used {
			l.fail(l.globPos(i), "cannot find an image folder that matches %q", c.Images[i]).
				Hint("an image folder has a Dockerfile or an image.yaml")
		}
	}
	slices.SortFunc(w.found, func(a, b folder) int { return cmp.Compare(a.dir, b.dir) })
	return w.found
}

type walker struct {
	*loader
	state string
	globs []string
	used  []bool
	depth int
	found []folder
}

// walk looks into the folder dir. chain is the real paths of
// the folders it lies in and, last, its own.
func (w *walker) walk(dir string, depth int, chain []string) {
	entries, err := os.ReadDir(filepath.Join(w.root, filepath.FromSlash(dir)))
	if err != nil {
		w.fail(diag.Position{File: cmp.Or(dir, ".")}, "cannot read the folder: %w", reason(err)).
			Hint("mend its permissions")
		return
	}
	f := folder{dir: dir}
	for _, e := range entries {
		name := e.Name()
		switch {
		case name == DockerfileFile && !e.IsDir():
			f.hasDockerfile = true
		case name == ImageFile && !e.IsDir():
			f.hasImageFile = true
		case depth < w.depth && w.wanted(path.Join(dir, name)):
			w.descend(path.Join(dir, name), e, depth, chain)
		}
	}
	if dir != "" && f.isImage() && w.matches(dir) {
		w.found = append(w.found, f)
	}
}

func (w *walker) descend(dir string, e fs.DirEntry, depth int, chain []string) {
	target := filepath.Join(chain[len(chain)-1], e.Name())
	if e.Type()&fs.ModeSymlink != 0 {
		info, err := os.Stat(target)
		if err != nil || !info.IsDir() {
			return // a link in a build context: not ours to judge
		}
		if target, err = filepath.EvalSymlinks(target); err != nil || slices.Contains(chain, target) {
			return
		}
	} else if !e.IsDir() {
		return
	}
	w.walk(dir, depth+1, append(slices.Clip(chain), target))
}

// wanted says whether to look into a folder.
func (w *walker) wanted(dir string) bool {
	name := path.Base(dir)
	if strings.HasPrefix(name, ".") || dir == w.state || dir == FlavoursDir {
		return false
	}
	if len(w.globs) == 0 {
		return name != "flavours" && name != "tests"
	}
	for _, g := range w.globs {
		if globPrefix(g, dir) {
			return true
		}
	}
	return false
}

func (w *walker) matches(dir string) bool {
	if len(w.globs) == 0 {
		return true
	}
	matched := false
	for i, g := range w.globs {
		if globMatch(strings.Split(g, "/"), strings.Split(dir, "/")) {
			w.used[i], matched = true, true
		}
	}
	return matched
}

// globMatch matches a path by its elements; ** stands for any number of them.
func globMatch(glob, elems []string) bool {
	if len(glob) == 0 {
		return len(elems) == 0
	}
	if glob[0] == "**" {
		return globMatch(glob[1:], elems) || len(elems) > 0 && globMatch(glob, elems[1:])
	}
	if len(elems) == 0 {
		return false
	}
	ok, _ := path.Match(glob[0], elems[0]) // the syntax was checked when plinth.yaml was read
	return ok && globMatch(glob[1:], elems[1:])
}

// globPrefix says whether something under dir, or dir itself, can match.
func globPrefix(glob, dir string) bool {
	parts := strings.Split(glob, "/")
	for i, elem := range strings.Split(dir, "/") {
		if i >= len(parts) {
			return false
		}
		if parts[i] == "**" {
			return true
		}
		if ok, _ := path.Match(parts[i], elem); !ok {
			return false
		}
	}
	return true
}

// readFile reads a file of the catalog; a dangling link says where it leads.
func (l *loader) readFile(rel string) ([]byte, bool) {
	full := filepath.Join(l.root, filepath.FromSlash(rel))
	data, err := os.ReadFile(full)
	if err == nil {
		return data, true
	}
	pos := diag.Position{File: rel}
	if to, linkErr := os.Readlink(full); linkErr == nil {
		e := l.fail(pos, "cannot read %s: it is a link to %s: %w", path.Base(rel), to, reason(err))
		if errors.Is(err, fs.ErrNotExist) {
			e.Hint("point the link at a file that exists")
		}
		return nil, false
	}
	e := l.fail(pos, "cannot read %s: %w", path.Base(rel), reason(err))
	if errors.Is(err, fs.ErrPermission) {
		e.Hint("give yourself permission: chmod u+r %s", rel)
	}
	return nil, false
}
