package image

import (
	"archive/tar"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/debian/deb"
	"github.com/plinth-build/plinth/internal/debian/pool"
)

// change is one path of a delta layer.
type change struct {
	path     string
	typ      deb.Type
	gone     bool // the layers have it and the root does not
	mode     uint32
	uid, gid int
	link     string
	ino      uint64 // for files with several names; 0 otherwise
	data     []byte // content that is written instead of the file's
	replaced bool   // data counts
	size     int64
}

// scan compares the root with what is known and returns what differs, sorted
// by path, after the normalisers had their word. A file counts as changed when
// its content, type, mode or owner differs; its time does not count.
func (r *rootfs) scan() ([]change, error) {
	var out []change
	seen := map[string]bool{}
	err := filepath.WalkDir(r.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(strings.TrimPrefix(p, r.dir), "/")
		if name == "" {
			return nil
		}
		k := r.known[name]
		rule := ruleFor(name, k != nil)
		if rule != nil && rule.do == nil {
			seen[name] = k != nil // what a layer holds and a rule drops is left as it is in the layer
			if d.IsDir() {
				r.markBelow(seen, name)
				return fs.SkipDir
			}
			return nil
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(p, &st); err != nil {
			return err
		}
		seen[name] = true
		c, err := r.examine(p, name, &st)
		if err != nil {
			return err
		}
		if c.typ == 0 {
			return nil // a socket, pipe or device that a script left: no image holds it
		}
		if target := path.Join(path.Dir(name), c.link); c.typ == deb.Symlink && k == nil && dropped(target) {
			return nil // it would lead nowhere
		}
		if rule != nil && c.typ == deb.File {
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			if c.data, err = rule.do(data, r.b.Epoch); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			c.replaced, c.size, c.ino = true, int64(len(c.data)), 0
			if k != nil && k.typ == deb.File && k.sum == sha256.Sum256(c.data) && k.mode == c.mode && k.uid == c.uid && k.gid == c.gid {
				return nil
			}
		} else if same, err := r.unchanged(k, &c, p, &st); err != nil || same {
			return err
		}
		out = append(out, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for name := range r.known {
		if !seen[name] && !r.goneAbove(seen, name) {
			out = append(out, change{path: name, gone: true})
		}
	}
	slices.SortFunc(out, func(a, b change) int { return slices.Compare(strings.Split(a.path, "/"), strings.Split(b.path, "/")) })
	return out, nil
}

// dropped says whether a rule drops the path.
func dropped(name string) bool {
	r := ruleFor(name, false)
	return r != nil && r.do == nil
}

// markBelow counts everything known below a dropped folder as seen.
func (r *rootfs) markBelow(seen map[string]bool, dir string) {
	for name := range r.known {
		if strings.HasPrefix(name, dir+"/") {
			seen[name] = true
		}
	}
}

// goneAbove says whether a folder above name is gone or no folder any more: then
// name goes with it.
func (r *rootfs) goneAbove(seen map[string]bool, name string) bool {
	for d := path.Dir(name); d != "."; d = path.Dir(d) {
		if r.known[d] == nil {
			continue
		}
		if !seen[d] {
			return true
		}
		if info, err := os.Lstat(r.hostPath(d)); err != nil || !info.IsDir() {
			return true
		}
	}
	return false
}

// examine describes the object at p.
func (r *rootfs) examine(p, name string, st *syscall.Stat_t) (change, error) {
	c := change{path: name, mode: st.Mode & 0o7777, uid: int(st.Uid), gid: int(st.Gid)}
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		c.typ = deb.Dir
	case syscall.S_IFREG:
		c.typ, c.size = deb.File, st.Size
		if st.Nlink > 1 {
			c.ino = st.Ino
		}
	case syscall.S_IFLNK:
		c.typ, c.mode = deb.Symlink, 0o777
		var err error
		if c.link, err = os.Readlink(p); err != nil {
			return c, err
		}
	}
	return c, nil
}

// unchanged says whether c is what the layers hold.
func (r *rootfs) unchanged(k *known, c *change, p string, st *syscall.Stat_t) (bool, error) {
	if k == nil || k.typ != c.typ && (k.typ != deb.Link || c.typ != deb.File) || k.uid != c.uid || k.gid != c.gid {
		return false, nil
	}
	if c.typ == deb.Symlink {
		return k.link == c.link, nil
	}
	if k.mode != c.mode {
		return false, nil
	}
	if c.typ == deb.Dir || k.stamp == stampOf(st) {
		return true, nil
	}
	if k.size != c.size {
		return false, nil
	}
	f, err := os.Open(p)
	if err != nil {
		return false, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return false, err
	}
	return [32]byte(h.Sum(nil)) == k.sum, nil
}

// difference makes the delta layer in the store.
func (r *rootfs) difference() (configured, error) {
	c := configured{Files: map[string][]byte{}, Dirs: map[string]keptDir{}}
	changes, err := r.scan()
	if err != nil {
		return c, err
	}
	for _, name := range []string{"etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"} {
		data, err := r.read(name)
		if err != nil {
			return c, err
		}
		if data == nil {
			continue
		}
		if rule := ruleFor(name, false); rule != nil && rule.do != nil {
			if data, err = rule.do(data, r.b.Epoch); err != nil {
				return c, err
			}
		}
		c.Files[name] = data
	}
	w, err := r.b.st.NewBlob()
	if err != nil {
		return c, err
	}
	defer w.Abort()
	z, err := gzip.NewWriterLevel(w, 6)
	if err != nil {
		return c, err
	}
	raw := sha256.New()
	tw := tar.NewWriter(io.MultiWriter(z, raw))
	if err := r.writeChanges(tw, changes, c.Dirs); err != nil {
		return c, err
	}
	if err := tw.Close(); err != nil {
		return c, err
	}
	if err := z.Close(); err != nil {
		return c, err
	}
	desc, err := w.Commit(ocispec.MediaTypeImageLayerGzip)
	c.Layer = pool.Layer{Descriptor: desc, DiffID: digest.NewDigest(digest.SHA256, raw)}
	return c, err
}

// writeChanges writes the changes, each after the folders above it. Folders
// that the packages do not have are added to dirs.
func (r *rootfs) writeChanges(tw *tar.Writer, changes []change, dirs map[string]keptDir) error {
	written := map[string]bool{}
	writeDir := func(c change) error {
		written[c.path] = true
		if r.b.tree.dirs[c.path] != (dirMeta{c.mode, c.uid, c.gid}) {
			dirs[c.path] = keptDir{c.mode, c.uid, c.gid}
		}
		return tw.WriteHeader(pool.Header(deb.Entry{Path: c.path, Type: deb.Dir, Mode: c.mode, UID: c.uid, GID: c.gid, MTime: r.b.Epoch}))
	}
	var above func(dir string) error
	above = func(dir string) error {
		if dir == "." || written[dir] {
			return nil
		}
		if err := above(path.Dir(dir)); err != nil {
			return err
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(r.hostPath(dir), &st); err != nil {
			return err
		}
		c, err := r.examine(r.hostPath(dir), dir, &st)
		if err != nil {
			return err
		}
		return writeDir(c)
	}
	links := map[uint64]string{} // the first name of files with several
	for _, c := range changes {
		if c.typ == deb.Dir && written[c.path] {
			continue
		}
		if err := above(path.Dir(c.path)); err != nil {
			return err
		}
		var err error
		switch {
		case c.gone:
			dir, base := path.Split(c.path)
			err = tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: dir + ".wh." + base, Mode: 0o644, ModTime: time.Unix(r.b.Epoch, 0)})
		case c.typ == deb.Dir:
			err = writeDir(c)
		case c.typ == deb.File && c.ino != 0 && links[c.ino] != "":
			err = tw.WriteHeader(pool.Header(deb.Entry{Path: c.path, Type: deb.Link, Mode: c.mode, UID: c.uid, GID: c.gid, Link: links[c.ino], MTime: r.b.Epoch}))
		default:
			if c.ino != 0 {
				links[c.ino] = c.path
			}
			err = r.writeChange(tw, c)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.path, err)
		}
	}
	return nil
}

// writeChange writes a file or symbolic link.
func (r *rootfs) writeChange(tw *tar.Writer, c change) error {
	e := deb.Entry{Path: c.path, Type: c.typ, Mode: c.mode, UID: c.uid, GID: c.gid, Link: c.link, Size: c.size, MTime: r.b.Epoch}
	if err := tw.WriteHeader(pool.Header(e)); err != nil || c.typ != deb.File {
		return err
	}
	if c.replaced {
		_, err := tw.Write(c.data)
		return err
	}
	f, err := os.Open(r.hostPath(c.path))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(tw, f)
	return err
}
