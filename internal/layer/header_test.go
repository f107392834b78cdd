package layer

import (
	"archive/tar"
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"
)

// foldFiles folds layers over nothing and gives the entries.
func foldFiles(t *testing.T, layers ...[]file) []file {
	t.Helper()
	var tars [][]byte
	for _, l := range layers {
		tars = append(tars, pack(t, l))
	}
	got, _ := fold(t, nil, blobs(t, asFile, tars...), Options{Epoch: epoch})
	return unpack(t, got)
}

func TestMetadataIsKept(t *testing.T) {
	caps := "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	in := []tar.Header{
		{Typeflag: tar.TypeDir, Name: "d/", Mode: 0o1777, Uid: 1, Gid: 2, PAXRecords: map[string]string{xattrPrefix + "user.d": "1"}},
		{Typeflag: tar.TypeReg, Name: "d/caps", Mode: 0o6755, PAXRecords: map[string]string{xattrPrefix + "security.capability": caps, xattrPrefix + "user.empty": ""}},
		{Typeflag: tar.TypeBlock, Name: "dev/b", Mode: 0o660, Devmajor: 8, Devminor: 1},
		{Typeflag: tar.TypeChar, Name: "dev/c", Mode: 0o666, Devmajor: 1, Devminor: 3},
		{Typeflag: tar.TypeFifo, Name: "p", Mode: 0o600, Uid: 3_000_000, Gid: 4_000_000},
		{Typeflag: tar.TypeSymlink, Name: "s", Linkname: "./../x//y/", Mode: 0o777},
		{Typeflag: tar.TypeReg, Name: "z\xff\xfe", Mode: 0o644},
	}
	var layer []file
	for _, h := range in {
		h.Uname, h.Gname, h.ModTime = "somebody", "some", time.Unix(7, 0)
		if h.PAXRecords = maps.Clone(h.PAXRecords); h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		h.PAXRecords["VENDOR.x"] = "y"
		h.PAXRecords["LIBARCHIVE.creationtime"] = "5"
		h.AccessTime, h.ChangeTime, h.Format = time.Unix(8, 5), time.Unix(9, 5), tar.FormatPAX
		layer = append(layer, file{Header: h})
	}
	got := foldFiles(t, layer)
	if len(got) != len(in) {
		t.Fatalf("%s", brief(got))
	}
	for i, want := range in {
		g := got[i].Header
		if g.Uname != "" || g.Gname != "" || !g.AccessTime.IsZero() || !g.ChangeTime.IsZero() || g.ModTime.Unix() != 7 {
			t.Errorf("%s: %+v", want.Name, g)
		}
		if (g.Format == tar.FormatPAX) != (want.PAXRecords != nil || want.Uid > 1<<21 || want.Name == "z\xff\xfe") {
			t.Errorf("%s is in the format %v", want.Name, g.Format)
		}
		for k, v := range g.PAXRecords {
			if v != want.PAXRecords[k] && k != "uid" && k != "gid" && k != "path" {
				t.Errorf("%s: %s is %q", want.Name, k, v)
			}
		}
		for k := range want.PAXRecords {
			if _, ok := g.PAXRecords[k]; !ok {
				t.Errorf("%s lost %s", want.Name, k)
			}
		}
		want.PAXRecords = nil
		g = tar.Header{Typeflag: g.Typeflag, Name: g.Name, Linkname: g.Linkname, Size: g.Size, Mode: g.Mode, Uid: g.Uid, Gid: g.Gid, Devmajor: g.Devmajor, Devminor: g.Devminor}
		if !reflect.DeepEqual(g, want) {
			t.Errorf("%s: got %+v", want.Name, g)
		}
	}
}

func TestTimes(t *testing.T) {
	for in, want := range map[time.Time]int64{
		time.Unix(epoch-1, 999): epoch - 1, time.Unix(epoch, 0): epoch, time.Unix(epoch, 5): epoch, time.Unix(epoch+1, 0): epoch, time.Unix(0, 0): 0, time.Unix(-5, 0): -5, time.Unix(-5, 500_000_000): -5,
	} {
		got := foldFiles(t, []file{{Header: tar.Header{Typeflag: tar.TypeReg, Name: "a", ModTime: in, Format: tar.FormatPAX}}})
		if at := got[0].ModTime; !at.Equal(time.Unix(want, 0)) {
			t.Errorf("%v becomes %v", in, at)
		}
	}
	// a directory that no entry tells of, and whiteouts
	var out bytes.Buffer
	_, err := Fold(t.Context(), blobs(t, asFile, pack(t, parse("a=1 d/x=1"))), blobs(t, asFile, pack(t, parse("-a -d")), pack(t, parse("d/y=1"))), &out, Options{Epoch: epoch})
	check(t, err)
	s := ""
	for _, f := range unpack(t, out.Bytes()) {
		s += fmt.Sprintf("%s %o @%d %d:%d\n", f.Name, f.Mode, f.ModTime.Unix(), f.Uid, f.Gid)
	}
	if s != ".wh.a 0 @0 0:0\nd/ 755 @1000 0:0\nd/.wh..wh..opq 0 @0 0:0\nd/y 644 @7 0:0\n" {
		t.Error(s)
	}
}

// The last of several names says what the file is, and adds attributes.
func TestHardLinkMetadata(t *testing.T) {
	first, second, third := parse("a=1"), parse("b~a"), parse("c~b")
	first[0].PAXRecords = map[string]string{xattrPrefix + "user.x": "1", xattrPrefix + "user.y": "1"}
	second[0].PAXRecords = map[string]string{xattrPrefix + "user.y": "2"}
	second[0].Mode, second[0].Uid = 0o600, 5
	third[0].Mode, third[0].Gid = 0o640, 6
	got := foldFiles(t, first, second, third)
	if brief(got) != "a=1 b~a c~a" {
		t.Fatal(brief(got))
	}
	for _, f := range got {
		if f.Mode != 0o640 || f.Uid != 0 || f.Gid != 6 || f.PAXRecords[xattrPrefix+"user.x"] != "1" || f.PAXRecords[xattrPrefix+"user.y"] != "2" {
			t.Errorf("%+v", f)
		}
	}
	// a new entry for a directory or file has its own
	first, second = parse("d/"), parse("d/")
	first[0].PAXRecords = map[string]string{xattrPrefix + "user.x": "1"}
	second[0].Mode = 0o700
	if got := foldFiles(t, first, second); got[0].Mode != 0o700 || len(got[0].PAXRecords) != 0 {
		t.Errorf("%+v", got)
	}
	// a file of the layers below that is made anew has its owner and attributes from there
	low := parse("x=1")
	low[0].PAXRecords = map[string]string{xattrPrefix + "user.x": "1"}
	var out bytes.Buffer
	_, err := Fold(t.Context(), blobs(t, asGzip, pack(t, low)), blobs(t, asFile, pack(t, parse("y~x")), pack(t, parse("-x"))), &out, Options{Epoch: epoch})
	check(t, err)
	got = unpack(t, out.Bytes())
	if brief(got) != "-x y=1" || got[1].PAXRecords[xattrPrefix+"user.x"] != "1" {
		t.Errorf("%+v", got)
	}
}

func TestLongNames(t *testing.T) {
	long := strings.Repeat("d/", 2400) + strings.Repeat("n", 200)
	layer := []file{
		{Header: tar.Header{Typeflag: tar.TypeReg, Name: long, Size: 1}, data: "x"},
		{Header: tar.Header{Typeflag: tar.TypeLink, Name: "h", Linkname: long}},
		{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: "s", Linkname: long}},
		{Header: tar.Header{Typeflag: tar.TypeReg, Name: "gnu" + long, Format: tar.FormatGNU}},
	}
	got := foldFiles(t, layer)
	if len(got) != 4 || got[0].Name != long || got[0].data != "x" || got[1].Name != "gnu"+long || got[2].Linkname != long || got[3].Linkname != long {
		t.Errorf("%d entries: %.200s", len(got), brief(got))
	}
}

// raw is a tar header block as other programs write it.
func raw(typ byte, name string, size int, edit func(block []byte)) []byte {
	b := make([]byte, 512)
	copy(b, name)
	copy(b[100:], "0000644\x000000000\x000000000\x00")
	copy(b[124:], fmt.Sprintf("%011o\x00%011o\x00", size, 7))
	b[156] = typ
	copy(b[257:], "ustar  \x00")
	if edit != nil {
		edit(b)
	}
	copy(b[148:], "        ")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

// blocks fills up to whole blocks.
func blocks(parts ...string) []byte {
	s := strings.Join(parts, "")
	return append([]byte(s), make([]byte, -len(s)&511)...)
}

func paxRecords(records ...string) string {
	var b strings.Builder
	for _, r := range records {
		n := len(r) + 3
		for n != len(fmt.Sprintf("%d %s\n", n, r)) {
			n = len(fmt.Sprintf("%d %s\n", n, r))
		}
		fmt.Fprintf(&b, "%d %s\n", n, r)
	}
	return b.String()
}

// sparse is a tar with files that have holes in the two ways of GNU tar, and a file before, between and behind.
func sparse() []byte {
	chunk := strings.Repeat("0123456789abcdef", 32)
	var out []byte
	add := func(parts ...[]byte) {
		for _, p := range parts {
			out = append(out, p...)
		}
	}
	add(raw('0', "y", 3, nil), blocks("yyy"))
	add(raw('S', "old", 1024, func(b []byte) {
		copy(b[386:], fmt.Sprintf("%011o\x00%011o\x00", 1024, 512)) // a hole, 512 bytes
		copy(b[410:], fmt.Sprintf("%011o\x00%011o\x00", 4096, 512))
		copy(b[483:], fmt.Sprintf("%011o\x00", 8192))
	}), []byte(chunk), []byte(chunk))
	add(raw('0', "m", 1, nil), blocks("m"))
	records := paxRecords("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=pax", "GNU.sparse.realsize=5000")
	add(raw('x', "PaxHeaders/pax", len(records), nil), blocks(records))
	add(raw('0', "GNUSparseFile.0/pax", 1024, nil), blocks("1\n4096\n512\n"), []byte(chunk))
	records = paxRecords("GNU.sparse.size=2000", "GNU.sparse.numblocks=1", "GNU.sparse.map=512,512")
	add(raw('x', "PaxHeaders/map", len(records), nil), blocks(records))
	add(raw('0', "map", 512, nil), []byte(chunk))
	add(raw('0', "a", 2, nil), blocks("aa"))
	return append(out, make([]byte, 1024)...)
}

func TestSparseFiles(t *testing.T) {
	chunk := strings.Repeat("0123456789abcdef", 32)
	hole := func(n int) string { return strings.Repeat("\x00", n) }
	want := map[string]string{
		"a": "aa", "m": "m", "y": "yyy", "old": hole(1024) + chunk + hole(2560) + chunk + hole(3584),
		"pax": hole(4096) + chunk + hole(392), "map": hole(512) + chunk + hole(976),
	}
	for _, how := range []string{asFile, asStream, asGzip} {
		data, _ := fold(t, nil, blobs(t, how, sparse()), Options{Epoch: epoch, TempDir: t.TempDir()})
		got := unpack(t, data)
		if len(got) != len(want) {
			t.Errorf("%d entries", len(got))
		}
		for _, f := range got {
			if f.data != want[f.Name] || f.Typeflag != tar.TypeReg || len(f.PAXRecords) != 0 {
				t.Errorf("as %s, %s: %d bytes, %+v", how, f.Name, len(f.data), f.Header)
			}
		}
	}
}

// Global headers say nothing about a file; old directories are files with a slash.
func TestOldAndGlobalHeaders(t *testing.T) {
	global := paxRecords("comment=x", "mtime=5", "uid=9")
	data := bytes.Join([][]byte{
		raw('g', "pax_global_header", len(global), nil), blocks(global),
		raw(0, "old/", 0, nil), raw(0, "old/f", 1, nil), blocks("1"), raw('7', "cont", 1, nil), blocks("2"),
		raw('2', "s", 700, func(b []byte) { copy(b[157:], "x") }), // a size that has no content
		raw('0', "z", 1, nil), blocks("3"), make([]byte, 1024),
	}, nil)
	for _, how := range []string{asFile, asGzip} {
		got, _ := fold(t, nil, blobs(t, how, data), Options{Epoch: epoch})
		if s := brief(unpack(t, got)); s != "cont=2 old/ old/f=1 s->x z=3" {
			t.Error(s)
		}
		for _, f := range unpack(t, got) {
			if f.ModTime.Unix() != 7 || f.Uid != 0 {
				t.Errorf("%+v", f)
			}
		}
	}
}
