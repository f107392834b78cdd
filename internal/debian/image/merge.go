package image

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/debian/deb"
	"github.com/plinth-build/plinth/internal/debian/pool"
	"github.com/plinth-build/plinth/internal/debian/version"
	"github.com/plinth-build/plinth/internal/diag"
)

// tree is what the packages of an image put into its root together.
type tree struct {
	packages []*pool.Package // in the order in which they are laid
	dirs     map[string]dirMeta
	nodes    map[string]node // everything but directories
	// replaced are the paths that a package ships and another one replaces, by the rules of Replaces:
	// the layers hold both, so the generated layer repeats the one that counts.
	replaced map[string]node
}

type dirMeta struct {
	mode     uint32
	uid, gid int
}

// node is a file or link and the package that it is from.
type node struct {
	pkg   *pool.Package
	entry *pool.Entry
}

// plainDir is a directory that nobody ships.
var plainDir = dirMeta{mode: 0o755}

// merge lays the packages over each other. docs takes the documentation in.
// Two packages with the same path are an error that names both, unless the
// entries are the same or one package replaces the other.
func merge(target string, packages []*pool.Package, docs bool) (*tree, error) {
	total := 0
	for _, p := range packages {
		total += len(p.Entries)
	}
	t := &tree{packages: packages, dirs: make(map[string]dirMeta, total/4), nodes: make(map[string]node, total), replaced: map[string]node{}}
	var problems diag.List
	conflict := func(path string, a, b *pool.Package) {
		problems.Add(diag.Errorf(diag.Position{}, "cannot build %s: packages %s and %s both have /%s", target, a.Name(), b.Name(), path).
			Hint("leave one of them out with exclude:, or ask for one of them only"))
	}
	links := map[string]node{}
	for _, p := range packages {
		for i := range p.Entries {
			e := &p.Entries[i]
			if e.Doc && !docs || deb.IsTopLink(e.Path) {
				continue
			}
			if e.Type == deb.Dir {
				if _, ok := t.dirs[e.Path]; !ok {
					t.dirs[e.Path] = dirMeta{e.Mode, e.UID, e.GID}
				}
				continue
			}
			mine := node{p, e}
			other, taken := t.nodes[e.Path]
			switch {
			case !taken || same(other.entry, e):
				if !taken {
					t.nodes[e.Path] = mine
				}
			case replaces(p, other.pkg):
				t.nodes[e.Path], t.replaced[e.Path] = mine, mine
			case replaces(other.pkg, p):
				t.replaced[e.Path] = other
			default:
				conflict(e.Path, other.pkg, p)
			}
			if e.Type == deb.Symlink {
				links[e.Path] = t.nodes[e.Path]
			}
		}
	}
	for _, p := range packages {
		for i := range p.Entries {
			if e := &p.Entries[i]; (!e.Doc || docs) && !deb.IsTopLink(e.Path) {
				t.parents(e.Path, plainDir)
			}
		}
	}
	// nothing is ever written through a link: a folder of one package that another one ships as a link is refused
	for path, link := range links {
		if _, isDir := t.dirs[path]; isDir {
			problems.Add(diag.Errorf(diag.Position{}, "cannot build %s: /%s is a symbolic link in package %s and a folder in %s",
				target, path, link.pkg.Name(), t.folderOf(path)))
		}
	}
	for path, n := range t.nodes {
		if _, isDir := t.dirs[path]; isDir && n.entry.Type != deb.Symlink {
			problems.Add(diag.Errorf(diag.Position{}, "cannot build %s: /%s is a file in package %s and a folder in %s",
				target, path, n.pkg.Name(), t.folderOf(path)))
		}
	}
	return t, problems.Err()
}

// parents adds the folders above name that nobody has listed.
func (t *tree) parents(name string, meta dirMeta) {
	for d := path.Dir(name); d != "."; d = path.Dir(d) {
		if _, ok := t.dirs[d]; ok {
			return // its parents were added with it, or will be when it is looked at itself
		}
		t.dirs[d] = meta
	}
}

// folderOf names the first package with something in the folder.
func (t *tree) folderOf(dir string) string {
	for _, p := range t.packages {
		for i := range p.Entries {
			e := &p.Entries[i]
			if e.Path == dir && e.Type == deb.Dir || strings.HasPrefix(e.Path, dir+"/") {
				return p.Name()
			}
		}
	}
	return "another package"
}

// has says whether the path is a file, link or folder of some package.
func (t *tree) has(path string) bool {
	if _, ok := t.nodes[path]; ok {
		return true
	}
	_, ok := t.dirs[path]
	return ok
}

func same(a, b *pool.Entry) bool {
	return a.Type == b.Type && a.Mode == b.Mode && a.UID == b.UID && a.GID == b.GID && a.Size == b.Size && a.Sum == b.Sum && a.Link == b.Link
}

// replaces says whether a's Replaces field names b in its version (deb-control(5)).
func replaces(a, b *pool.Package) bool {
	field := a.Stanza.Get("Replaces")
	if field == "" {
		return false
	}
	groups, err := version.ParseRelations(field)
	if err != nil {
		return false
	}
	for _, group := range groups {
		for _, r := range group {
			if r.Name == b.Name() && r.Holds(b.Stanza.Get("Version")) {
				return true
			}
		}
	}
	return false
}
