package deb

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/debian/debtest"
)

func sample(compression string) debtest.Deb {
	return debtest.Deb{
		Name: "hello", Version: "1:2.0-1", Compression: compression, Source: "greetings (2.0-1)", Conffiles: []string{"/etc/hello.conf"},
		Scripts: map[string]string{"postinst": "#!/bin/sh\nexit 0\n"},
		Files: []debtest.File{
			{Path: "/bin/hello", Mode: 0o755 | fs.ModeSetuid, Data: "binary"},
			{Path: "/etc/hello.conf", Data: "x=1\n", UID: 7, GID: 8},
			{Path: "/usr/bin/hi", Link: "hello"},
			{Path: "/usr/bin/hey", Hard: "/bin/hello", Mode: 0o755},
			{Path: "/var/tmp/hello", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		},
	}
}

// listing writes each entry of a package as a line.
func listing(t *testing.T, data []byte) (string, error) {
	t.Helper()
	a, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = a.Walk(func(e Entry, content io.Reader) error {
		text := ""
		if e.Type == File {
			d, err := io.ReadAll(content)
			if err != nil {
				return err
			}
			text = string(d)
		}
		fmt.Fprintf(&b, "%c %s (%s) %o %d:%d %d %d %s %q\n", e.Type, e.Path, e.Name(), e.Mode, e.UID, e.GID, e.Size, e.MTime, e.Link, text)
		return nil
	})
	return b.String(), err
}

func TestWalk(t *testing.T) {
	const want = `d usr/bin (/bin) 755 0:0 0 1748779200  ""
f usr/bin/hello (/bin/hello) 4755 0:0 6 1748779200  "binary"
d etc (/etc) 755 0:0 0 1748779200  ""
f etc/hello.conf (/etc/hello.conf) 644 7:8 4 1748779200  "x=1\n"
d usr (/usr) 755 0:0 0 1748779200  ""
d usr/bin (/usr/bin) 755 0:0 0 1748779200  ""
l usr/bin/hi (/usr/bin/hi) 777 0:0 0 1748779200 hello ""
h usr/bin/hey (/usr/bin/hey) 755 0:0 0 1748779200 usr/bin/hello ""
d var (/var) 755 0:0 0 1748779200  ""
d var/tmp (/var/tmp) 755 0:0 0 1748779200  ""
d var/tmp/hello (/var/tmp/hello) 1777 0:0 0 1748779200  ""
d usr/share (/usr/share) 755 0:0 0 1748779200  ""
d usr/share/doc (/usr/share/doc) 755 0:0 0 1748779200  ""
d usr/share/doc/hello (/usr/share/doc/hello) 755 0:0 0 1748779200  ""
f usr/share/doc/hello/copyright (/usr/share/doc/hello/copyright) 644 0:0 15 1748779200  "License: hello\n"
`
	for _, compression := range []string{"xz", "gz", "zst", "none"} {
		data, err := sample(compression).Build()
		if err != nil {
			t.Fatal(err)
		}
		got, err := listing(t, data)
		if err != nil || got != want {
			t.Errorf("%s: %v\n%s", compression, err, got)
		}
	}
}

func TestControl(t *testing.T) {
	data, err := sample("zst").Build()
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files, err := a.Control()
	if err != nil {
		t.Fatal(err)
	}
	if string(files["postinst"]) != "#!/bin/sh\nexit 0\n" || string(files["conffiles"]) != "/etc/hello.conf\n" {
		t.Errorf("control files are %q", files)
	}
	s, err := ParseControl(files["control"])
	if err != nil || s.Get("package") != "hello" || s.Get("Version") != "1:2.0-1" || s.Get("Source") != "greetings (2.0-1)" || s.Get("Nothing") != "" {
		t.Errorf("stanza is %v, %v", s, err)
	}
}

// arFile strings members together.
func arFile(members ...string) []byte {
	var b bytes.Buffer
	b.WriteString(arMagic)
	for i := 0; i < len(members); i += 2 {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n%s", members[i], 0, 0, 0, "100644", len(members[i+1]), members[i+1])
		if len(members[i+1])%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

func tarFile(t *testing.T, headers ...tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestOpenErrors(t *testing.T) {
	good := arFile("debian-binary", "2.0\n", "control.tar", "", "data.tar", "")
	if _, err := Open(bytes.NewReader(good), int64(len(good))); err != nil {
		t.Errorf("a good one: %v", err)
	}
	extra := arFile("debian-binary", "2.0\n", "_gpgorigin", "sig", "control.tar/", "", "data.tar", "")
	if _, err := Open(bytes.NewReader(extra), int64(len(extra))); err != nil {
		t.Errorf("a member to be ignored: %v", err)
	}
	broken := bytes.Replace(good, []byte("`\n"), []byte("xx"), 1)
	for _, test := range []struct {
		data []byte
		want string
	}{
		{nil, "not a Debian package: it does not begin as an ar archive"},
		{[]byte("!<arch>"), "not a Debian package: it does not begin as an ar archive"},
		{[]byte(arMagic), "truncated: it lacks control.tar or data.tar"},
		{good[:len(good)-10], "truncated: a member header is cut off"},
		{broken, `damaged: the header of member "debian-binary" is not one of ar`},
		{arFile("control.tar", ""), `not a Debian package: its first member is "control.tar"`},
		{arFile("debian-binary", "3.0\n"), `its format version is "3.0" and 2.0 is known`},
		{arFile("debian-binary", "2.0\n", "control.tar", ""), "truncated: it lacks control.tar or data.tar"},
		{arFile("debian-binary", "2.0\n", "data.tar", "", "data.tar.xz", ""), `member "data.tar.xz" is there twice`},
		{arFile("debian-binary", "2.0\n", "stuff", ""), `unknown member "stuff"`},
		{arFile("debian-binary", "2.0\n", "data.tar", "12345678")[:len(arMagic)+2*arHeaderSize+6], `truncated: member "data.tar" has 8 bytes and 2 are there`},
	} {
		if _, err := Open(bytes.NewReader(test.data), int64(len(test.data))); err == nil || err.Error() != test.want {
			t.Errorf("%q: %v, not %s", test.data, err, test.want)
		}
	}
}

func TestWalkRefuses(t *testing.T) {
	for _, test := range []struct {
		header tar.Header
		want   string
	}{
		{tar.Header{Name: "./../etc/passwd", Typeflag: tar.TypeReg}, `cannot take "./../etc/passwd": a path with .. in it`},
		{tar.Header{Name: "a/../b", Typeflag: tar.TypeReg}, `cannot take "a/../b": a path with .. in it`},
		{tar.Header{Name: "a", Linkname: "../../etc/passwd", Typeflag: tar.TypeLink}, `cannot take "a": a hard link to "../../etc/passwd"`},
		{tar.Header{Name: "a", Typeflag: tar.TypeSymlink}, `cannot take "a": a symbolic link without a target`},
		{tar.Header{Name: "a", Typeflag: tar.TypeChar}, `cannot take "a": type '3' is neither a file, a directory nor a link`},
		{tar.Header{Name: "a", Typeflag: tar.TypeFifo}, `cannot take "a": type '6' is neither a file, a directory nor a link`},
	} {
		data := arFile("debian-binary", "2.0\n", "control.tar", "", "data.tar", tarFile(t, test.header))
		if _, err := listing(t, data); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, not %s", test.header.Name, err, test.want)
		}
	}
	unknown := arFile("debian-binary", "2.0\n", "control.tar.lzma", "", "data.tar.bz2", "")
	a, err := Open(bytes.NewReader(unknown), int64(len(unknown)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Control(); err == nil || err.Error() != `cannot read control.tar: unknown compression ".lzma"` {
		t.Error(err)
	}
	if err := a.Walk(nil); err == nil || err.Error() != `cannot read data.tar: unknown compression ".bz2"` {
		t.Error(err)
	}
}

func TestWalkKeepsTopLinks(t *testing.T) {
	data := arFile("debian-binary", "2.0\n", "control.tar", "", "data.tar", tarFile(t,
		tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
		tar.Header{Name: "./bin", Linkname: "usr/bin", Typeflag: tar.TypeSymlink},
		tar.Header{Name: "./etc/link", Linkname: "/absolute/../fine", Typeflag: tar.TypeSymlink}))
	got, err := listing(t, data)
	const want = "l bin (/bin) 777 0:0 0 0 usr/bin \"\"\nl etc/link (/etc/link) 777 0:0 0 0 /absolute/../fine \"\"\n"
	if err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestWalkPassesErrorsOn(t *testing.T) {
	data, err := sample("xz").Build()
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	calls := 0
	if err := a.Walk(func(Entry, io.Reader) error { calls++; return stop }); err != stop || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestNormalise(t *testing.T) {
	for _, test := range []struct {
		in, want string
		aliased  bool
	}{
		{"./usr/bin/x", "usr/bin/x", false},
		{"./bin/x", "usr/bin/x", true},
		{"/sbin/x", "usr/sbin/x", true},
		{"lib", "usr/lib", true},
		{"lib64/ld.so", "usr/lib64/ld.so", true},
		{"lib32/a", "usr/lib32/a", true},
		{"libx32/a", "usr/libx32/a", true},
		{"library/a", "library/a", false},
		{"bins", "bins", false},
		{"./", "", false},
		{"a//b/./c/", "a/b/c", false},
		{"..a/b..", "..a/b..", false},
	} {
		got, aliased, err := Normalise(test.in)
		if got != test.want || aliased != test.aliased || err != nil {
			t.Errorf("%q: %q %v %v", test.in, got, aliased, err)
		}
	}
	for _, in := range []string{"..", "../a", "a/..", "a/../b", "/..", "a\x00b"} {
		if got, _, err := Normalise(in); err == nil {
			t.Errorf("%q gave %q", in, got)
		}
	}
}

func TestParseControl(t *testing.T) {
	s, err := ParseControl([]byte("Package: a\nVersion: 1\nArchitecture: all\n# comment\nDescription: one\n two\n .\n three\nEmpty:\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Get("description"); got != "one\n two\n .\n three" {
		t.Errorf("description is %q", got)
	}
	const want = "Package: a\nStatus: install ok unpacked\nVersion: 1\nArchitecture: all\nDescription: one\n two\n .\n three\nEmpty:\n"
	if got := s.Text("install ok unpacked"); got != want {
		t.Errorf("text is\n%s", got)
	}
	for in, want := range map[string]string{
		"":                           "its control file lacks Package, Version or Architecture",
		"Package: a\nVersion: 1\n":   "its control file lacks Package, Version or Architecture",
		" a":                         "its control file begins with a continuation line",
		"Package a\n":                "its control file has a line that is no field: Package a",
		"Package: a\n\nPackage: b\n": "its control file has more than one stanza",
		"Package: a\nVersion: 1\nbad field: no\n b": "its control file has a line that is no field: bad field: no",
	} {
		if _, err := ParseControl([]byte(in)); err == nil || err.Error() != want {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestXZBlocks(t *testing.T) {
	content := make([]byte, 100_003)
	for i := range content {
		content[i] = byte(i * i >> 7)
	}
	for _, block := range []int{len(content) * 2, 10_000, 33_335} {
		file := debtest.XZ(content, block)
		r, err := newXZ(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		_, parallel := r.(*parallel)
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, content) || parallel != (block < len(content)) {
			t.Errorf("blocks of %d: %v, parallel %v, equal %v", block, err, parallel, bytes.Equal(got, content))
		}
		if err := errors.Join(r.Close(), r.Close()); err != nil {
			t.Error(err)
		}
		// a flipped bit anywhere in the blocks is noticed
		for at := 40; at < len(file)-60; at += 997 {
			bad := bytes.Clone(file)
			bad[at] ^= 4
			r, err := newXZ(bytes.NewReader(bad), int64(len(bad)))
			if err == nil {
				_, err = io.ReadAll(r)
				r.Close()
			}
			if err == nil {
				t.Fatalf("blocks of %d: a flipped bit at %d is not noticed", block, at)
			}
		}
	}
}

func TestXZCloseEarly(t *testing.T) {
	file := debtest.XZ(make([]byte, 1<<20), 10_000)
	r, err := newXZ(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 5)); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzDeb(f *testing.F) {
	for _, c := range []string{"xz", "zst", "gz", "none"} {
		data, err := sample(c).Build()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if files, err := a.Control(); err == nil {
			_, _ = ParseControl(files["control"])
		}
		_ = a.Walk(func(e Entry, content io.Reader) error {
			for part := range strings.SplitSeq(e.Path, "/") {
				if part == ".." || part == "" || strings.HasPrefix(e.Path, "/") {
					t.Errorf("path %q", e.Path)
				}
			}
			_, err := io.Copy(io.Discard, io.LimitReader(content, 1<<20))
			return err
		})
	})
}
