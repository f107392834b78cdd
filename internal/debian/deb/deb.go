// Package deb reads one Debian binary package (.deb): its ar members, its
// control archive, and its file system archive as a stream of entries whose
// paths are normalised for merged /usr.
//
//	a, err := deb.Open(file, size)
//	ctl, err := a.Control()            // control, postinst, md5sums, conffiles, …
//	err = a.Walk(func(e deb.Entry, content io.Reader) error { … })
//
// A .deb is input from a stranger until its hash was checked, and a mistake of
// its builder afterwards: nothing here panics on any input, no path leaves the
// root, and what is held in memory has a limit. Nothing here writes files.
package deb

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	arMagic      = "!<arch>\n"
	arHeaderSize = 60
	// maxControl bounds the unpacked control archive in bytes. The largest in
	// Debian 12 has under 3 MiB (md5sums of a package with 30,000 files).
	maxControl = 64 << 20
	// maxFile bounds one file in a package, bytes: tar could claim exabytes.
	maxFile = 1 << 36
	// maxEntries bounds the number of entries of one package.
	maxEntries = 1 << 21
)

// Archive is an opened .deb.
type Archive struct {
	control, data member
}

// member is a part of the .deb and how it is compressed ("", ".gz", ".xz", ".zst").
type member struct {
	content *io.SectionReader
	ext     string
}

// Open finds the parts of the .deb in r, which has size bytes. The format is that of deb(5), version 2.
func Open(r io.ReaderAt, size int64) (*Archive, error) {
	head := make([]byte, len(arMagic))
	if _, err := r.ReadAt(head, 0); err != nil || string(head) != arMagic {
		return nil, errors.New("not a Debian package: it does not begin as an ar archive")
	}
	a := &Archive{}
	first := true
	for at := int64(len(arMagic)); at < size; {
		name, length, err := arHeader(r, at)
		if err != nil {
			return nil, err
		}
		at += arHeaderSize
		if length > size-at {
			return nil, fmt.Errorf("truncated: member %q has %d bytes and %d are there", name, length, size-at)
		}
		content := io.NewSectionReader(r, at, length)
		at += length + length%2
		if first {
			if err := checkVersion(name, content); err != nil {
				return nil, err
			}
			first = false
			continue
		}
		ext, known := strings.CutPrefix(name, "control.tar")
		target := &a.control
		if !known {
			ext, known = strings.CutPrefix(name, "data.tar")
			target = &a.data
		}
		switch {
		case strings.HasPrefix(name, "_"): // deb(5): to be ignored
		case !known:
			return nil, fmt.Errorf("unknown member %q", name)
		case target.content != nil:
			return nil, fmt.Errorf("member %q is there twice", name)
		default:
			*target = member{content, ext}
		}
	}
	if a.control.content == nil || a.data.content == nil {
		return nil, errors.New("truncated: it lacks control.tar or data.tar")
	}
	return a, nil
}

// arHeader reads the member header at offset at.
func arHeader(r io.ReaderAt, at int64) (name string, length int64, err error) {
	var h [arHeaderSize]byte
	if _, err := r.ReadAt(h[:], at); err != nil {
		return "", 0, errors.New("truncated: a member header is cut off")
	}
	name = strings.TrimSuffix(strings.TrimRight(string(h[:16]), " "), "/")
	length, err = strconv.ParseInt(strings.TrimRight(string(h[48:58]), " "), 10, 64)
	if err != nil || length < 0 || string(h[58:]) != "`\n" {
		return "", 0, fmt.Errorf("damaged: the header of member %q is not one of ar", name)
	}
	return name, length, nil
}

// checkVersion reads the first member, debian-binary.
func checkVersion(name string, content *io.SectionReader) error {
	if name != "debian-binary" {
		return fmt.Errorf("not a Debian package: its first member is %q", name)
	}
	version := make([]byte, min(content.Size(), 16))
	if _, err := content.ReadAt(version, 0); err != nil {
		return errors.New("truncated: debian-binary is cut off")
	}
	if !bytes.HasPrefix(version, []byte("2.")) {
		line, _, _ := bytes.Cut(version, []byte("\n"))
		return fmt.Errorf("its format version is %q and 2.0 is known", line)
	}
	return nil
}

// open decompresses the member.
func (m member) open() (io.ReadCloser, error) {
	r := io.NewSectionReader(m.content, 0, m.content.Size())
	switch m.ext {
	case "":
		return io.NopCloser(r), nil
	case ".gz":
		return gzip.NewReader(r)
	case ".xz":
		return newXZ(r, r.Size())
	case ".zst":
		// one goroutine: packages are unpacked beside each other already
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return nil, fmt.Errorf("unknown compression %q", m.ext)
}

// Control reads the control archive: the file named "control" and what stands
// beside it (maintainer scripts, md5sums, conffiles, triggers, …), by name.
func (a *Archive) Control() (map[string][]byte, error) {
	r, err := a.control.open()
	if err != nil {
		return nil, fmt.Errorf("cannot read control.tar: %w", err)
	}
	defer r.Close()
	files := map[string][]byte{}
	limited := &io.LimitedReader{R: r, N: maxControl}
	tr := tar.NewReader(limited)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read control.tar: %w", limit(err, limited))
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag != tar.TypeReg || name == "" || strings.Contains(name, "/") {
			continue
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s in control.tar: %w", name, limit(err, limited))
		}
		files[name] = data
	}
	if files["control"] == nil {
		return nil, errors.New("its control archive has no control file")
	}
	return files, nil
}

// limit says so when the reason for err is that the limit was reached.
func limit(err error, r *io.LimitedReader) error {
	if r.N <= 0 {
		return fmt.Errorf("more than %d bytes", maxControl)
	}
	return err
}

// Type is what an Entry is.
type Type byte

// The types of entries that a package may hold.
const (
	Dir     Type = 'd'
	File    Type = 'f'
	Symlink Type = 'l'
	Link    Type = 'h' // a hard link to a file that came earlier in the same package
)

// Entry is one file system object of a package.
type Entry struct {
	Path     string // from the root without a leading slash, merged /usr applied: "usr/bin/bash"
	Aliased  bool   // the package calls it by its path without usr/: "/bin/bash"
	Type     Type
	Mode     uint32 // permission, set-id and sticky bits
	UID, GID int
	Size     int64  // of a File, bytes
	MTime    int64  // seconds since 1970
	Link     string // Symlink: the target as it stands. Link: the normalised path of the file
}

// Name is how the package itself calls the entry, as dpkg -L prints it.
func (e Entry) Name() string {
	if e.Aliased {
		return "/" + strings.TrimPrefix(e.Path, "usr/")
	}
	return "/" + e.Path
}

// Walk calls fn for each entry of the file system archive in its order, without
// the root itself. The content of a File can be read until fn returns. fn's
// error ends the walk and comes back unchanged.
func (a *Archive) Walk(fn func(e Entry, content io.Reader) error) error {
	r, err := a.data.open()
	if err != nil {
		return fmt.Errorf("cannot read data.tar: %w", err)
	}
	defer r.Close()
	tr := tar.NewReader(r)
	for range maxEntries {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return drain(r)
		}
		if err != nil {
			return fmt.Errorf("cannot read data.tar: %w", err)
		}
		e, err := entry(h)
		if err != nil {
			return fmt.Errorf("cannot take %q: %w", h.Name, err)
		}
		if e.Path == "" {
			continue
		}
		if err := fn(e, tr); err != nil {
			return err
		}
	}
	return fmt.Errorf("more than %d entries", maxEntries)
}

// drain reads what follows the archive's end: only at the end of a compressed
// stream is its checksum compared.
func drain(r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return fmt.Errorf("cannot read data.tar: %w", err)
	}
	return nil
}

// entry converts a tar header.
func entry(h *tar.Header) (Entry, error) {
	p, aliased, err := Normalise(h.Name)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Path: p, Aliased: aliased, Mode: uint32(h.Mode) & 0o7777, UID: h.Uid, GID: h.Gid, MTime: max(h.ModTime.Unix(), 0)}
	if h.Uid < 0 || h.Gid < 0 || h.Uid > 1<<31 || h.Gid > 1<<31 {
		return Entry{}, fmt.Errorf("owner %d:%d is out of range", h.Uid, h.Gid)
	}
	switch h.Typeflag {
	case tar.TypeDir:
		e.Type = Dir
	case tar.TypeReg:
		e.Type, e.Size = File, h.Size
		if h.Size < 0 || h.Size > maxFile {
			return Entry{}, fmt.Errorf("size %d is out of range", h.Size)
		}
	case tar.TypeSymlink:
		e.Type, e.Link, e.Mode = Symlink, h.Linkname, 0o777
		if h.Linkname == "" || strings.ContainsRune(h.Linkname, 0) {
			return Entry{}, errors.New("a symbolic link without a target")
		}
		if topLinks[strings.Trim(path.Clean("/"+h.Name), "/")] {
			// base-files of Debian 13 ships /bin -> usr/bin; every image has these links anyhow
			e.Path, e.Aliased = strings.TrimPrefix(e.Path, "usr/"), false
		}
	case tar.TypeLink:
		e.Type = Link
		if e.Link, _, err = Normalise(h.Linkname); err != nil || e.Link == "" {
			return Entry{}, fmt.Errorf("a hard link to %q", h.Linkname)
		}
	default:
		return Entry{}, fmt.Errorf("type %q is neither a file, a directory nor a link", h.Typeflag)
	}
	if e.Path != "" && e.Type != Dir && strings.HasSuffix(h.Name, "/") {
		return Entry{}, errors.New("a name that ends in a slash and is no directory")
	}
	return e, nil
}

// topLinks are the links in the root of a merged-/usr system, each to usr/NAME.
var topLinks = map[string]bool{"bin": true, "sbin": true, "lib": true, "lib32": true, "lib64": true, "libx32": true}

// IsTopLink says whether path (normalised) is one of the links in the root that merged /usr needs.
func IsTopLink(path string) bool { return topLinks[path] }

// Normalise makes the path of a package's entry relative to the root and puts
// bin, sbin and lib* below usr. aliased says that it did. The root itself is "".
// A path with a ".." in it is refused.
func Normalise(name string) (p string, aliased bool, err error) {
	if strings.ContainsRune(name, 0) {
		return "", false, errors.New("a path with a NUL in it")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", false, errors.New("a path with .. in it")
		}
	}
	p = strings.TrimPrefix(path.Clean("/"+name), "/")
	top, _, _ := strings.Cut(p, "/")
	if topLinks[top] {
		return "usr/" + p, true, nil
	}
	return p, false, nil
}
