package apt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/debian/debtest"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lock"
)

// now is a day after the Date that test archives have.
var now = time.Date(2025, 6, 2, 12, 0, 0, 0, time.UTC)

// mirror is an archive that is served, with a client that trusts it.
type mirror struct {
	*debtest.Archive
	*debtest.Server
	opt Options
}

func newMirror(t *testing.T) *mirror {
	t.Helper()
	a := debtest.New(t, "bookworm")
	a.AddPackage(debtest.Deb{Name: "hello", Version: "1.0-1", Files: []debtest.File{{Path: "/usr/bin/hello", Data: "x"}}})
	return &mirror{a, debtest.NewServer(t, a), Options{CacheDir: filepath.Join(t.TempDir(), "cache"), Keyring: a.KeyringPath(t),
		Now: func() time.Time { return now }, Timeout: 5 * time.Second, Backoff: time.Millisecond}}
}

var here = diag.Position{File: "plinth.yaml", Line: 3, Column: 5}

func (m *mirror) spec() SourceSpec { return SourceSpec{URI: m.URL + "/", Suite: "bookworm", Pos: here} }

func (m *mirror) fetch(t *testing.T) (*Index, error) {
	t.Helper()
	c, err := New(m.opt)
	if err != nil {
		return nil, err
	}
	return c.Fetch(t.Context(), "amd64", []SourceSpec{m.spec()})
}

// message prints an error with its hints, the mirror's address replaced.
func (m *mirror) message(err error) string {
	var b strings.Builder
	for _, e := range diag.Flatten(err) {
		fmt.Fprintln(&b, e)
		for _, h := range e.Hints {
			fmt.Fprintln(&b, "  "+h)
		}
	}
	return strings.ReplaceAll(b.String(), m.URL, "http://mirror")
}

func TestFetch(t *testing.T) {
	m := newMirror(t)
	for range 2 {
		x, err := m.fetch(t)
		if err != nil {
			t.Fatal(err)
		}
		files, err := m.Files()
		if err != nil {
			t.Fatal(err)
		}
		want := []lock.Source{{URI: m.URL, Suite: "bookworm", Component: "main", Date: "2025-06-01T12:00:00Z",
			Release: hexSum(files["dists/bookworm/InRelease"]), Packages: hexSum(files["dists/bookworm/main/binary-amd64/Packages.xz"]),
			Signers: []string{m.Keys[0].Fingerprint()}}}
		if got := x.Sources(); !reflect.DeepEqual(got, want) {
			t.Errorf("sources: %+v", got)
		}
		if x.Epoch() != 1748779200 || x.Arch() != "amd64" {
			t.Errorf("epoch %d, architecture %s", x.Epoch(), x.Arch())
		}
		got, err := x.Resolve(Request{Packages: []Named{{Name: "hello"}}})
		path, deb, debErr := m.Deb("hello")
		wantDebs := []lock.Deb{{Name: "hello", Version: "1.0-1", Arch: "amd64", Source: "hello", URI: m.URL, Filename: path, SHA256: hexSum(deb), Size: int64(len(deb)), InstalledSize: 1}}
		if err != nil || debErr != nil || !reflect.DeepEqual(got.Debs, wantDebs) {
			t.Errorf("resolved to %+v, %v", got, err)
		}
	}
	if m.Count("InRelease") != 2 || m.Count("/by-hash/SHA256/") != 1 || len(m.Requests()) != 3 {
		t.Errorf("requests: %q", m.Requests())
	}
}

func hexSum(data []byte) string {
	s := fileSum{size: int64(len(data)), sha256: strings.Repeat("0", 64)}
	_, after, _ := strings.Cut(s.check(data).Error(), "its SHA-256 is ")
	sum, _, _ := strings.Cut(after, " ")
	return sum
}

func TestFetchForms(t *testing.T) {
	for name, c := range map[string]struct {
		compressions []string
		noByHash     bool
		want         string // what the request for the index ends with
	}{
		"xz goes before gz":        {[]string{"gz", "xz"}, true, "/binary-amd64/Packages.xz"},
		"gz":                       {[]string{"gz"}, true, "/binary-amd64/Packages.gz"},
		"not compressed":           {[]string{""}, true, "/binary-amd64/Packages"},
		"gz by hash":               {[]string{"gz"}, false, ""},
		"not compressed, by hash":  {[]string{""}, false, ""},
		"xz by hash before others": {[]string{"", "gz", "xz"}, false, ""},
	} {
		m := newMirror(t)
		m.Compressions, m.NoByHash = c.compressions, c.noByHash
		x, err := m.fetch(t)
		if err != nil || len(x.versions("hello")) != 1 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		last := m.Requests()[len(m.Requests())-1]
		if c.noByHash && !strings.HasSuffix(last, c.want) || !c.noByHash && !strings.HasSuffix(last, "/by-hash/SHA256/"+x.Sources()[0].Packages) {
			t.Errorf("%s: asked for %s", name, last)
		}
	}
}

func TestFetchFallsBackToTheName(t *testing.T) {
	m := newMirror(t)
	m.Fault("by-hash", debtest.Fault{Status: 404})
	if _, err := m.fetch(t); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(m.Requests(), "/dists/bookworm/main/binary-amd64/Packages.xz") {
		t.Errorf("requests: %q", m.Requests())
	}
}

func TestCacheIsChecked(t *testing.T) {
	m := newMirror(t)
	if _, err := m.fetch(t); err != nil {
		t.Fatal(err)
	}
	entries, err := filepath.Glob(filepath.Join(m.opt.CacheDir, "*"))
	if err != nil || len(entries) != 1 {
		t.Fatalf("the cache holds %q, %v", entries, err)
	}
	good, err := os.ReadFile(entries[0])
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile("testdata/other.zst") // well-formed, another content
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{"cut": good[:len(good)/2], "empty": {}, "another index": other, "garbage": []byte("garbage")} {
		if err := os.WriteFile(entries[0], bad, 0o644); err != nil {
			t.Fatal(err)
		}
		before := m.Count("by-hash")
		if x, err := m.fetch(t); err != nil || len(x.versions("hello")) != 1 {
			t.Errorf("%s: %v", name, err)
		}
		if m.Count("by-hash") != before+1 {
			t.Errorf("%s: the index was not fetched again", name)
		}
		if now, err := os.ReadFile(entries[0]); err != nil || !bytes.Equal(now, good) {
			t.Errorf("%s: the cache was not mended: %v", name, err)
		}
	}
	m.opt.CacheDir = "/dev/null/cache"
	_, err = m.fetch(t)
	if got, want := m.message(err), "cannot keep a package index in /dev/null/cache: mkdir /dev/null: not a directory\n"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestFetchTriesAgain(t *testing.T) {
	for name, f := range map[string]debtest.Fault{
		"503": {Status: 503}, "500": {Status: 500}, "429": {Status: 429}, "408": {Status: 408}, "reset": {Reset: true},
		"truncated": {Truncate: 100}, "no content": {Truncate: -1},
	} {
		for _, file := range []string{"InRelease", "by-hash"} {
			m := newMirror(t)
			f.Times = 2
			m.Fault(file, f)
			if _, err := m.fetch(t); err != nil {
				t.Errorf("%s of %s: %v", name, file, err)
			}
		}
	}
}

const networkHints = `  is the network up? behind a proxy, set http_proxy and https_proxy
  another mirror is set with ` + "`debian: releases:`" + ` in plinth.yaml
`

func TestFetchGivesUp(t *testing.T) {
	const inRelease = "plinth.yaml:3:5: cannot fetch http://mirror/dists/bookworm/InRelease: "
	for name, c := range map[string]struct {
		fault    debtest.Fault
		requests int
		want     string
	}{
		"503":                {debtest.Fault{Status: 503}, 3, inRelease + "the mirror answers 503 Service Unavailable (tried 3 times)\n" + networkHints},
		"403":                {debtest.Fault{Status: 403}, 1, inRelease + "the mirror answers 403 Forbidden\n" + networkHints},
		"truncated":          {debtest.Fault{Truncate: 9}, 3, inRelease + "unexpected EOF (tried 3 times)\n" + networkHints},
		"hang":               {debtest.Fault{Hang: time.Hour}, 3, inRelease + "the mirror sent nothing for 100ms (tried 3 times)\n" + networkHints},
		"hang in the middle": {debtest.Fault{HangBody: time.Hour}, 3, inRelease + "the mirror sent nothing for 100ms (tried 3 times)\n" + networkHints},
		"404": {debtest.Fault{Status: 404}, 1, inRelease + "the mirror has no such file (404)\n" +
			"  the mirror has no such suite or is not a Debian mirror: see `debian: releases:` in plinth.yaml\n"},
		"endless": {debtest.Fault{Tamper: func(b []byte) []byte { return append(b, make([]byte, maxRelease)...) }}, 1,
			inRelease + "the mirror sends more than the 16777216 bytes that were expected\n" + networkHints},
	} {
		m := newMirror(t)
		if c.fault.Hang+c.fault.HangBody > 0 {
			m.opt.Timeout = 100 * time.Millisecond
		}
		m.Fault("InRelease", c.fault)
		_, err := m.fetch(t)
		if got := m.message(err); got != c.want {
			t.Errorf("%s: got\n%s", name, got)
		}
		if m.Count("InRelease") != c.requests {
			t.Errorf("%s: %d requests, want %d", name, m.Count("InRelease"), c.requests)
		}
	}
}

func TestFetchUnreachable(t *testing.T) {
	m := newMirror(t)
	c, err := New(m.opt)
	if err != nil {
		t.Fatal(err)
	}
	spec := m.spec()
	spec.URI = "http://127.0.0.1:1/debian"
	_, err = c.Fetch(t.Context(), "amd64", []SourceSpec{spec})
	want := "plinth.yaml:3:5: cannot fetch http://127.0.0.1:1/debian/dists/bookworm/InRelease: dial tcp 127.0.0.1:1: connect: connection refused (tried 3 times)\n" + networkHints
	if got := m.message(err); got != want {
		t.Errorf("got\n%s", got)
	}
	if _, err := c.Fetch(t.Context(), "amd64", nil); err == nil || err.Error() != "cannot read package indexes: no source is given" {
		t.Errorf("no source: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Fetch(ctx, "amd64", []SourceSpec{m.spec()}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestFetchIsCancelledWhileItWaits(t *testing.T) {
	m := newMirror(t)
	m.opt.Backoff = time.Hour
	m.Fault("InRelease", debtest.Fault{Status: 503})
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, context.Canceled)
	defer cancel()
	c, err := New(m.opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(ctx, "amd64", []SourceSpec{m.spec()}); !errors.Is(err, context.Canceled) || m.Count("InRelease") != 1 {
		t.Errorf("%v after %d requests", err, m.Count("InRelease"))
	}
}

func TestFetchSeveralSuites(t *testing.T) {
	main, security := debtest.New(t, "bookworm"), debtest.New(t, "bookworm-security")
	security.Keys = main.Keys
	security.Date = time.Date(2025, 6, 2, 1, 0, 0, 0, time.UTC)
	for _, v := range []string{"1", "2"} {
		main.AddPackage(debtest.Deb{Name: "a", Version: v})
	}
	security.AddPackage(debtest.Deb{Name: "a", Version: "1+deb12u1"})
	security.AddPackage(debtest.Deb{Name: "a", Version: "2"})
	s := debtest.NewServer(t, main, security)
	c, err := New(Options{CacheDir: t.TempDir(), Keyring: main.KeyringPath(t), Now: func() time.Time { return now }, Backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	specs := []SourceSpec{{URI: s.URL, Suite: "bookworm", Pos: here}, {URI: s.URL, Suite: "bookworm-security", Pos: diag.Position{File: "plinth.yaml", Line: 2}}}
	x, err := c.Fetch(t.Context(), "amd64", specs)
	if err != nil {
		t.Fatal(err)
	}
	var versions []string
	for _, v := range x.versions("a") {
		versions = append(versions, fmt.Sprint(v.version, " ", v.ref.file))
	}
	if want := []string{"2 0", "1+deb12u1 1", "1 0"}; !slices.Equal(versions, want) {
		t.Errorf("versions %q, want %q", versions, want)
	}
	if x.Epoch() != 1748826000 || len(x.Sources()) != 2 || x.Sources()[1].Suite != "bookworm-security" {
		t.Errorf("epoch %d, sources %+v", x.Epoch(), x.Sources())
	}
	if s.MaxOpen() > 4 {
		t.Errorf("%d requests at a time", s.MaxOpen())
	}
	s.Fault("InRelease", debtest.Fault{Status: 403})
	_, err = c.Fetch(t.Context(), "amd64", specs)
	if got := diag.Flatten(err); len(got) != 2 || got[0].Pos.Line != 2 || got[1].Pos.Line != 3 {
		t.Errorf("both suites fail, and the errors are: %v", err)
	}
}

func TestCacheIsPruned(t *testing.T) {
	m := newMirror(t)
	m.opt.Now = time.Now
	if err := os.MkdirAll(m.opt.CacheDir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{"old.zst": maxAge + time.Hour, "young.zst": maxAge - time.Hour, "old.txt": maxAge + time.Hour,
		tempPrefix + "old": clockSkew + time.Hour, tempPrefix + "young": time.Hour} {
		p := filepath.Join(m.opt.CacheDir, name)
		at := time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(p, nil, 0o644), os.Chtimes(p, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.fetch(t); err != nil {
		t.Fatal(err)
	}
	var got []string
	entries, err := os.ReadDir(m.opt.CacheDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if len(e.Name()) < 64 {
			got = append(got, e.Name())
		}
	}
	if want := []string{tempPrefix + "young", "old.txt", "young.zst"}; !slices.Equal(got, want) || len(entries) != 4 {
		t.Errorf("the cache holds %q, want %q and the index", got, want)
	}
}
