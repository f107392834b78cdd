package layer

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// counted counts how often a blob is opened and closed.
func counted(b Blob, opens, closes *int) Blob {
	open := b.Open
	b.Open = func() (io.ReadCloser, error) {
		*opens++
		r, err := open()
		if at, ok := r.(io.ReaderAt); ok {
			return &struct {
				io.Reader
				io.ReaderAt
				closer
			}{r, at, closer{r, closes}}, err
		}
		return &struct {
			io.Reader
			closer
		}{r, closer{r, closes}}, err
	}
	return b
}

type closer struct {
	io.Closer
	n *int
}

func (c closer) Close() error {
	*c.n++
	return c.Closer.Close()
}

// Layers below are read when they are needed, and not more often than needed.
func TestBelowIsReadLazily(t *testing.T) {
	low := pack(t, parse("usr/ usr/lib/ lib->usr/lib a=1 d/ d/x=2"))
	for own, want := range map[string]int{
		"d/ d/y=1 e/ e/f=2 a~e/f":      0,
		"d/ d/y=1|d/ d/y=2":            0,
		"s->lib p|":                    0,
		"d->x|d/":                      1,
		"-a":                           1,
		"!d":                           1,
		"lib/x=1":                      1,
		"b~a":                          1,
		"b~a|-a":                       2,
		"b~a c~d/x|-a -d":              2,
		"a=2|-a":                       1,
		"e/ e/f/|-e/f|e/f/ e/f/x=1|-e": 1,
	} {
		for _, how := range []string{asFile, asGzip} {
			opens, closes := 0, 0
			below := counted(blob(t, low, how), &opens, &closes)
			var layers []Blob
			ownOpens, ownCloses := 0, 0
			for l := range strings.SplitSeq(strings.ReplaceAll(own, "p|", "p||"), "|") {
				if l != "" {
					layers = append(layers, counted(blob(t, pack(t, parse(l)), how), &ownOpens, &ownCloses))
				}
			}
			cache := Cache(t.TempDir())
			_, first := fold(t, []Blob{below}, layers, Options{Epoch: epoch, Index: cache})
			if opens != want || closes != want || ownOpens > 2*len(layers) || ownCloses != ownOpens {
				t.Errorf("%s as %s: below was opened %d times and closed %d, own %d and %d", own, how, opens, closes, ownOpens, ownCloses)
			}
			opens = 0
			_, again := fold(t, []Blob{below}, layers, Options{Epoch: epoch, Index: cache})
			if opens != max(0, want-1) || again != first {
				t.Errorf("%s: with a cache below was opened %d times", own, opens)
			}
		}
	}
}

func TestCache(t *testing.T) {
	dir := t.TempDir()
	cache := Cache(filepath.Join(dir, "a", "b"))
	opens, closes := 0, 0
	low := parse("a=1 d/ d/x=2 l->d h~a p| c/c/c/d= -w !o")
	low[0].PAXRecords = map[string]string{xattrPrefix + "user.x": "1", xattrPrefix + "user.y": ""}
	low[1].Uid, low[1].ModTime = 7, low[1].ModTime.AddDate(-100, 0, 0)
	low[1].Format = tar.FormatPAX
	below := counted(blob(t, pack(t, low), asGzip), &opens, &closes)
	own := blobs(t, asFile, pack(t, parse("k~h l/y=1")), pack(t, parse("-a -h")))
	run := func(want int) []byte {
		t.Helper()
		opens = 0
		got, _ := fold(t, []Blob{below}, own, Options{Epoch: epoch, Index: cache})
		if s := brief(unpack(t, got)); s != "-a d/y=1 -h k=1" || opens != want {
			t.Errorf("%d reads, %s", opens, s)
		}
		return got
	}
	first := run(2)
	if !bytes.Equal(run(1), first) {
		t.Error("from the cache it is another layer")
	}
	entries, err := readIndex(t.Context(), below, true)
	check(t, err)
	// one that has nothing, several times over, is as short as an entry can be
	entries = append(entries, entry{kind: kindFile}, entry{kind: kindFile}, entry{kind: kindFile})
	if _, ok := decodeEntries(string(encodeEntries(make([]entry, 1000)))); !ok {
		t.Error("short entries can't be read back")
	}
	kept, ok := decodeEntries(string(encodeEntries(entries)))
	if !ok || len(kept) != len(entries) {
		t.Fatal("the entries can't be read back")
	}
	for i := range kept {
		if a, b := kept[i], entries[i]; a.meta.mtime != b.meta.mtime || len(a.meta.xattrs) != len(b.meta.xattrs) || encodeOne(a) != encodeOne(b) || a.path != b.path || a.link != b.link {
			t.Errorf("%+v was %+v", a, b)
		}
	}
	for whole, n := encodeEntries(entries), 0; n < len(whole); n++ {
		if _, ok := decodeEntries(string(whole[:n])); ok {
			t.Errorf("the first %d of %d bytes are entries, too", n, len(whole))
		}
	}
	// the one file in it, damaged in all ways
	var names []string
	check(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			names = append(names, p)
		}
		return err
	}))
	if len(names) != 1 || filepath.Base(names[0]) != below.Digest.Encoded() {
		t.Fatal(names)
	}
	data, err := os.ReadFile(names[0])
	check(t, err)
	for i := range 12 {
		bad := bytes.Clone(data)
		switch i {
		case 0:
			bad = nil
		case 1:
			bad = bad[:len(bad)-1]
		case 2:
			bad = append(bad, 0)
		case 3:
			bad = bad[:len(cacheMagic)+5]
		default:
			bad[i*(len(bad)-1)/11] ^= 1
		}
		check(t, os.WriteFile(names[0], bad, 0o600))
		run(2)
		if now, err := os.ReadFile(names[0]); err != nil || !bytes.Equal(now, data) {
			t.Errorf("the cache was not mended: %v", err)
		}
	}
	// what is no folder can't be written to
	cache = Cache(names[0])
	_, err = Fold(t.Context(), []Blob{below}, own, io.Discard, Options{Index: cache})
	wantErr(t, "cache", err, "cannot keep the index of layer "+below.Digest.String())
}

func encodeOne(e entry) string { return string(encodeEntries([]entry{e})) }
