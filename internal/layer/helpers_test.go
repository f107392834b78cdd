package layer

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// epoch is later than the times of most test entries.
const epoch = 1000

func check(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// file is an entry with its content.
type file struct {
	tar.Header
	data string
}

// parse reads a layer in short form, entries with blanks between them:
//
//	d/  f=content  link~target  sym->target  -whiteout  !opaque  fifo|
//
// A ? in a name stands for a blank.
func parse(short string) []file {
	var out []file
	for word := range strings.FieldsSeq(short) {
		word = strings.ReplaceAll(word, "?", " ")
		f := file{Header: tar.Header{Typeflag: tar.TypeReg, Mode: 0o644, ModTime: time.Unix(7, 0)}}
		if rest, ok := strings.CutPrefix(word, "!"); ok {
			f.Name = join(rest, opaqueName)
		} else if rest, ok := strings.CutPrefix(word, "-"); ok {
			dir, base := split(rest)
			f.Name = join(dir, whiteoutPrefix+base)
		} else if name, target, ok := strings.Cut(word, "->"); ok {
			f.Typeflag, f.Name, f.Linkname, f.Mode = tar.TypeSymlink, name, target, 0o777
		} else if name, target, ok := strings.Cut(word, "~"); ok {
			f.Typeflag, f.Name, f.Linkname = tar.TypeLink, name, target
		} else if name, data, ok := strings.Cut(word, "="); ok {
			f.Name, f.data, f.Size = name, data, int64(len(data))
		} else if name, ok := strings.CutSuffix(word, "|"); ok {
			f.Typeflag, f.Name = tar.TypeFifo, name
		} else {
			f.Typeflag, f.Name, f.Mode = tar.TypeDir, word, 0o755
		}
		out = append(out, f)
	}
	return out
}

// pack makes a tar of the files.
func pack(t testing.TB, files []file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		check(t, w.WriteHeader(&f.Header))
		_, err := io.WriteString(w, f.data)
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}

// unpack reads a tar.
func unpack(t testing.TB, data []byte) []file {
	t.Helper()
	r := tar.NewReader(bytes.NewReader(data))
	var out []file
	for {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		check(t, err)
		body, err := io.ReadAll(r)
		check(t, err)
		out = append(out, file{*h, string(body)})
	}
}

// brief writes files in the short form.
func brief(files []file) string {
	var out []string
	for _, f := range files {
		dir, base := split(strings.TrimSuffix(f.Name, "/"))
		word := f.Name
		switch {
		case base == opaqueName:
			word = "!" + dir
		case strings.HasPrefix(base, whiteoutPrefix):
			word = "-" + join(dir, strings.TrimPrefix(base, whiteoutPrefix))
		case f.Typeflag == tar.TypeSymlink:
			word += "->" + f.Linkname
		case f.Typeflag == tar.TypeLink:
			word += "~" + f.Linkname
		case f.Typeflag == tar.TypeReg:
			word += "=" + shorten(f.data)
		case f.Typeflag == tar.TypeFifo:
			word += "|"
		}
		out = append(out, strings.ReplaceAll(word, " ", "?"))
	}
	return strings.Join(out, " ")
}

// The ways in which a layer can be stored.
const (
	asFile   = "file" // a tar that can be read anywhere
	asStream = "stream"
	asGzip   = "gzip"
	asZstd   = "zstd"
)

// blob makes a layer of a tar.
func blob(t testing.TB, data []byte, how string) Blob {
	t.Helper()
	b := Blob{MediaType: ocispec.MediaTypeImageLayer}
	var out bytes.Buffer
	switch how {
	case asFile:
		name := filepath.Join(t.TempDir(), "layer.tar")
		check(t, os.WriteFile(name, data, 0o600))
		b.Digest = digest.FromBytes(data)
		b.Open = func() (io.ReadCloser, error) { return os.Open(name) }
		return b
	case asGzip:
		b.MediaType = ocispec.MediaTypeImageLayerGzip
		w := gzip.NewWriter(&out)
		_, err := w.Write(data)
		check(t, err, w.Close())
		data = out.Bytes()
	case asZstd:
		b.MediaType = ocispec.MediaTypeImageLayerZstd
		w, err := zstd.NewWriter(&out)
		check(t, err)
		_, err = w.Write(data)
		check(t, err, w.Close())
		data = out.Bytes()
	}
	return stored(b.MediaType, data)
}

// stored is a blob that can only be read from its beginning.
func stored(mediaType string, data []byte) Blob {
	return Blob{Digest: digest.FromBytes(data), MediaType: mediaType, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}}
}

// blobs makes a layer of each tar.
func blobs(t testing.TB, how string, tars ...[]byte) []Blob {
	t.Helper()
	var out []Blob
	for _, data := range tars {
		out = append(out, blob(t, data, how))
	}
	return out
}

// fold folds and checks what Fold says about the result.
func fold(t testing.TB, below, own []Blob, opts Options) ([]byte, Folded) {
	t.Helper()
	var out bytes.Buffer
	f, err := Fold(t.Context(), below, own, &out, opts)
	check(t, err)
	if f.DiffID != digest.FromBytes(out.Bytes()) || f.UncompressedSize != int64(out.Len()) || f.Entries != len(unpack(t, out.Bytes())) {
		t.Errorf("Fold says %+v of %d bytes with the digest %s and %d entries", f, out.Len(), digest.FromBytes(out.Bytes()), len(unpack(t, out.Bytes())))
	}
	return out.Bytes(), f
}

// model is a file system that does what an unpacker does, as simply as that can be said.
type model map[string]*thing

// thing is a file; names of the same file have the same pointer.
type thing struct {
	typ          byte
	mode         int64
	uid, gid     int
	mtime        int64
	xattrs       map[string]string
	data         string
	link         string
	major, minor int64
}

func (m model) isDir(p string) bool { return p == "" || m[p] != nil && m[p].typ == tar.TypeDir }

// resolve follows the symbolic links in a directory's path.
func (m model) resolve(dir string) (string, error) {
	at := ""
	todo := strings.Split(dir, "/")
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at, _ = split(at)
			continue
		}
		o := m[join(at, part)]
		switch {
		case o != nil && o.typ == tar.TypeSymlink:
			if links++; links > 40 {
				return "", errors.New("loop")
			}
			if strings.HasPrefix(o.link, "/") {
				at = ""
			}
			todo = append(strings.Split(o.link, "/"), todo...)
		case o != nil && o.typ != tar.TypeDir:
			return "", errNotDir
		default:
			at = join(at, part)
		}
	}
	return at, nil
}

// remove takes away what is under p and not in keep.
func (m model) remove(p string, keep map[string]bool) {
	for name := range maps.Clone(m) {
		if (p == "" || strings.HasPrefix(name, p+"/")) && !keep[name] {
			delete(m, name)
		}
	}
	for name := range maps.Clone(m) {
		dir, _ := split(name)
		m.parents(dir)
	}
}

// parents makes a directory and those above it.
func (m model) parents(dir string) {
	for ; dir != "" && m[dir] == nil; dir, _ = split(dir) {
		m[dir] = &thing{typ: tar.TypeDir, mode: 0o755, mtime: epoch}
	}
}

// apply lays a layer over the file system. With align hard links get the
// metadata of what they link to, as the layers of real programs have it, and not
// the other way round.
func (m model) apply(files []file, align bool) error {
	fresh := map[string]bool{}
	for i := range files {
		f := &files[i]
		name := strings.Trim(strings.TrimPrefix(f.Name, "./"), "/")
		dir, base := split(name)
		dir, err := m.resolve(dir)
		hides := strings.HasPrefix(base, whiteoutPrefix)
		if hides && errors.Is(err, errNotDir) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if base == opaqueName {
			m.remove(dir, fresh)
			continue
		}
		if hides {
			p := join(dir, strings.TrimPrefix(base, whiteoutPrefix))
			if !fresh[p] {
				delete(m, p)
			}
			m.remove(p, fresh)
			continue
		}
		p := join(dir, base)
		o := &thing{typ: f.Typeflag, mode: f.Mode, uid: f.Uid, gid: f.Gid, mtime: min(f.ModTime.Unix(), epoch), data: f.data, major: f.Devmajor, minor: f.Devminor, xattrs: map[string]string{}}
		for k, v := range f.PAXRecords {
			if strings.HasPrefix(k, xattrPrefix) {
				o.xattrs[k] = v
			}
		}
		switch f.Typeflag {
		case tar.TypeSymlink:
			o.link = f.Linkname
		case tar.TypeLink:
			dir, base := split(f.Linkname)
			if dir, err = m.resolve(dir); err != nil {
				return err
			}
			old := m[join(dir, base)]
			if old == nil || old.typ == tar.TypeDir || strings.HasPrefix(join(dir, base)+"/", p+"/") {
				return fmt.Errorf("%s: bad hard link", f.Name)
			}
			if align {
				f.Mode, f.Uid, f.Gid, f.ModTime, f.PAXRecords = old.mode, old.uid, old.gid, time.Unix(old.mtime, 0), maps.Clone(old.xattrs)
				o.mode, o.uid, o.gid, o.mtime, o.xattrs = old.mode, old.uid, old.gid, old.mtime, nil
			}
			old.mode, old.uid, old.gid, old.mtime = o.mode, o.uid, o.gid, o.mtime
			if old.xattrs == nil {
				old.xattrs = map[string]string{}
			}
			maps.Copy(old.xattrs, o.xattrs)
			o = old
		}
		m.parents(dir)
		if f.Typeflag != tar.TypeDir && m.isDir(p) {
			m.remove(p, nil)
		}
		m[p] = o
		fresh[p] = true
	}
	return nil
}

// String lists everything there is.
func (m model) String() string {
	first := map[*thing]string{}
	names := slices.Sorted(maps.Keys(m))
	var b strings.Builder
	for _, name := range names {
		o := m[name]
		if first[o] == "" {
			first[o] = name
		}
		mode := o.mode
		if o.typ == tar.TypeSymlink {
			mode = 0o777
		}
		fmt.Fprintf(&b, "%q %c %o %d:%d @%d %q %q %d:%d =%q", name, o.typ, mode, o.uid, o.gid, o.mtime, o.data, o.link, o.major, o.minor, first[o])
		for _, k := range slices.Sorted(maps.Keys(o.xattrs)) {
			fmt.Fprintf(&b, " %s=%q", k, o.xattrs[k])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// overlay applies layers to an empty file system.
func overlay(layers ...[]file) (model, error) {
	m := model{}
	for _, l := range layers {
		if err := m.apply(l, false); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// difference shows the lines that two texts don't have in common.
func difference(a, b string) string {
	var out strings.Builder
	as, bs := strings.SplitAfter(a, "\n"), strings.SplitAfter(b, "\n")
	for _, l := range as {
		if !slices.Contains(bs, l) {
			out.WriteString("- " + l)
		}
	}
	for _, l := range bs {
		if !slices.Contains(as, l) {
			out.WriteString("+ " + l)
		}
	}
	return out.String()
}
