package layer

import (
	"archive/tar"
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"
)

// kind is what an entry is. For what a layer can hold it is the tar's type flag.
type kind byte

const (
	kindNone     kind = 0
	kindFile     kind = tar.TypeReg
	kindLink     kind = tar.TypeLink
	kindSymlink  kind = tar.TypeSymlink
	kindChar     kind = tar.TypeChar
	kindBlock    kind = tar.TypeBlock
	kindDir      kind = tar.TypeDir
	kindFifo     kind = tar.TypeFifo
	kindWhiteout kind = 'w' // what earlier layers have at the path goes
	kindOpaque   kind = 'o' // what earlier layers have in the directory goes
)

// entry is an entry of a layer in normal form.
type entry struct {
	path string // without slashes at the ends and without "."; "" is the root
	kind kind
	// link is a symbolic link's target as it is written, or a hard link's in the form of path.
	link         string
	meta         meta
	major, minor int64
	size         int64 // of a file's content, holes included
	num          int   // the number of the header in the tar, from 0
	// data is where the content begins in the uncompressed tar; -1 when it has
	// holes and is not there in one piece.
	data int64
}

// meta is what all entries have.
type meta struct {
	mode     uint32 // permissions with setuid, setgid and sticky
	uid, gid int
	mtime    int64             // seconds
	xattrs   map[string]string // by PAX key, with xattrPrefix; never changed in place
}

const (
	whiteoutPrefix = ".wh."
	metaPrefix     = ".wh..wh." // names that AUFS had for itself, and the next one
	opaqueName     = ".wh..wh..opq"
	xattrPrefix    = "SCHILY.xattr."
	sparsePrefix   = "GNU.sparse."
	permissions    = 0o7777
)

// newEntry brings a tar header into normal form. ok is false for headers that
// say nothing about a file.
func newEntry(h *tar.Header) (e entry, ok bool, err error) {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return entry{}, false, nil
	}
	if e, ok, err = classify(h); err != nil {
		return entry{}, false, fmt.Errorf("entry %q: %w", shorten(h.Name), err)
	}
	return e, ok, nil
}

func classify(h *tar.Header) (e entry, ok bool, err error) {
	if e.path, err = cleanName(h.Name); err != nil {
		return e, false, err
	}
	dir, base := split(e.path)
	if strings.HasPrefix(dir, metaPrefix) || strings.Contains(dir, "/"+metaPrefix) {
		return e, false, nil
	}
	if strings.HasPrefix(dir, whiteoutPrefix) || strings.Contains(dir, "/"+whiteoutPrefix) {
		return e, false, errors.New("a whiteout is no directory")
	}
	if name, hides := strings.CutPrefix(base, whiteoutPrefix); hides {
		switch {
		case base == opaqueName:
			return entry{kind: kindOpaque, path: dir}, true, nil
		case strings.HasPrefix(base, metaPrefix):
			return e, false, nil
		case name == "" || name == "." || name == "..":
			return e, false, errors.New("a whiteout needs the name of what it takes away")
		}
		return entry{kind: kindWhiteout, path: join(dir, name)}, true, nil
	}
	e.meta = meta{mode: uint32(h.Mode & permissions), uid: h.Uid, gid: h.Gid, mtime: h.ModTime.Unix(), xattrs: xattrs(h)}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
		e.kind, e.size = kindFile, h.Size
	case tar.TypeLink:
		if e.link, err = cleanName(h.Linkname); err != nil {
			return e, false, fmt.Errorf("hard link to %q: %w", shorten(h.Linkname), err)
		}
		e.kind = kindLink
	case tar.TypeSymlink:
		if h.Linkname == "" {
			return e, false, errors.New("a symbolic link needs a target")
		}
		e.kind, e.link = kindSymlink, h.Linkname
	case tar.TypeChar, tar.TypeBlock:
		e.kind, e.major, e.minor = kind(h.Typeflag), h.Devmajor, h.Devminor
	case tar.TypeDir, tar.TypeFifo:
		e.kind = kind(h.Typeflag)
	default:
		return e, false, fmt.Errorf("entries of type %q are not supported", h.Typeflag)
	}
	if e.path == "" && e.kind != kindDir {
		return e, false, errors.New("the root can only be a directory")
	}
	return e, true, nil
}

// xattrs takes the extended attributes out of the PAX records.
func xattrs(h *tar.Header) map[string]string {
	var out map[string]string
	for k, v := range h.PAXRecords {
		if strings.HasPrefix(k, xattrPrefix) {
			if out == nil {
				out = map[string]string{}
			}
			out[k] = v
		}
	}
	return out
}

// isSparse says whether the entry's content is in the tar without its holes.
func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, sparsePrefix) {
			return true
		}
	}
	return false
}

// over is what a hard link's header makes of the file's own.
func (m meta) over(old meta) meta {
	switch {
	case len(m.xattrs) == 0:
		m.xattrs = old.xattrs
	case len(old.xattrs) != 0:
		merged := maps.Clone(old.xattrs)
		maps.Copy(merged, m.xattrs)
		m.xattrs = merged
	}
	return m
}

// cleanName brings a name into the form of entry.path.
func cleanName(name string) (string, error) {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", errors.New(`a name may not hold ".."`)
		}
	}
	return path.Clean("/" + name)[1:], nil
}

// split cuts the last part off a path.
func split(p string) (dir, base string) {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i], p[i+1:]
	}
	return "", p
}

// join puts a name into a directory.
func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// shorten keeps a long name from filling the screen.
func shorten(name string) string {
	const most = 120
	if len(name) <= most {
		return name
	}
	return name[:most] + "…"
}
