package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/diag"
)

// foldErr folds layers over nothing and gives the error.
func foldErr(t *testing.T, below []Blob, own ...Blob) error {
	t.Helper()
	_, err := Fold(t.Context(), below, own, io.Discard, Options{Epoch: epoch})
	return err
}

// wantErr checks that err is one for users and has all the parts.
func wantErr(t *testing.T, name string, err error, parts ...string) {
	t.Helper()
	var user *diag.Error
	if !errors.As(err, &user) {
		t.Errorf("%s: %v is no error for users", name, err)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%s: %q is not in %q", name, p, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for short, want := range map[string]string{
		"../a=1":                           `entry "../a": a name may not hold ".."`,
		"a/../b=1":                         `a name may not hold ".."`,
		"a/..=1":                           `a name may not hold ".."`,
		"a=1 b~../a":                       `entry "b": hard link to "../a": a name may not hold ".."`,
		"b~a a=1":                          `entry "b": hard link to "a": there is no such file`,
		"a=1 -a b~a":                       ``,
		"a~a":                              `the link takes its place`,
		"a=1 a~a":                          `the link takes its place`,
		"d/ d/a=1 d~d/a":                   `the link takes its place`,
		"d/ b~d":                           `a directory has no second name`,
		"d/x=1 b~d":                        `a directory has no second name`,
		"x=1 b~/":                          `a directory has no second name`,
		"a=1 a/b=2":                        `entry "a/b": it is in something that is no directory`,
		"a=1 b=2 c~a/b":                    `hard link to "a/b": it is in something that is no directory`,
		"a->b b->a a/c=1":                  `too many symbolic links`,
		".wh.=1":                           `a whiteout needs the name`,
		"d/.wh..=1":                        `a whiteout needs the name`,
		"d/.wh...=1":                       `a whiteout needs the name`,
		".wh.d/x=1":                        `a whiteout is no directory`,
		"d/.wh.d/x=1":                      `a whiteout is no directory`,
		"./=1":                             ``,
		strings.Repeat("x", 500) + "/..=1": `xxx…"`,
	} {
		l := parse(short)
		if short == "./=1" {
			l = []file{{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: ".", Linkname: "x"}}}
			want = "the root can only be a directory"
		}
		b := blob(t, pack(t, l), asGzip)
		err := foldErr(t, nil, blob(t, pack(t, parse("z=1")), asFile), b)
		if want == "" {
			check(t, err)
			continue
		}
		wantErr(t, short, err, "cannot fold layer "+b.Digest.String()+": ", want)
		if len(err.Error()) > 500 {
			t.Errorf("%s: the error is %d bytes long", short, len(err.Error()))
		}
		// of a layer below, when it is looked at
		wantErr(t, short, foldErr(t, []Blob{b}, blob(t, pack(t, parse("-q")), asFile)), "cannot fold layer "+b.Digest.String()+": ", want)
	}
	unknown := append(raw('V', "volume", 0, nil), make([]byte, 1024)...)
	wantErr(t, "type", foldErr(t, nil, blob(t, unknown, asFile)), "entries of type 'V' are not supported")
	empty := append(raw('2', "s", 0, nil), make([]byte, 1024)...)
	wantErr(t, "link", foldErr(t, nil, blob(t, empty, asFile)), "a symbolic link needs a target")
	wantErr(t, "media type", foldErr(t, nil, stored("application/x", nil)), `media type "application/x" is not supported`)
	b := blob(t, pack(t, nil), asFile)
	b.Digest = "sha256:x/../../y"
	wantErr(t, "digest", foldErr(t, []Blob{b}), `cannot read layer "sha256:x/../../y"`)
}

func TestMediaTypes(t *testing.T) {
	data := pack(t, parse("a=1"))
	gz := blob(t, data, asGzip)
	zst := blob(t, data, asZstd)
	for mediaType, from := range map[string]Blob{
		ocispec.MediaTypeImageLayer: blob(t, data, asStream), ocispec.MediaTypeImageLayerGzip: gz, ocispec.MediaTypeImageLayerZstd: zst,
		"application/vnd.docker.image.rootfs.diff.tar.gzip":         gz,
		"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": gz,
		"application/vnd.docker.image.rootfs.diff.tar":              blob(t, data, asFile),
		"application/vnd.docker.image.rootfs.diff.tar.zstd":         zst,
	} {
		from.MediaType = mediaType
		got, _ := fold(t, nil, []Blob{from}, Options{Epoch: epoch})
		if s := brief(unpack(t, got)); s != "a=1" {
			t.Errorf("%s: %s", mediaType, s)
		}
	}
}

// Wherever a layer is cut or broken, the error names it.
func TestDamage(t *testing.T) {
	layer := parse("d/ d/a=" + strings.Repeat("0123456789", 200) + " b=1 empty= l->x")
	data := pack(t, layer)
	for _, how := range []string{asFile, asStream, asGzip, asZstd} {
		whole := blob(t, data, how)
		r, err := whole.Open()
		check(t, err)
		all, err := io.ReadAll(r)
		check(t, err)
		r.Close()
		cuts := []int{0, 1, 100, 512, 1024, len(all) / 2, len(all) - 1025, len(all) - 9, len(all) - 1}
		if how == asFile || how == asStream {
			// a lone first block of the end mark is enough to readers of tar
			cuts = []int{0, 1, 511, 512, 1000, 1024, 1536, 3583, 3584, 4000, 4096, 4608, 5120, len(all) - 1025, len(all) - 1024, len(all) - 600}
		}
		for _, n := range cuts {
			if n < 0 || n > len(all) {
				continue
			}
			b := whole
			b.Digest = digest.FromBytes(all) // what the manifest says
			b.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(all[:n])), nil }
			if how == asFile {
				b.Open = func() (io.ReadCloser, error) { return readerAt{bytes.NewReader(all[:n])}, nil }
			}
			err := foldErr(t, nil, b)
			wantErr(t, how, err, "cannot read layer "+b.Digest.String()+": ")
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s cut at %d: %v", how, n, err)
			}
			wantErr(t, how, foldErr(t, []Blob{b}, blob(t, pack(t, parse("-d")), asFile)), "cannot read layer "+b.Digest.String()+": ")
		}
		// a byte that is wrong
		for i := 0; i < len(all); i += 1 + len(all)/50 {
			bad := bytes.Clone(all)
			bad[i] ^= 0x55
			b := stored(whole.MediaType, bad)
			b.Digest = whole.Digest
			wantErr(t, how, foldErr(t, []Blob{b}, blob(t, pack(t, parse("-d")), asFile)), "cannot ", " layer "+b.Digest.String()+": ")
		}
	}
	gz := blob(t, data, asGzip)
	gz.MediaType = ocispec.MediaTypeImageLayer
	wantErr(t, "gzip as tar", foldErr(t, nil, gz), "cannot read layer "+gz.Digest.String())
	plain := stored(ocispec.MediaTypeImageLayerGzip, data)
	wantErr(t, "tar as gzip", foldErr(t, nil, plain), "cannot read layer "+plain.Digest.String())
	gone := Blob{Digest: gz.Digest, MediaType: gz.MediaType, Open: func() (io.ReadCloser, error) { return nil, fs.ErrNotExist }}
	err := foldErr(t, nil, gone)
	wantErr(t, "gone", err, "cannot read layer "+gone.Digest.String())
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// readerAt is a file in memory.
type readerAt struct{ *bytes.Reader }

func (readerAt) Close() error { return nil }

// A layer that is another when it is read for its contents.
func TestChangingLayers(t *testing.T) {
	first := pack(t, parse("a=111 b=222 c=333"))
	for name, second := range map[string][]byte{
		"shorter":        pack(t, parse("a=111")),
		"other size":     pack(t, parse("a=111 b=2222 c=333")),
		"cut":            first[:1300],
		"cut in content": first[:1025],
	} {
		for _, how := range []string{asFile, asStream} {
			opens := 0
			b := Blob{Digest: digest.FromBytes(first), MediaType: ocispec.MediaTypeImageLayer}
			b.Open = func() (io.ReadCloser, error) {
				data := first
				if opens++; opens > 1 {
					data = second
				}
				if how == asFile {
					return readerAt{bytes.NewReader(data)}, nil
				}
				return io.NopCloser(bytes.NewReader(data)), nil
			}
			err := foldErr(t, nil, b)
			if how == asFile && name == "other size" {
				check(t, err) // what is read in place is not looked at again
				continue
			}
			wantErr(t, name, err, "cannot read layer "+b.Digest.String())
		}
	}
}

// A layer that fails while a content is read is named, too; what is skipped is not read.
func TestReadingInPlace(t *testing.T) {
	data := pack(t, parse("a="+strings.Repeat("x", 4<<20)+" b=1"))
	broken := errors.New("broken disk")
	f := &faulty{Reader: bytes.NewReader(data), err: broken, from: int64(len(data))}
	b := Blob{Digest: digest.FromBytes(data), MediaType: ocispec.MediaTypeImageLayer, Open: func() (io.ReadCloser, error) { return f, nil }}
	entries, err := readIndex(t.Context(), b, false)
	if err != nil || len(entries) != 2 || f.read > 100<<10 {
		t.Errorf("%d bytes were read for %d headers: %v", f.read, len(entries), err)
	}
	opens := 0
	b.Open = func() (io.ReadCloser, error) {
		if opens++; opens == 2 {
			f.from = 1 << 20
		}
		return f, nil
	}
	err = foldErr(t, nil, b)
	wantErr(t, "content", err, "cannot read layer "+b.Digest.String()+": broken disk")
	if !errors.Is(err, broken) {
		t.Error(err)
	}
}

// faulty is a file in memory that can't be read behind a place.
type faulty struct {
	*bytes.Reader
	err  error
	from int64
	read int
}

func (f *faulty) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.from && f.from < f.Size() {
		return 0, f.err
	}
	n, err := f.Reader.ReadAt(p, off)
	f.read += n
	return n, err
}

func (f *faulty) Close() error { return nil }

func TestCancel(t *testing.T) {
	big := pack(t, parse("a="+strings.Repeat("x", 3<<20)))
	for _, how := range []string{asFile, asStream, asGzip, asZstd} {
		for stop := range 6 {
			ctx, cancel := context.WithCancel(t.Context())
			b := blob(t, big, how)
			w := &stopper{after: stop << 19, stop: cancel}
			opens := 0
			if stop == 0 {
				cancel()
			}
			if stop == 1 {
				b = counted(b, &opens, new(int))
				open := b.Open
				b.Open = func() (io.ReadCloser, error) { cancel(); return open() }
			}
			_, err := Fold(ctx, nil, []Blob{b}, w, Options{Epoch: epoch})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s, %d: %v", how, stop, err)
			}
			_, err = Write(ctx, nil, []Blob{b}, io.Discard, Options{Epoch: epoch})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s, %d: %v", how, stop, err)
			}
			_, err = Fold(ctx, []Blob{b}, blobs(t, asFile, pack(t, parse("-a"))), io.Discard, Options{Epoch: epoch})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s below, %d: %v", how, stop, err)
			}
			if user := (*diag.Error)(nil); errors.As(err, &user) {
				t.Errorf("%s, %d: %v blames a layer", how, stop, err)
			}
			cancel()
		}
	}
}

// stopper calls stop when it has got some bytes, and fails when it has failAt.
type stopper struct {
	n, after int
	stop     func()
	fail     error
}

func (s *stopper) Write(p []byte) (int, error) {
	if s.n += len(p); s.n >= s.after {
		if s.fail != nil {
			return 0, s.fail
		}
		s.stop()
	}
	return len(p), nil
}

// What the destination says is given back, and no layer is blamed.
func TestWriteErrors(t *testing.T) {
	full := errors.New("disk full")
	noise := make([]byte, 9<<20)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	layer := []file{{Header: tar.Header{Typeflag: tar.TypeReg, Name: "a", Size: int64(len(noise))}, data: string(noise)}}
	own := blobs(t, asGzip, pack(t, layer))
	for _, after := range []int{0, 600, 1 << 20, 5 << 20} {
		_, err1 := Fold(t.Context(), nil, own, &stopper{after: after, fail: full}, Options{Epoch: epoch})
		_, err2 := Write(t.Context(), nil, own, &stopper{after: after, fail: full}, Options{Epoch: epoch})
		for _, err := range []error{err1, err2} {
			if !errors.Is(err, full) || strings.Contains(err.Error(), "sha256") {
				t.Errorf("after %d bytes: %v", after, err)
			}
		}
	}
}

// The compressed layer is the folded one, in members, and always the same.
func TestWrite(t *testing.T) {
	var layer []file
	for i := range 40 {
		data := strings.Repeat(string(rune('a'+i%26)), i*17000) + strings.Repeat("xyz", i)
		layer = append(layer, file{Header: tar.Header{Typeflag: tar.TypeReg, Name: string(rune('a'+i%26)) + strings.Repeat("n", i), Size: int64(len(data))}, data: data})
	}
	own := pack(t, layer)
	plain, folded := fold(t, nil, blobs(t, asFile, own), Options{Epoch: epoch})
	var first []byte
	for _, how := range []string{asFile, asGzip, asZstd, asFile} {
		var out bytes.Buffer
		got, err := Write(t.Context(), nil, blobs(t, how, own), &out, Options{Epoch: epoch, TempDir: t.TempDir()})
		check(t, err)
		if got.Folded != folded || got.Digest != digest.FromBytes(out.Bytes()) || got.Size != int64(out.Len()) {
			t.Errorf("%+v, and Fold says %+v", got, folded)
		}
		z, err := gzip.NewReader(&out)
		check(t, err)
		compressed := slices.Clone(out.Bytes())
		data, err := io.ReadAll(z)
		if err != nil || !bytes.Equal(data, plain) {
			t.Errorf("it can't be read back: %v", err)
		}
		if first != nil && !bytes.Equal(first, compressed) {
			t.Error("it is another one")
		}
		first = compressed
	}
	// the end of a member, and what is on both sides of it
	for _, n := range []int{0, 1, memberSize - 1, memberSize, memberSize + 1, 3*memberSize + 5} {
		var out bytes.Buffer
		m := newMembers(&out)
		data := bytes.Repeat([]byte("abcdefg"), n/7+1)[:n]
		for part := range slices.Chunk(data, 1_000_003) {
			if k, err := m.Write(part); k != len(part) || err != nil {
				t.Fatal(k, err)
			}
		}
		check(t, m.Close())
		if n == 0 {
			if out.Len() != 0 {
				t.Error("nothing is compressed to something")
			}
			continue
		}
		count := bytes.Count(out.Bytes(), []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"))
		z, err := gzip.NewReader(&out)
		check(t, err)
		if back, err := io.ReadAll(z); err != nil || !bytes.Equal(back, data) || count != (n+memberSize-1)/memberSize {
			t.Errorf("%d bytes, %d members: %v", n, count, err)
		}
	}
}

// Contents that come before they are needed wait in a file that leaves no trace.
func TestOutOfOrder(t *testing.T) {
	own := blobs(t, asGzip, pack(t, parse("z=1 y=2 x=3 c~y b= a=4")), pack(t, parse("y=5 w=6 z2~z")))
	temp := t.TempDir()
	got, _ := fold(t, nil, own, Options{Epoch: epoch, TempDir: temp})
	if s := brief(unpack(t, got)); s != "a=4 b= c=2 w=6 x=3 y=5 z=1 z2~z" {
		t.Error(s)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
	_, err := Fold(t.Context(), nil, own, io.Discard, Options{TempDir: filepath.Join(temp, "none")})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	// but files with holes don't: the layer is read again for them
	opens := 0
	_, folded := fold(t, nil, []Blob{counted(blob(t, sparse(), asGzip), &opens, new(int))}, Options{Epoch: epoch, TempDir: temp})
	if opens != 4 || folded.Entries != 6 {
		t.Errorf("read %d times for %d entries", opens, folded.Entries)
	}
	// in order, and in place, nothing has to wait
	for how, l := range map[string]string{asGzip: "a=1 b=2 c=3", asFile: "c=3 b=2 a=1"} {
		_, err := Fold(t.Context(), nil, blobs(t, how, pack(t, parse(l))), io.Discard, Options{TempDir: filepath.Join(temp, "none")})
		check(t, err)
	}
}
