package pool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/debian/deb"
	"github.com/plinth-build/plinth/internal/debian/debtest"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/store"
)

// built is when debtest's files were modified.
const built = 1748779200

// mirror serves packages and gives their entries of the lock.
func mirror(t *testing.T, packages ...debtest.Deb) (*debtest.Server, []lock.Deb) {
	t.Helper()
	a := debtest.New(t, "bookworm")
	for _, p := range packages {
		a.AddPackage(p)
	}
	srv := debtest.NewServer(t, a)
	var debs []lock.Deb
	for _, p := range packages {
		path, data, err := a.Deb(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		version := p.Version
		if version == "" {
			version = "1.0-1"
		}
		debs = append(debs, lock.Deb{Name: p.Name, Version: version, Arch: "amd64", URI: srv.URL, Filename: path, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))})
	}
	return srv, debs
}

func open(t *testing.T, dir string) *Pool {
	t.Helper()
	p, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func hello() debtest.Deb {
	return debtest.Deb{Name: "hello", Source: "greetings (1.0)", Scripts: map[string]string{"postinst": "true\n"}, Files: []debtest.File{
		{Path: "/bin/hello", Mode: 0o755, Data: strings.Repeat("hello ", 1000)},
		{Path: "/usr/bin/hi", Link: "hello"},
		{Path: "/usr/bin/hey", Hard: "/bin/hello", Mode: 0o755},
		{Path: "/usr/share/man/man1/hello.1.gz", Data: "man"},
		{Path: "/usr/share/ca-certificates/x/a.crt", Data: "cert"},
		{Path: "/usr/share/ca-certificates/x/a.txt", Data: "no cert"},
		{Path: "/usr/lib/jvm/.java.jinfo", Data: "priority=1\n"},
	}}
}

func world() debtest.Deb {
	return debtest.Deb{Name: "world", Version: "2:3", Files: []debtest.File{{Path: "/etc/world", Data: "world"}}}
}

func TestGet(t *testing.T) {
	srv, debs := mirror(t, hello(), world())
	dir := t.TempDir()
	p := open(t, dir)
	var log bytes.Buffer
	got, err := p.Get(t.Context(), debs, &log)
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Name() != "hello" || got[0].Source() != "greetings" || got[1].Name() != "world" || got[1].Source() != "world" {
		t.Errorf("got %s and %s", got[0].Name(), got[1].Name())
	}
	for _, d := range debs {
		if want := fmt.Sprintf("downloaded %s %s, %d bytes in ", d.Name, d.Version, d.Size); !strings.Contains(log.String(), want) {
			t.Errorf("no %q in\n%s", want, log.String())
		}
	}
	if small := got[0].Small; len(small) != 2 || string(small["usr/share/ca-certificates/x/a.crt"]) != "cert" || string(small["usr/lib/jvm/.java.jinfo"]) != "priority=1\n" {
		t.Errorf("small files are %q", small)
	}
	if got[0].Newest != built || string(got[0].Control["postinst"]) != "true\n" {
		t.Errorf("newest %d, postinst %q", got[0].Newest, got[0].Control["postinst"])
	}
	i := slices.IndexFunc(got[0].Entries, func(e Entry) bool { return e.Path == "usr/bin/hello" })
	want := Entry{Entry: deb.Entry{Path: "usr/bin/hello", Aliased: true, Type: deb.File, Mode: 0o755, Size: 6000, MTime: built}, Sum: sha256.Sum256([]byte(strings.Repeat("hello ", 1000)))}
	if i < 0 || got[0].Entries[i] != want {
		t.Errorf("entries are %v", got[0].Entries)
	}
	// nothing but the two files of each package is kept
	if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(left) != 0 {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
	// another process loads the same from disk, with the mirror gone
	srv.Fault("", debtest.Fault{Status: http.StatusNotFound})
	again, err := open(t, dir).Get(t.Context(), debs, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], again[i]) {
			t.Errorf("loaded %v, made %v", again[i], got[i])
		}
	}
	if n := srv.Count("/pool/"); n != 2 {
		t.Errorf("%d downloads", n)
	}
}

func TestGetOnceForAll(t *testing.T) {
	srv, debs := mirror(t, hello(), world())
	srv.Fault("/pool/", debtest.Fault{HangBody: 50 * time.Millisecond})
	p := open(t, t.TempDir())
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got, err := p.Get(t.Context(), debs, nil); err != nil || got[1].Name() != "world" {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := srv.Count("/pool/"); n != 2 {
		t.Errorf("%d downloads", n)
	}
}

func TestCancelledLeaderIsReplaced(t *testing.T) {
	srv, debs := mirror(t, hello())
	srv.Fault("/pool/", debtest.Fault{Hang: time.Minute, Times: 1})
	p := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	led := make(chan error)
	go func() {
		_, err := p.Get(ctx, debs, nil)
		led <- err
	}()
	for srv.Count("/pool/") == 0 {
		time.Sleep(time.Millisecond)
	}
	followed := make(chan error)
	go func() {
		_, err := p.Get(t.Context(), debs, nil)
		followed <- err
	}()
	time.Sleep(20 * time.Millisecond)
	cancel()
	if err := <-led; !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled one: %v", err)
	}
	if err := <-followed; err != nil {
		t.Errorf("the other one: %v", err)
	}
}

func TestRetries(t *testing.T) {
	for name, fault := range map[string]debtest.Fault{
		"503":       {Status: http.StatusServiceUnavailable, Times: 2},
		"429":       {Status: http.StatusTooManyRequests, Times: 1},
		"reset":     {Reset: true, Times: 2},
		"truncated": {Truncate: 100, Times: 2},
	} {
		srv, debs := mirror(t, hello())
		srv.Fault("/pool/", fault)
		var log bytes.Buffer
		if _, err := open(t, t.TempDir()).Get(t.Context(), debs, &log); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := srv.Count("/pool/"); n != fault.Times+1 && name != "reset" { // net/http repeats a reset itself
			t.Errorf("%s: %d requests", name, n)
		}
		if !strings.Contains(log.String(), "download of hello 1.0-1 failed, will try again: ") && name != "reset" {
			t.Errorf("%s: log is %q", name, log.String())
		}
	}
}

func TestFetchErrors(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault debtest.Fault
		edit  func(*lock.Deb)
		msg   string // URL, SUM and SIZE stand for the package's
		hint  string
		count int
	}{
		{name: "superseded", fault: debtest.Fault{Status: http.StatusNotFound}, count: 1,
			msg:  "cannot download package hello 1.0-1: URL is not there any more",
			hint: "mirrors drop a package when a newer version is out; take the current one with: plinth update"},
		{name: "gone", fault: debtest.Fault{Status: http.StatusGone}, count: 1,
			msg:  "cannot download package hello 1.0-1: URL is not there any more",
			hint: "mirrors drop a package when a newer version is out; take the current one with: plinth update"},
		{name: "forbidden", fault: debtest.Fault{Status: http.StatusForbidden}, count: 1,
			msg:  "cannot download package hello 1.0-1 from URL: the server says 403 Forbidden",
			hint: "another mirror is set in plinth.yaml under debian: releases: sources:"},
		{name: "tampered", fault: debtest.Fault{Tamper: func(b []byte) []byte { b[100] ^= 1; return b }}, count: 1,
			msg:  "cannot use package hello 1.0-1: URL is not the file that the lock names: expected SHA-256 SUM and SIZE bytes, got SHA-256 GOT and SIZE bytes",
			hint: "nothing was stored; a proxy or mirror changed the file, or the lock was edited: check the mirror, then: plinth update"},
		{name: "size", edit: func(d *lock.Deb) { d.Size-- }, count: 1,
			msg:  "cannot use package hello 1.0-1: URL is not the file that the lock names: expected SHA-256 SUM and SIZE bytes, got SHA-256 SUM and REAL bytes",
			hint: "nothing was stored; a proxy or mirror changed the file, or the lock was edited: check the mirror, then: plinth update"},
		{name: "broken server", fault: debtest.Fault{Status: http.StatusBadGateway}, count: tries,
			msg:  "cannot download package hello 1.0-1 from URL: the server says 502 Bad Gateway",
			hint: "it was tried 5 times; check the network and the mirror, then repeat"},
		{name: "another version", edit: func(d *lock.Deb) { d.Version = "9" }, count: 1,
			msg: "cannot unpack package hello 9: it says that it is hello 1.0-1"},
		{name: "scheme", edit: func(d *lock.Deb) { d.URI = "ftp://x" },
			msg: `cannot download package hello 1.0-1: "URL" is no http, https or file address`},
		{name: "sum", edit: func(d *lock.Deb) { d.SHA256 = "ABC" },
			msg: `cannot use package hello 1.0-1: "ABC" is no SHA-256`, hint: "write the lock anew with: plinth update"},
	} {
		srv, debs := mirror(t, hello())
		_, data := debs[0].Filename, debs[0].SHA256
		real := debs[0].Size
		if test.fault.Status != 0 || test.fault.Tamper != nil {
			srv.Fault("/pool/", test.fault)
		}
		if test.edit != nil {
			test.edit(&debs[0])
		}
		dir := t.TempDir()
		_, err := open(t, dir).Get(t.Context(), debs, nil)
		var d *diag.Error
		if !errors.As(err, &d) {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		want := strings.NewReplacer("URL", debs[0].URI+"/"+debs[0].Filename, "SUM", data, "SIZE", fmt.Sprint(debs[0].Size), "REAL", fmt.Sprint(real)).Replace(test.msg)
		before, after, _ := strings.Cut(want, "GOT")
		if !strings.HasPrefix(d.Msg, before) || !strings.HasSuffix(d.Msg, after) || after == "" && d.Msg != want {
			t.Errorf("%s: %s\nnot %s", test.name, d.Msg, want)
		}
		if test.hint != "" && (len(d.Hints) == 0 || d.Hints[0] != test.hint) {
			t.Errorf("%s: hints %q", test.name, d.Hints)
		}
		if n := srv.Count("/pool/"); n != test.count {
			t.Errorf("%s: %d requests", test.name, n)
		}
		var left []string
		_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				left = append(left, path)
			}
			return err
		})
		if len(left) > 0 {
			t.Errorf("%s: left %v", test.name, left)
		}
	}
}

func TestUnreachable(t *testing.T) {
	_, debs := mirror(t, hello())
	debs[0].URI = "http://127.0.0.1:1"
	_, err := open(t, t.TempDir()).Get(t.Context(), debs, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot download package hello 1.0-1 from http://127.0.0.1:1/") {
		t.Error(err)
	}
}

func TestFileAddress(t *testing.T) {
	a := debtest.New(t, "bookworm")
	a.AddPackage(hello())
	dir := t.TempDir()
	if err := a.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	_, debs := mirror(t, hello())
	debs[0].URI = "file://" + dir
	if _, err := open(t, t.TempDir()).Get(t.Context(), debs, nil); err != nil {
		t.Error(err)
	}
	debs[0].Filename += "x"
	if _, err := open(t, t.TempDir()).Get(t.Context(), debs, nil); err == nil || !strings.HasSuffix(err.Error(), "is not there any more") {
		t.Error(err)
	}
}

func TestDocRules(t *testing.T) {
	for path, want := range map[string]bool{
		"usr/share/doc/x/changelog.gz":     true,
		"usr/share/doc/x/copyright":        false,
		"usr/share/doc/x/sub/copyright":    false,
		"usr/share/doc/x":                  true, // a file in place of the folder
		"usr/share/man/man1/x.1.gz":        true,
		"usr/share/man/man1":               true, // a file, see below for the folder
		"usr/share/info/x.gz":              true,
		"usr/share/lintian/overrides/x":    true,
		"usr/share/locale/de/LC_MESSAGES/": true,
		"usr/share/locale/locale.alias":    false,
		"usr/share/doc-base/x":             true,
		"usr/share/docs/x":                 false,
		"usr/share/misc/x":                 false,
	} {
		if got := isDoc(deb.Entry{Path: strings.TrimSuffix(path, "/"), Type: deb.File}); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	for path, want := range map[string]bool{
		"usr/share/doc/x": false, "usr/share/doc/x/sub": true, "usr/share/doc/x/copyright": true, "usr/share/man/man1": false, "usr/share/man/de": true,
		"usr/share/man/de/man1": true, "usr/share/man": false, "usr/share/doc": false, "usr/share/locale/de": true,
	} {
		if got := isDoc(deb.Entry{Path: path, Type: deb.Dir}); got != want {
			t.Errorf("folder %s: %v", path, got)
		}
	}
	if isDoc(deb.Entry{Path: "usr/share/doc/x", Type: deb.Symlink}) {
		t.Error("a link to another package's documentation folder is dropped")
	}
}

func TestFiles(t *testing.T) {
	_, debs := mirror(t, hello())
	p := open(t, t.TempDir())
	pkgs, err := p.Get(t.Context(), debs, nil)
	if err != nil {
		t.Fatal(err)
	}
	list := func(docs bool) string {
		var out []string
		err := p.Files(pkgs[0], docs, func(e Entry, content io.Reader) error {
			data, err := io.ReadAll(content)
			out = append(out, fmt.Sprintf("%s:%d", e.Path, len(data)))
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return strings.Join(out, " ")
	}
	const main = "usr/bin/hello:6000 usr/bin/hi:0 usr/bin/hey:0 usr/share/ca-certificates/x/a.crt:4 usr/share/ca-certificates/x/a.txt:7 usr/lib/jvm/.java.jinfo:11 usr/share/doc/hello/copyright:15"
	if got := list(false); got != main {
		t.Error(got)
	}
	if got := list(true); got != main+" usr/share/man/man1/hello.1.gz:3" {
		t.Error(got)
	}
	stop := errors.New("stop")
	if err := p.Files(pkgs[0], false, func(Entry, io.Reader) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

func newStore(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return st
}
