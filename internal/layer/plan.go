package layer

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// item is an entry of the folded layer.
type item struct {
	path  string
	kind  kind   // kindLink for a further name of a file
	inode *inode // nil for whiteouts, opaque marks and directories that only names told of
	link  string // of a hard link: the name that is there already
}

// plan lists the entries that have the effect of the tree, in order.
func (t *tree) plan() ([]item, error) {
	p := planner{tree: t}
	_, err := p.walk(t.root, "", false)
	return p.items, err
}

type planner struct {
	tree  *tree
	items []item
}

// walk appends what n and its children ask for. covered says that nothing of
// what is below is seen here; real, that something was appended that makes the
// directories above it.
func (p *planner) walk(n *node, path string, covered bool) (real bool, err error) {
	if n.inode != nil && n.inode.kind != kindDir {
		p.file(n, path)
		return true, nil
	}
	hides := (n.hidden || n.opaque) && !covered
	var below *node
	if hides {
		if below, err = p.tree.atBelow(path); err != nil {
			return false, err
		}
	}
	exists := n.inode != nil || n.made
	if n.hidden && !exists {
		if below != nil && !covered {
			p.items = append(p.items, item{path: path, kind: kindWhiteout})
		}
		return false, nil
	}
	start := len(p.items)
	if n.inode != nil {
		p.items = append(p.items, item{path: path, kind: kindDir, inode: n.inode})
	}
	if below.kind() == kindDir && hasChildren(below) {
		p.items = append(p.items, item{path: path, kind: kindOpaque})
	}
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		made, err := p.walk(n.children[name], join(path, name), covered || hides)
		if err != nil {
			return false, err
		}
		real = real || made
	}
	if n.inode != nil || !n.made {
		return real || n.inode != nil, nil
	}
	// No entry tells of this directory. It gets one where nothing else makes it.
	switch {
	case covered || n.hidden:
		exists = real && below == nil
	case real:
	default:
		if below, err = p.tree.atBelow(path); err != nil {
			return false, err
		}
		exists = below != nil
	}
	if !exists {
		p.items = slices.Insert(p.items, start, item{path: path, kind: kindDir})
	}
	return true, nil
}

// hasChildren says whether there is something in a directory of the lowest tree.
func hasChildren(dir *node) bool {
	for _, c := range dir.children {
		if c.kind() != kindNone {
			return true
		}
	}
	return false
}

// file appends a file or one of its further names.
func (p *planner) file(n *node, path string) {
	in := n.inode
	if !in.written {
		in.written, in.at = true, path
		at, ok := p.lent(in)
		if !ok {
			p.items = append(p.items, item{path: path, kind: in.kind, inode: in})
			return
		}
		in.at = at
	}
	p.items = append(p.items, item{path: path, kind: kindLink, inode: in, link: in.at})
}

// lent gives a name under which the trees below have the file and that nothing
// in this tree replaces or takes away.
func (p *planner) lent(in *inode) (path string, ok bool) {
	if in.lender == nil {
		return "", false
	}
	names := in.lender.names
	if names == nil {
		names = []*node{in.lent}
	}
	for _, n := range names {
		if n.inode != in.lender || !n.there() {
			continue
		}
		if at := n.path(); p.tree.shows(at) && (!ok || at < path) {
			path, ok = at, true
		}
	}
	return path, ok
}

// shows says whether what the trees below have at the path is seen through this one.
func (t *tree) shows(path string) bool {
	n := t.root
	for name := range strings.SplitSeq(path, "/") {
		if n.opaque || n.hidden {
			return false
		}
		if n = n.children[name]; n == nil {
			return true
		}
	}
	return !n.hidden && !n.made && n.inode == nil
}

// header is the item's tar header.
func (it item) header(epoch int64) *tar.Header {
	h := &tar.Header{Name: it.path, Typeflag: byte(it.kind), ModTime: time.Unix(0, 0)}
	switch it.kind {
	case kindWhiteout, kindOpaque:
		h.Typeflag = tar.TypeReg
		h.Name = join(it.path, opaqueName)
		if it.kind == kindWhiteout {
			dir, base := split(it.path)
			h.Name = join(dir, whiteoutPrefix+base)
		}
		return h
	case kindDir:
		h.Name += "/"
		if it.path == "" {
			h.Name = "./"
		}
	case kindLink:
		h.Linkname = it.link
	}
	if it.inode == nil {
		h.Mode, h.ModTime = 0o755, time.Unix(epoch, 0)
		return h
	}
	m := it.inode.meta
	h.Mode, h.Uid, h.Gid, h.ModTime = int64(m.mode), m.uid, m.gid, time.Unix(min(m.mtime, epoch), 0)
	if len(m.xattrs) > 0 {
		h.PAXRecords = maps.Clone(m.xattrs)
	}
	switch it.kind {
	case kindFile:
		h.Size = it.inode.content.size
	case kindSymlink:
		h.Linkname = it.inode.target
	case kindChar, kindBlock:
		h.Devmajor, h.Devminor = it.inode.major, it.inode.minor
	}
	return h
}

// writeTar writes the items with their contents.
func writeTar(ctx context.Context, w io.Writer, items []item, c *contents, epoch int64) error {
	tw := tar.NewWriter(w)
	buf := make([]byte, 256<<10)
	for _, it := range items {
		if err := ctx.Err(); err != nil {
			return err
		}
		h := it.header(epoch)
		if err := tw.WriteHeader(h); err != nil {
			return fmt.Errorf("cannot write entry %q: %w", shorten(it.path), err)
		}
		if h.Size == 0 {
			continue
		}
		if err := c.copy(tw, it.inode, buf); err != nil {
			return err
		}
	}
	return tw.Close()
}
