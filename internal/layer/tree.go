package layer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// tree is what some layers make together over what is below them.
//
// A path that the layers say nothing about has no node. A node without an inode
// is a directory that only names tell of (made), or the mark that what is below
// has gone (hidden), or just on the way to one of these.
type tree struct {
	root *node
	// loadBelow gives the tree of the layers below, nil for the lowest tree.
	loadBelow func() (*tree, error)
	below     *tree // once it is loaded
	// borrowed are the files of the tree below that have got names in this one.
	borrowed map[*inode]*inode
}

type node struct {
	name     string
	parent   *node // nil for the root
	children map[string]*node
	inode    *inode
	layer    int  // that inode is from
	made     bool // a directory, as a path below it says
	hidden   bool // what the trees below have at this path, or under it, does not count
	opaque   bool // the same for what is under it only
}

// inode is a file of any type; several nodes may have it.
type inode struct {
	kind         kind
	meta         meta
	target       string // of a symbolic link
	major, minor int64
	layer        int     // whose tar has the content
	content      *entry  // where it is; nil unless it is a file
	names        []*node // all nodes that ever had it, when there was more than one
	// lender is the file of the tree below that this is another name of, and lent a node that has it there.
	lender *inode
	lent   *node
	// at is where it was written first.
	at      string
	written bool
}

// maxFollow is how many symbolic links a path may lead through, as in Linux.
const maxFollow = 40

func newTree(loadBelow func() (*tree, error)) *tree {
	return &tree{root: &node{}, loadBelow: loadBelow, borrowed: map[*inode]*inode{}}
}

// apply lays a layer over the tree. Of two errors the first one in the layer is given.
func (t *tree) apply(ctx context.Context, entries []entry, layer int) error {
	for i := range entries {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := t.add(&entries[i], layer); err != nil {
			return fmt.Errorf("entry %q: %w", shorten(entries[i].path), err)
		}
	}
	return nil
}

func (t *tree) add(e *entry, layer int) error {
	switch {
	case e.kind == kindWhiteout || e.kind == kindOpaque:
		return t.hide(e, layer)
	case e.path == "":
		t.root.inode, t.root.layer = newInode(e, layer), layer
		return nil
	}
	dirName, base := split(e.path)
	dir, err := t.dir(dirName)
	if err != nil {
		return err
	}
	n := dir.child(base)
	in := newInode(e, layer)
	if e.kind == kindLink {
		if in, err = t.link(e, n); err != nil {
			return err
		}
	}
	for d := dir; d.parent != nil && d.inode == nil && !d.made; d = d.parent {
		d.made = true
	}
	n.inode, n.layer = in, layer
	n.made = false
	if e.kind != kindDir {
		n.children, n.opaque, n.hidden = nil, false, true
	}
	return nil
}

func newInode(e *entry, layer int) *inode {
	in := &inode{kind: e.kind, meta: e.meta, target: e.link, major: e.major, minor: e.minor, layer: layer}
	if e.kind == kindFile {
		in.content = e
	}
	return in
}

// hide carries out a whiteout or an opaque mark. One in a directory that does not exist has no effect.
func (t *tree) hide(e *entry, layer int) error {
	dirName, base := e.path, ""
	if e.kind == kindWhiteout {
		dirName, base = split(e.path)
	}
	dir, err := t.dir(dirName)
	if errors.Is(err, errNotDir) {
		return nil
	}
	if err != nil {
		return err
	}
	if e.kind == kindOpaque {
		dir.opaque = true
		dir.clear(layer)
		return nil
	}
	n := dir.child(base)
	n.hidden = true
	alive := n.clear(layer)
	if n.inode != nil && n.layer != layer {
		n.inode = nil
	}
	n.made = n.inode == nil && alive
	return nil
}

// clear removes everything under the node that is not from the given layer and
// says whether something is left.
func (n *node) clear(layer int) (alive bool) {
	for name, c := range n.children {
		left := c.clear(layer)
		switch {
		case c.inode != nil && c.layer == layer:
			alive = true
		case left:
			c.inode, c.made, alive = nil, true, true
		default:
			delete(n.children, name)
		}
	}
	return alive
}

// link gives the file that a hard link at n is to be a name of.
func (t *tree) link(e *entry, n *node) (*inode, error) {
	dirName, base := split(e.link)
	dir, err := t.dir(dirName)
	if err != nil {
		return nil, fmt.Errorf("hard link to %q: %w", shorten(e.link), err)
	}
	target := dir.child(base)
	for up := target; up != nil; up = up.parent {
		if up == n {
			return nil, fmt.Errorf("hard link to %q: the link takes its place", shorten(e.link))
		}
	}
	in := target.inode
	if in == nil && !target.made && target.parent != nil {
		below, err := t.lookBelow(dir, base)
		if err != nil {
			return nil, err
		}
		switch below.kind() {
		case kindNone:
			return nil, fmt.Errorf("hard link to %q: there is no such file", shorten(e.link))
		case kindDir:
		default:
			in = t.borrow(below)
		}
	}
	if in == nil || in.kind == kindDir {
		return nil, fmt.Errorf("hard link to %q: a directory has no second name", shorten(e.link))
	}
	if in.names == nil {
		in.names = []*node{target}
	}
	in.names = append(in.names, n)
	in.meta = e.meta.over(in.meta)
	return in, nil
}

// borrow gives the file of the tree below as one of this tree.
func (t *tree) borrow(n *node) *inode {
	in := t.borrowed[n.inode]
	if in == nil {
		own := *n.inode
		own.lender, own.lent, own.names = n.inode, n, nil
		in = &own
		t.borrowed[n.inode] = in
	}
	return in
}

// errNotDir is the error of a path that leads through a file.
var errNotDir = errors.New("it is in something that is no directory")

// dir gives the node of a directory. Symbolic links are followed within the
// root; what does not exist gets nodes that say nothing.
func (t *tree) dir(path string) (*node, error) {
	n := t.root
	follows := 0
	for path != "" {
		var name string
		name, path, _ = strings.Cut(path, "/")
		switch name {
		case "", ".": // of a symbolic link's target
			continue
		case "..":
			if n.parent != nil {
				n = n.parent
			}
			continue
		}
		c := n.children[name]
		kind, target := kindDir, ""
		switch {
		case c != nil && c.inode != nil:
			kind, target = c.inode.kind, c.inode.target
		case c == nil || !c.made:
			below, err := t.lookBelow(n, name)
			if err != nil {
				return nil, err
			}
			if kind = below.kind(); kind == kindSymlink {
				target = below.inode.target
			}
		}
		switch kind {
		case kindDir, kindNone:
			n = n.child(name)
		case kindSymlink:
			if follows++; follows > maxFollow {
				return nil, errors.New("too many symbolic links on the way to it")
			}
			if strings.HasPrefix(target, "/") {
				n = t.root
			}
			path = join(target, path)
		default:
			return nil, errNotDir
		}
	}
	return n, nil
}

// lookBelow gives what the tree below has under the name in dir, as far as it
// is seen from this tree; nil when there is nothing.
func (t *tree) lookBelow(dir *node, name string) (*node, error) {
	if t.loadBelow == nil {
		return nil, nil
	}
	if c := dir.children[name]; c != nil && c.hidden {
		return nil, nil
	}
	for d := dir; d != nil; d = d.parent {
		if d.hidden || d.opaque {
			return nil, nil
		}
	}
	if name == "" {
		return t.atBelow("")
	}
	return t.atBelow(join(dir.path(), name))
}

// atBelow gives the node of the tree below for a path, whatever this tree says.
func (t *tree) atBelow(path string) (*node, error) {
	if t.loadBelow == nil {
		return nil, nil
	}
	if t.below == nil {
		below, err := t.loadBelow()
		if err != nil {
			return nil, err
		}
		t.below = below
	}
	n := t.below.root
	for path != "" && n != nil {
		var name string
		name, path, _ = strings.Cut(path, "/")
		n = n.children[name]
	}
	if n.kind() == kindNone {
		return nil, nil
	}
	return n, nil
}

// kind says what a node of the lowest tree is.
func (n *node) kind() kind {
	switch {
	case n == nil:
		return kindNone
	case n.inode != nil:
		return n.inode.kind
	case n.made || n.parent == nil:
		return kindDir
	}
	return kindNone
}

// child gives the node under the name and makes it if there is none.
func (n *node) child(name string) *node {
	if name == "" {
		return n
	}
	c := n.children[name]
	if c == nil {
		c = &node{name: name, parent: n}
		if n.children == nil {
			n.children = map[string]*node{}
		}
		n.children[name] = c
	}
	return c
}

func (n *node) path() string {
	var parts []string
	for ; n.parent != nil; n = n.parent {
		parts = append(parts, n.name)
	}
	slices.Reverse(parts)
	return strings.Join(parts, "/")
}

// there says whether the node is still part of its tree.
func (n *node) there() bool {
	for ; n.parent != nil; n = n.parent {
		if n.parent.children[n.name] != n {
			return false
		}
	}
	return true
}
