package pool

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"

	"github.com/plinth-build/plinth/internal/debian/deb"
	"github.com/plinth-build/plinth/internal/store"
)

// far is later than any file's time.
const far = built + 1000

// head is a tar of one folder without an end mark.
func head(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(Header(deb.Entry{Path: "etc", Type: deb.Dir, Mode: 0o755})); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unzip checks a layer's digests and gives its entries.
func unzip(t *testing.T, st *store.Store, l Layer) string {
	t.Helper()
	blob, err := st.ReadBlob(l.Descriptor.Digest)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(blob))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if digest.FromBytes(raw) != l.DiffID || int64(len(blob)) != l.Descriptor.Size {
		t.Errorf("the layer says %v and %d", l.DiffID, l.Descriptor.Size)
	}
	if !bytes.HasSuffix(raw, endMark) || len(raw)%512 != 0 {
		t.Error("the layer does not end as tar archives do")
	}
	var out []string
	tr := tar.NewReader(bytes.NewReader(raw))
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return strings.Join(out, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uname != "" || h.Gname != "" || !h.AccessTime.IsZero() {
			t.Errorf("%s has %q %q %v", h.Name, h.Uname, h.Gname, h.AccessTime)
		}
		out = append(out, fmt.Sprintf("%s@%d", h.Name, h.ModTime.Unix()-built))
	}
}

func TestLayer(t *testing.T) {
	srv, debs := mirror(t, hello(), world())
	dir := t.TempDir()
	p, st := open(t, dir), newStore(t)
	spec := LayerSpec{Head: head(t), Debs: debs, Epoch: far}
	l, err := p.Layer(t.Context(), spec, st, nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = "etc/@-1748779200 usr/bin/hello@0 usr/bin/hi@0 usr/bin/hey@0 usr/share/ca-certificates/x/a.crt@0 usr/share/ca-certificates/x/a.txt@0 " +
		"usr/lib/jvm/.java.jinfo@0 usr/share/doc/hello/copyright@0 etc/world@0 usr/share/doc/world/copyright@0"
	if got := unzip(t, st, l); got != want {
		t.Error(got)
	}
	docs, err := p.Layer(t.Context(), LayerSpec{Head: head(t), Debs: debs, Epoch: far, Docs: true}, st, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := unzip(t, st, docs); got != strings.Replace(want, "hello/copyright@0", "hello/copyright@0 usr/share/man/man1/hello.1.gz@0", 1) {
		t.Error(got)
	}
	// from the cache, in another process, another store, another pool with one job: the same
	for _, again := range []struct {
		p  *Pool
		st *store.Store
	}{{p, st}, {open(t, dir), newStore(t)}, {open(t, t.TempDir()), newStore(t)}} {
		got, err := again.p.Layer(t.Context(), spec, again.st, nil)
		if err != nil || !reflect.DeepEqual(got, l) || !again.st.Has(l.Descriptor) {
			t.Errorf("%v instead of %v: %v", got, l, err)
		}
	}
	if n := srv.Count("/pool/"); n != 4 {
		t.Errorf("%d downloads", n)
	}
}

func TestLayerClamps(t *testing.T) {
	_, debs := mirror(t, hello(), world())
	p, st := open(t, t.TempDir()), newStore(t)
	at, err1 := p.Layer(t.Context(), LayerSpec{Debs: debs[1:], Epoch: built}, st, nil)
	late, err2 := p.Layer(t.Context(), LayerSpec{Debs: debs[1:], Epoch: far}, st, nil)
	early, err3 := p.Layer(t.Context(), LayerSpec{Debs: debs[1:], Epoch: built - 1}, st, nil)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(at, late) {
		t.Error("an epoch that is not before any file changes the layer")
	}
	if got := unzip(t, st, early); got != "etc/world@-1 usr/share/doc/world/copyright@-1" {
		t.Error(got)
	}
	// it is kept, and made again when what was kept is damaged
	for _, harm := range []func(){
		func() {},
		func() { check(t, edit(p.path(debs[1].SHA256, ".tar.gz"), func(b []byte) []byte { b[9]++; return b })) }, // not looked at
		func() { check(t, os.WriteFile(p.Blob(early.Descriptor.Digest), []byte("x"), 0o644)) },
		func() { check(t, os.Remove(p.Blob(early.Descriptor.Digest))) },
		func() {
			check(t, os.Remove(p.Blob(early.Descriptor.Digest)))
			check(t, edit(p.path(debs[1].SHA256, ".tar.gz"), func(b []byte) []byte { b[len(b)/2]++; return b }))
		},
	} {
		harm()
		again, st := open(t, p.dir), newStore(t)
		if got, err := again.Layer(t.Context(), LayerSpec{Debs: debs[1:], Epoch: built - 1}, st, nil); err != nil || !reflect.DeepEqual(got, early) {
			t.Errorf("%v, %v", got, err)
		}
		unzip(t, st, early)
	}
}

func TestVerify(t *testing.T) {
	srv, debs := mirror(t, hello(), world())
	p := open(t, t.TempDir())
	pkgs, err := p.Get(t.Context(), debs, nil)
	check(t, err)
	check(t, p.Verify(t.Context(), debs, true, nil))
	if n := srv.Count("/pool/"); n != 2 {
		t.Errorf("%d downloads", n)
	}
	check(t, edit(p.path(debs[1].SHA256, ".tar.gz"), func(b []byte) []byte { b[len(b)/2]++; return b }))
	none := func(Entry, io.Reader) error { return errors.New("called") }
	if err := p.Files(pkgs[1], true, none); err == nil || err.Error() != "package "+debs[1].SHA256+" is damaged in the package store" {
		t.Error(err)
	}
	var log bytes.Buffer
	check(t, p.Verify(t.Context(), debs, true, &log))
	if n := srv.Count("/pool/"); n != 3 || !strings.HasPrefix(log.String(), "package "+debs[1].SHA256+" is damaged in the package store, fetching it again\n") {
		t.Errorf("%d downloads, log %q", n, log.String())
	}
	check(t, p.Files(pkgs[1], true, func(Entry, io.Reader) error { return nil }))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDamageIsMended(t *testing.T) {
	damage := map[string]func(string) error{
		"flipped":   func(f string) error { return edit(f, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }) },
		"truncated": func(f string) error { return edit(f, func(b []byte) []byte { return b[:len(b)-1] }) },
		"empty":     func(f string) error { return edit(f, func(b []byte) []byte { return nil }) },
		"gone":      os.Remove,
	}
	for name, harm := range damage {
		for _, ext := range []string{".tar.gz", ".meta"} {
			for _, fresh := range []bool{false, true} { // without and with the layer's digest known
				srv, debs := mirror(t, hello(), world())
				dir := t.TempDir()
				spec := LayerSpec{Debs: debs, Epoch: far}
				p := open(t, dir)
				want, err := p.Layer(t.Context(), spec, newStore(t), nil)
				if err != nil {
					t.Fatal(err)
				}
				if fresh {
					if err := os.RemoveAll(dir + "/cache"); err != nil {
						t.Fatal(err)
					}
				}
				if err := harm(p.path(debs[0].SHA256, ext)); err != nil {
					t.Fatal(err)
				}
				st := newStore(t)
				got, err := open(t, dir).Layer(t.Context(), spec, st, nil)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%s %s: %v, %v", name, ext, got, err)
					continue
				}
				unzip(t, st, got)
				if n := srv.Count("/pool/"); n != 3 {
					t.Errorf("%s %s: %d downloads", name, ext, n)
				}
				if ext == ".tar.gz" { // the running process notices too
					if err := harm(p.path(debs[1].SHA256, ext)); err != nil {
						t.Fatal(err)
					}
					if got, err := p.Layer(t.Context(), spec, newStore(t), nil); err != nil || !reflect.DeepEqual(got, want) {
						t.Errorf("%s in use: %v, %v", name, got, err)
					}
				}
			}
		}
	}
}

func edit(file string, change func([]byte) []byte) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, change(data), 0o644)
}

func TestDamagedCacheIsIgnored(t *testing.T) {
	p := open(t, t.TempDir())
	key := strings.Repeat("ab", 32)
	if err := p.Cache(key, []int{1, 2}); err != nil {
		t.Fatal(err)
	}
	var got []int
	if !p.Cached(key, &got) || !reflect.DeepEqual(got, []int{1, 2}) {
		t.Errorf("got %v", got)
	}
	if err := edit(p.cachePath(key), func(b []byte) []byte { return bytes.Replace(b, []byte("2"), []byte("3"), 1) }); err != nil {
		t.Fatal(err)
	}
	if p.Cached(key, &got) {
		t.Error("a changed record is believed")
	}
	if p.Cached(strings.Repeat("cd", 32), &got) {
		t.Error("a record out of nothing")
	}
}

func TestMembers(t *testing.T) {
	data := make([]byte, 2*memberSize+12345)
	for i := range data {
		data[i] = byte(i>>9) ^ byte(i*7)
	}
	var want []byte
	for _, jobs := range []int{1, 2, 5} {
		for _, step := range []int{len(data), 1 << 20, 999_999} {
			var b bytes.Buffer
			m := newMembers(&b, jobs)
			for at := 0; at < len(data); at += step {
				if _, err := m.Write(data[at:min(at+step, len(data))]); err != nil {
					t.Fatal(err)
				}
			}
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = b.Bytes()
				z, err := gzip.NewReader(bytes.NewReader(want))
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, data) {
					t.Errorf("the content differs: %v", err)
				}
			}
			if !bytes.Equal(b.Bytes(), want) {
				t.Errorf("%d jobs, steps of %d: other bytes", jobs, step)
			}
		}
	}
	if empty, err := compress(nil); err != nil || len(empty) != 0 {
		t.Errorf("nothing becomes %x, %v", empty, err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestMembersPassErrorsOn(t *testing.T) {
	m := newMembers(failing{}, 2)
	_, _ = m.Write(make([]byte, 3*memberSize))
	if err := m.Close(); err == nil || err.Error() != "disk full" {
		t.Error(err)
	}
}

func TestMeta(t *testing.T) {
	p := samplePackage()
	data := encodeMeta(p)
	got, err := decodeMeta(data)
	if err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("%v\n%v\n%v", err, got, p)
	}
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 1
		if _, err := decodeMeta(bad); err == nil {
			t.Errorf("a flipped bit in byte %d is not noticed", i)
		}
		if _, err := decodeMeta(data[:i]); err == nil {
			t.Errorf("the first %d bytes are taken for the whole", i)
		}
	}
	if _, err := decodeMeta(seal(metaMagic, append(bytes.Clone(data[len(metaMagic)+32:]), 0))); err == nil {
		t.Error("a byte too many is not noticed")
	}
}

func samplePackage() *Package {
	p := &Package{
		SHA256:  strings.Repeat("0f", 32),
		Control: map[string][]byte{"control": []byte("Package: a\nVersion: 1\nArchitecture: all\n"), "md5sums": {}},
		Small:   map[string][]byte{"x": []byte("y")},
		Entries: []Entry{
			{Entry: deb.Entry{Path: "a", Type: deb.Dir, Mode: 0o1777, UID: 70000, GID: 3, MTime: built}, Doc: true},
			{Entry: deb.Entry{Path: "usr/bin/b", Aliased: true, Type: deb.File, Mode: 0o755, Size: 1 << 33}, Sum: sha256.Sum256(nil)},
			{Entry: deb.Entry{Path: "c", Type: deb.Symlink, Mode: 0o777, Link: "b"}},
			{Entry: deb.Entry{Path: "d", Type: deb.Link, Link: "usr/bin/b"}, Doc: true},
		},
		Main: Section{Size: 1, Raw: 2, Sum: sha256.Sum256([]byte("main"))}, Docs: Section{Size: 3, Raw: 4, Sum: sha256.Sum256([]byte("docs"))},
		Newest: built,
	}
	p.Stanza, _ = deb.ParseControl(p.Control["control"])
	return p
}

func FuzzMeta(f *testing.F) {
	f.Add(encodeMeta(samplePackage())[len(metaMagic)+32:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := decodeMeta(seal(metaMagic, body))
		if err != nil {
			return
		}
		if again, err := decodeMeta(encodeMeta(p)); err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%v: %v became %v", err, p, again)
		}
	})
}
