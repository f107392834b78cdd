package image

import (
	"archive/tar"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/plinth-build/plinth/internal/debian/deb"
	"github.com/plinth-build/plinth/internal/debian/pool"
)

// rootfs is a root file system in a folder of the host. All writing goes
// through an os.Root: whatever links packages and scripts leave there, nothing
// is written outside.
type rootfs struct {
	b    *builder
	dir  string
	root *os.Root
	// known is what the layers hold: path to what was written for it and the stamp that it had then.
	known map[string]*known
	// solid are folders that were looked at and are no links; it is emptied when scripts ran.
	solid map[string]bool
}

// known is one path of the layers.
type known struct {
	typ      deb.Type // a hard link counts as the file
	mode     uint32
	uid, gid int
	size     int64
	link     string
	sum      [32]byte
	stamp    stamp
}

// stamp tells whether anything was done to a file: its content or metadata
// cannot change without a new ctime, or another inode in its place.
type stamp struct {
	ino   uint64
	ctime int64 // nanoseconds
}

// settle is longer than the step of the kernel's file clock (10 ms at HZ=100):
// after it a change gets another ctime than what was stamped before.
const settle = 15 * time.Millisecond

func newRootfs(dir string, b *builder) (*rootfs, error) {
	root, err := os.OpenRoot(dir)
	return &rootfs{b: b, dir: dir, root: root, known: map[string]*known{}, solid: map[string]bool{}}, err
}

func (r *rootfs) close() { r.root.Close() }

// resolve gives the path of name with links in its folders followed inside the
// root, as the scripts see them.
func (r *rootfs) resolve(name string) (string, error) {
	rest := strings.Split(name, "/")
	done := ""
	for hops := 0; len(rest) > 1; {
		next := path.Join(done, rest[0])
		if r.solid[next] || rest[0] == "." || rest[0] == "" {
			done, rest = next, rest[1:]
			continue
		}
		if rest[0] == ".." {
			done, rest = strings.TrimPrefix(path.Join("/", done, ".."), "/"), rest[1:]
			continue
		}
		info, err := r.root.Lstat(next)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			r.solid[next] = true
			done, rest = next, rest[1:]
			continue
		}
		if hops++; hops > 40 {
			return "", fmt.Errorf("%s: too many links", name)
		}
		target, err := r.root.Readlink(next)
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) {
			done = ""
		}
		rest = append(strings.Split(strings.Trim(target, "/"), "/"), rest[1:]...)
	}
	return path.Join(done, rest[0]), nil
}

func (r *rootfs) makeTopLinks() error {
	for _, l := range topLinkNames(r.b.tree, r.b.Arch) {
		if err := r.mkdirAll("usr/" + l); err != nil {
			return err
		}
		if err := r.root.Symlink("usr/"+l, l); err != nil {
			return err
		}
	}
	for name, mode := range map[string]fs.FileMode{"dev": 0o755, "proc": 0o755, "run": 0o755, "sys": 0o755, "tmp": 0o777 | fs.ModeSticky} {
		if err := errors.Join(r.mkdirAll(name), r.root.Chmod(name, mode)); err != nil {
			return err
		}
	}
	return nil
}

// mkdirAll makes a folder and those above it, 0755.
func (r *rootfs) mkdirAll(name string) error {
	if name == "." || name == "" || r.solid[name] {
		return nil
	}
	if err := r.mkdirAll(path.Dir(name)); err != nil {
		return err
	}
	at, err := r.resolve(name)
	if err != nil {
		return err
	}
	err = r.root.Mkdir(at, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.root.Chmod(at, 0o755) // whatever the umask is
}

// place puts something at name, in place of what is there: make gets the resolved path.
func (r *rootfs) place(name string, make func(at string) error) error {
	at, err := r.resolve(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = r.mkdirAll(path.Dir(name)); err == nil {
			at, err = r.resolve(name)
		}
	}
	if err != nil {
		return err
	}
	if _, err := r.root.Lstat(at); err == nil {
		if err := r.root.RemoveAll(at); err != nil {
			return err
		}
	}
	return make(at)
}

// write makes a file.
func (r *rootfs) write(name string, mode uint32, uid, gid int, mtime int64, content io.Reader) error {
	return r.place(name, func(at string) error {
		f, err := r.root.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, content)
		// the owner first: changing it clears set-id bits
		err = errors.Join(err, f.Chown(uid, gid), f.Chmod(fileMode(mode)), f.Close())
		if err != nil {
			return err
		}
		t := time.Unix(mtime, 0)
		return r.root.Chtimes(at, t, t)
	})
}

// put makes a file of our own.
func (r *rootfs) put(name string, mode uint32, data []byte) error {
	return r.write(name, mode, 0, 0, r.b.Epoch, strings.NewReader(string(data)))
}

// mkdir makes a folder with its mode and owner; one that is there, or a link to one, stays as it is.
func (r *rootfs) mkdir(name string, m dirMeta) error {
	if err := r.mkdirAll(path.Dir(name)); err != nil {
		return err
	}
	at, err := r.resolve(name)
	if err != nil {
		return err
	}
	if err := r.root.Mkdir(at, 0o700); err != nil {
		if info, serr := os.Lstat(r.hostPath(at)); errors.Is(err, fs.ErrExist) && serr == nil && (info.IsDir() || info.Mode()&fs.ModeSymlink != 0) {
			return nil
		}
		return err
	}
	return errors.Join(r.root.Lchown(at, m.uid, m.gid), r.root.Chmod(at, fileMode(m.mode)))
}

// fileMode converts Unix mode bits.
func fileMode(m uint32) fs.FileMode {
	out := fs.FileMode(m & 0o777)
	for bit, mode := range map[uint32]fs.FileMode{0o1000: fs.ModeSticky, 0o2000: fs.ModeSetgid, 0o4000: fs.ModeSetuid} {
		if m&bit != 0 {
			out |= mode
		}
	}
	return out
}

// unpack lays the files of packages into the root, as dpkg --unpack would, and
// enters them into dpkg's database.
func (r *rootfs) unpack(packages []*pool.Package) error {
	if len(packages) == 0 {
		return nil
	}
	r.solid = map[string]bool{}
	diverted, err := r.diversions()
	if err != nil {
		return err
	}
	dirs := map[string]bool{}
	for _, p := range packages {
		for i := range p.Entries {
			e := &p.Entries[i]
			if e.Doc && !r.b.Spec.Docs || deb.IsTopLink(e.Path) {
				continue
			}
			if e.Type == deb.Dir {
				dirs[e.Path] = true
			}
			for d := path.Dir(e.Path); d != "." && !dirs[d]; d = path.Dir(d) {
				dirs[d] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(dirs)) {
		m := r.b.tree.dirs[name]
		if err := r.mkdir(name, m); err != nil {
			return err
		}
		r.remember(name, &known{typ: deb.Dir, mode: m.mode, uid: m.uid, gid: m.gid})
	}
	for _, p := range packages {
		if err := r.unpackFiles(p, diverted); err != nil {
			return fmt.Errorf("package %s: %w", p.Name(), err)
		}
	}
	if err := r.enter(packages); err != nil {
		return err
	}
	return r.stampAll()
}

func (r *rootfs) unpackFiles(p *pool.Package, diverted map[string]diversion) error {
	return r.b.pool.Files(p, r.b.Spec.Docs, func(e pool.Entry, content io.Reader) error {
		if r.b.tree.nodes[e.Path].pkg != p {
			return nil // another package replaces it
		}
		name := e.Path
		if d, ok := diverted[name]; ok && d.by != p.Name() {
			name = d.to
		}
		mtime := min(e.MTime, r.b.Epoch)
		k := &known{typ: e.Type, mode: e.Mode, uid: e.UID, gid: e.GID, size: e.Size, link: e.Link, sum: e.Sum}
		var err error
		switch e.Type {
		case deb.File:
			err = r.write(name, e.Mode, e.UID, e.GID, mtime, content)
		case deb.Symlink:
			err = r.place(name, func(at string) error {
				return errors.Join(r.root.Symlink(e.Link, at), r.root.Lchown(at, e.UID, e.GID))
			})
		case deb.Link:
			if first := r.known[e.Link]; first != nil {
				*k = *first
			}
			var from string
			if from, err = r.resolve(e.Link); err == nil {
				err = r.place(name, func(at string) error { return r.root.Link(from, at) })
			}
		}
		r.remember(e.Path, k)
		return err
	})
}

func (r *rootfs) remember(name string, k *known) { r.known[name] = k }

// stampAll notes the stamps of what was written since the last time.
func (r *rootfs) stampAll() error {
	for name, k := range r.known {
		if k.stamp != (stamp{}) {
			continue
		}
		var st syscall.Stat_t
		err := syscall.Lstat(r.hostPath(name), &st)
		if errors.Is(err, fs.ErrNotExist) {
			continue // diverted, or below a link
		}
		if err != nil {
			return err
		}
		k.stamp = stampOf(&st)
	}
	time.Sleep(settle)
	return nil
}

func stampOf(st *syscall.Stat_t) stamp { return stamp{st.Ino, st.Ctim.Nano()} }

// cover puts a file at name until restore is called.
func (r *rootfs) cover(name string, mode uint32, data []byte) (restore func() error, err error) {
	r.solid = map[string]bool{}
	aside := name + ".plinth"
	had := true
	if err := r.root.Rename(name, aside); errors.Is(err, fs.ErrNotExist) {
		had = false
	} else if err != nil {
		return nil, err
	}
	restore = func() error {
		err := r.root.RemoveAll(name)
		if had {
			err = errors.Join(err, r.root.Rename(aside, name))
		}
		return err
	}
	if err := r.put(name, mode, data); err != nil {
		return nil, errors.Join(err, restore())
	}
	return restore, nil
}

// extractParent lays the parent's layers into the root.
func (r *rootfs) extractParent() error {
	for _, l := range r.b.parent.manifest.Layers {
		if err := r.extractLayer(r.b.st.BlobPath(l.Digest), l.MediaType); err != nil {
			return fmt.Errorf("layer %s of the parent: %w", l.Digest, err)
		}
	}
	return r.stampAll()
}

func (r *rootfs) extractLayer(file, mediaType string) error {
	content, c, err := openLayer(file, mediaType)
	if err != nil {
		return err
	}
	defer c.Close()
	tr := tar.NewReader(content)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = r.extractEntry(h, tr)
		}
		if err != nil {
			return err
		}
	}
}

func (r *rootfs) extractEntry(h *tar.Header, content io.Reader) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	if name == "" {
		return nil
	}
	dir, base := path.Split(name)
	if base == ".wh..wh..opq" {
		return r.clear(strings.TrimSuffix(dir, "/"))
	}
	if gone, ok := strings.CutPrefix(base, ".wh."); ok {
		r.forget(dir + gone)
		return r.place(dir+gone, func(string) error { return nil })
	}
	k := &known{mode: uint32(h.Mode) & 0o7777, uid: h.Uid, gid: h.Gid, size: h.Size, link: h.Linkname}
	var err error
	switch h.Typeflag {
	case tar.TypeDir:
		k.typ, k.size = deb.Dir, 0
		if info, lerr := os.Lstat(r.hostPath(name)); lerr == nil && info.IsDir() {
			at := name
			err = errors.Join(r.root.Lchown(at, h.Uid, h.Gid), r.root.Chmod(at, fileMode(k.mode)))
			break
		}
		r.forget(name)
		err = r.place(name, func(at string) error {
			return errors.Join(r.root.Mkdir(at, 0o700), r.root.Lchown(at, h.Uid, h.Gid), r.root.Chmod(at, fileMode(k.mode)))
		})
	case tar.TypeReg:
		k.typ = deb.File
		sum := sha256.New()
		r.forget(name)
		err = r.write(name, k.mode, h.Uid, h.Gid, h.ModTime.Unix(), io.TeeReader(content, sum))
		sum.Sum(k.sum[:0])
	case tar.TypeSymlink:
		k.typ, k.mode = deb.Symlink, 0o777
		r.forget(name)
		err = r.place(name, func(at string) error {
			return errors.Join(r.root.Symlink(h.Linkname, at), r.root.Lchown(at, h.Uid, h.Gid))
		})
	case tar.TypeLink:
		from := strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")
		if first := r.known[from]; first != nil {
			*k = *first
		}
		k.stamp = stamp{}
		r.forget(name)
		err = r.place(name, func(at string) error { return r.root.Link(from, at) })
	default:
		return fmt.Errorf("%s has type %q", name, h.Typeflag)
	}
	r.remember(name, k)
	return err
}

// forget drops name and all below it from what is known.
func (r *rootfs) forget(name string) {
	k := r.known[name]
	delete(r.known, name)
	delete(r.solid, name)
	if k == nil || k.typ != deb.Dir {
		return
	}
	for other := range r.known {
		if strings.HasPrefix(other, name+"/") {
			delete(r.known, other)
		}
	}
	r.solid = map[string]bool{}
}

// clear empties a folder (an opaque whiteout).
func (r *rootfs) clear(dir string) error {
	entries, err := os.ReadDir(r.hostPath(dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		r.forget(name)
		if err := r.root.RemoveAll(name); err != nil {
			return err
		}
	}
	return nil
}

// diversion is where a file goes instead, and the package whose own file stays.
type diversion struct{ to, by string }

// diversions reads dpkg's list of diversions: three lines each.
func (r *rootfs) diversions() (map[string]diversion, error) {
	data, err := r.root.ReadFile("var/lib/dpkg/diversions")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	out := map[string]diversion{}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	for c := range slices.Chunk(lines, 3) {
		if len(c) == 3 {
			out[imagePath(c[0])] = diversion{imagePath(c[1]), cmp.Or(c[2], ":")}
		}
	}
	return out, nil
}
