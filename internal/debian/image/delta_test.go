package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pavlo-v-chernykh/keystore-go/v4"

	"github.com/plinth-build/plinth/internal/debian/deb"
	"github.com/plinth-build/plinth/internal/debian/debtest"
)

// newRoot makes a root with the given files of the layers; a name that ends in
// a slash is a folder, a content that begins with -> a link.
func newRoot(t *testing.T, layers map[string]string) *rootfs {
	t.Helper()
	r, err := newRootfs(t.TempDir(), &builder{Request: Request{Epoch: epoch}, tree: &tree{dirs: map[string]dirMeta{}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	uid, gid := os.Getuid(), os.Getgid()
	for _, name := range slices.Sorted(maps.Keys(layers)) {
		k := &known{typ: deb.File, mode: 0o644, uid: uid, gid: gid, size: int64(len(layers[name])), sum: sha256.Sum256([]byte(layers[name]))}
		target, isLink := strings.CutPrefix(layers[name], "->")
		dir, isDir := strings.CutSuffix(name, "/")
		switch {
		case isDir:
			name = dir
			k.typ, k.mode, k.size = deb.Dir, 0o755, 0
			err = r.mkdir(dir, dirMeta{0o755, uid, gid})
		case isLink:
			k.typ, k.mode, k.link = deb.Symlink, 0o777, target
			err = r.place(name, func(at string) error { return r.root.Symlink(target, at) })
		default:
			err = r.write(name, 0o644, uid, gid, 1000, strings.NewReader(layers[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
		r.remember(name, k)
	}
	if err := r.stampAll(); err != nil {
		t.Fatal(err)
	}
	return r
}

// delta is the delta layer of r, a line an entry.
func delta(t *testing.T, r *rootfs) string {
	t.Helper()
	changes, err := r.scan()
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	if err := r.writeChanges(tw, changes, map[string]keptDir{}); err != nil {
		t.Fatal(err)
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	var out []string
	tr := tar.NewReader(&buf)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return strings.Join(out, "\n")
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.ModTime.Unix() != epoch {
			t.Errorf("%s has time %v", h.Name, h.ModTime)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %o %s%s", h.Name, h.Mode, h.Linkname, data)))
	}
}

// script does what a maintainer script does: it writes past the rootfs.
func script(t *testing.T, r *rootfs, files map[string]string) {
	t.Helper()
	for name, data := range files {
		if err := os.MkdirAll(filepath.Dir(r.hostPath(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(r.hostPath(name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func mkfifo(name string) error { return syscall.Mkfifo(name, 0o644) }

func check(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestDelta(t *testing.T) {
	base := map[string]string{"etc/": "", "etc/a": "1", "etc/b": "2", "etc/l": "->a", "opt/": "", "opt/d/": "", "opt/d/e": "x", "opt/d/f/": "", "opt/d/f/g": "y"}
	for name, test := range map[string]struct {
		do   func(r *rootfs)
		want string
	}{
		"nothing": {func(*rootfs) {}, ""},
		"content": {func(r *rootfs) { script(t, r, map[string]string{"etc/a": "3"}) }, "etc/ 755\netc/a 644 3"},
		"same content again": {func(r *rootfs) {
			check(t, os.Remove(r.hostPath("etc/a")))
			script(t, r, map[string]string{"etc/a": "1"})
		}, ""},
		"touched":     {func(r *rootfs) { check(t, os.Chtimes(r.hostPath("etc/a"), time.Unix(5, 0), time.Unix(5, 0))) }, ""},
		"mode":        {func(r *rootfs) { check(t, os.Chmod(r.hostPath("etc/a"), 0o600)) }, "etc/ 755\netc/a 600 1"},
		"folder mode": {func(r *rootfs) { check(t, os.Chmod(r.hostPath("opt/d"), 0o700)) }, "opt/ 755\nopt/d/ 700"},
		"added":       {func(r *rootfs) { script(t, r, map[string]string{"new/x": "n"}) }, "new/ 755\nnew/x 644 n"},
		"removed":     {func(r *rootfs) { check(t, os.Remove(r.hostPath("etc/b"))) }, "etc/ 755\netc/.wh.b 644"},
		"folder removed": {func(r *rootfs) { check(t, os.RemoveAll(r.hostPath("opt/d"))) },
			"opt/ 755\nopt/.wh.d 644"},
		"folder becomes file": {func(r *rootfs) {
			check(t, os.RemoveAll(r.hostPath("opt/d")))
			script(t, r, map[string]string{"opt/d": "file"})
		}, "opt/ 755\nopt/d 644 file"},
		"folder becomes link": {func(r *rootfs) {
			check(t, os.RemoveAll(r.hostPath("opt/d")), os.Symlink("/etc", r.hostPath("opt/d")))
		}, "opt/ 755\nopt/d 777 /etc"},
		"file becomes folder": {func(r *rootfs) {
			check(t, os.Remove(r.hostPath("etc/a")))
			script(t, r, map[string]string{"etc/a/in": "i"})
		}, "etc/ 755\netc/a/ 755\netc/a/in 644 i"},
		"link moved": {func(r *rootfs) {
			check(t, os.Remove(r.hostPath("etc/l")), os.Symlink("b", r.hostPath("etc/l")))
		}, "etc/ 755\netc/l 777 b"},
		"link made anew": {func(r *rootfs) {
			check(t, os.Remove(r.hostPath("etc/l")), os.Symlink("a", r.hostPath("etc/l")))
		}, ""},
		"two names": {func(r *rootfs) {
			script(t, r, map[string]string{"etc/h1": "h"})
			check(t, os.Link(r.hostPath("etc/h1"), r.hostPath("etc/h2")))
		}, "etc/ 755\netc/h1 644 h\netc/h2 644 etc/h1"},
		"sorted by parts": {func(r *rootfs) { script(t, r, map[string]string{"etc/a-b": "1", "n/z": "2", "n-a": "3"}) },
			"etc/ 755\netc/a-b 644 1\nn/ 755\nn/z 644 2\nn-a 644 3"},
		"dropped": {func(r *rootfs) {
			script(t, r, map[string]string{"run/x": "1", "var/log/dpkg.log": "1", "etc/passwd-": "1", "var/lib/postgresql/15/main/PG_VERSION": "15",
				"etc/ssl/certs/ssl-cert-snakeoil.pem": "1", "var/cache/ldconfig/aux-cache": "1"})
			check(t, os.Symlink("ssl-cert-snakeoil.pem", r.hostPath("etc/ssl/certs/0d188d89.0")))
		}, "etc/ 755\netc/ssl/ 755\netc/ssl/certs/ 755\nrun/ 755\nvar/ 755\nvar/cache/ 755\nvar/cache/ldconfig/ 755\nvar/lib/ 755\nvar/lib/postgresql/ 755\nvar/lib/postgresql/15/ 755\nvar/log/ 755"},
		"emptied": {func(r *rootfs) { script(t, r, map[string]string{"etc/machine-id": "0123456789abcdef\n"}) }, "etc/ 755\netc/machine-id 644"},
		"pipe":    {func(r *rootfs) { check(t, mkfifo(r.hostPath("etc/pipe"))) }, ""},
	} {
		r := newRoot(t, base)
		test.do(r)
		if got := delta(t, r); got != test.want {
			t.Errorf("%s: delta is\n%s", name, got)
		}
	}
}

// A rule is for what scripts make: what a package ships stays as it is.
func TestRulesSpareShippedFiles(t *testing.T) {
	r := newRoot(t, map[string]string{"var/": "", "var/log/": "", "var/log/x.log": "shipped", "run/": "", "run/lock/": ""})
	script(t, r, map[string]string{"var/log/y.log": "made"})
	if got := delta(t, r); got != "" {
		t.Errorf("delta is\n%s", got)
	}
}

func TestRules(t *testing.T) {
	for name, want := range map[string]string{
		"var/cache/ldconfig/aux-cache": "drop", "var/log/dpkg.log": "drop", "var/log/alternatives.log": "drop", "var/log/apt/term.log": "drop",
		"var/log/btmp": "rewrite", "var/cache/debconf/config.dat-old": "drop", "var/cache/debconf/config.dat": "keep", "var/lib/dpkg/status-old": "drop",
		"var/lib/dpkg/status": "keep", "etc/shadow": "rewrite", "etc/shadow-": "drop", "etc/ssh/ssh_host_rsa_key": "drop", "etc/ssh/sshd_config": "keep",
		"etc/ssl/private/ssl-cert-snakeoil.key": "drop", "etc/ssl/certs/java/cacerts": "rewrite", "etc/machine-id": "rewrite", "tmp/x": "drop", "tmp": "keep",
		"usr/lib/python3/dist-packages/__pycache__/x.cpython-311.pyc": "keep", "etc/postgresql/15/main": "drop", "etc/postgresql/15/other": "keep",
		"var/lib/dpkg/lock-frontend": "drop", "var/lib/ucf/hashfile.0": "drop", "var/lib/ucf/hashfile": "keep", "etc/ld.so.cache": "keep",
	} {
		got := "keep"
		if r := ruleFor(name, false); r != nil {
			if got = "rewrite"; r.do == nil {
				got = "drop"
			}
		}
		if got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, r := range rules {
		if r.why == "" || strings.HasPrefix(r.glob, "/") {
			t.Errorf("rule %q lacks a reason or has a leading slash", r.glob)
		}
	}
}

func TestLastChange(t *testing.T) {
	in := "root:*:20000:0:99999:7:::\nlocked:!::0:99999:7:::\nodd\n"
	want := fmt.Sprintf("root:*:%d:0:99999:7:::\nlocked:!::0:99999:7:::\nodd\n", epoch/86400)
	if got, err := lastChange([]byte(in), epoch); err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRedateStore(t *testing.T) {
	make := func(when int64, names ...string) []byte {
		ks := keystore.New() // in any order
		for _, n := range names {
			e := keystore.TrustedCertificateEntry{CreationTime: time.Unix(when, 0), Certificate: keystore.Certificate{Type: "X.509", Content: []byte(n)}}
			if err := ks.SetTrustedCertificateEntry(n, e); err != nil {
				t.Fatal(err)
			}
		}
		var b bytes.Buffer
		if err := ks.Store(&b, []byte(javaPassword)); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	one, err1 := redateStore(make(5, "a", "b", "c", "d"), epoch)
	two, err2 := redateStore(make(6, "d", "c", "b", "a"), epoch)
	check(t, err1, err2)
	if !bytes.Equal(one, two) {
		t.Error("the same roots give other bytes")
	}
	if got := aliases(t, one); len(got) != 4 || got["a"] != fmt.Sprintf("a@%d", int64(epoch)) {
		t.Errorf("store has %v", got)
	}
	if got, err := redateStore([]byte("PKCS12"), epoch); err != nil || string(got) != "PKCS12" {
		t.Errorf("%q, %v", got, err)
	}
}

// Nothing that a package or a script does makes unpacking write outside the root.
func TestRootIsNotLeft(t *testing.T) {
	r := newRoot(t, map[string]string{"etc/": ""})
	outside := filepath.Join(t.TempDir(), "outside")
	check(t, os.Mkdir(outside, 0o755), os.Symlink(outside, r.hostPath("abs")), os.Symlink("../../../../../../../../.."+outside, r.hostPath("rel")),
		os.Symlink("loop", r.hostPath("loop")))
	for _, name := range []string{"abs/f", "rel/f"} {
		_ = r.put(name, 0o644, []byte("x"))
		if entries, err := os.ReadDir(outside); err != nil || len(entries) != 0 {
			t.Fatalf("%s wrote outside: %v, %v", name, entries, err)
		}
	}
	if err := r.put("loop/f", 0o644, nil); err == nil || err.Error() != "loop/f: too many links" {
		t.Error(err)
	}
	// a link to a folder is followed inside the root
	check(t, os.Symlink("/etc", r.hostPath("cfg")), r.put("cfg/f", 0o600, []byte("in")))
	if data, err := os.ReadFile(r.hostPath("etc/f")); err != nil || string(data) != "in" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestDatabase(t *testing.T) {
	b := newBench(t,
		debtest.Deb{Name: "libc-bin", Scripts: map[string]string{"triggers": "interest-noawait ldconfig\ninterest /usr/share/x # why\n", "postinst": "true\n"},
			Conffiles: []string{"/etc/c.conf"}, Files: []debtest.File{{Path: "/etc/c.conf", Data: "c"}}},
		debtest.Deb{Name: "libx", MultiArch: "same", Scripts: map[string]string{"triggers": "activate-noawait ldconfig\n"}, Files: []debtest.File{
			{Path: "/lib/libx.so", Data: "so"}, {Path: "/usr/share/x/data", Data: "d"}, {Path: "/usr/share/man/man1/x.1", Data: "m"}}},
		debtest.Deb{Name: "quiet", Files: []debtest.File{{Path: "/usr/share/xx", Data: "d"}}})
	pkgs, err := b.pool.Get(t.Context(), b.pick("libc-bin", "libx", "quiet"), nil)
	check(t, err)
	tr, err := merge("img", pkgs, false)
	check(t, err)
	r, err := newRootfs(t.TempDir(), &builder{Request: Request{Epoch: epoch}, pool: b.pool, tree: tr, packages: pkgs})
	check(t, err)
	defer r.close()
	if os.Getuid() != 0 {
		return // files of root are root's to make
	}
	check(t, r.unpack(pkgs[:1]), r.unpack(pkgs[1:2]))
	for name, want := range map[string]string{
		"info/format": "1\n", "info/libc-bin.postinst": "true\n", "info/libx:amd64.triggers": "activate-noawait ldconfig\n", "available": "",
		"info/libx:amd64.list": "/.\n/lib\n/lib/libx.so\n/usr\n/usr/share\n/usr/share/x\n/usr/share/x/data\n/usr/share/man\n/usr/share/man/man1\n/usr/share/man/man1/x.1\n/usr/share/doc\n/usr/share/doc/libx\n/usr/share/doc/libx/copyright\n",
		"triggers/File":        "/usr/share/x libc-bin\n", "triggers/ldconfig": "libc-bin/noawait\n", "triggers/Unincorp": "/usr/share/x -\nldconfig -\n",
	} {
		if data, err := os.ReadFile(r.hostPath(dpkgDir + name)); err != nil || string(data) != want {
			t.Errorf("%s is %q, %v", name, data, err)
		}
	}
	status, err := os.ReadFile(r.hostPath(statusFile))
	check(t, err)
	first, second, _ := strings.Cut(string(status), "\n\n")
	if !strings.HasPrefix(first, "Package: libc-bin\nStatus: install ok unpacked\n") || !strings.HasSuffix(first, "\nConffiles:\n /etc/c.conf 4a8a08f09d37b73795649038408b5f33") {
		t.Errorf("status is\n%s", first)
	}
	if !strings.HasPrefix(second, "Package: libx\nStatus: install ok unpacked\n") || !strings.HasSuffix(second, "\n\n") || strings.Contains(second, "Conffiles") {
		t.Errorf("status is\n%s", second)
	}
	// what was just unpacked is what the layers hold: only the database differs
	changes, err := r.scan()
	check(t, err)
	for _, c := range changes {
		if c.path != "var" && !strings.HasPrefix(c.path, "var/lib") {
			t.Errorf("%s differs", c.path)
		}
	}
}

func TestDiversions(t *testing.T) {
	r := newRoot(t, nil)
	check(t, r.put("var/lib/dpkg/diversions", 0o644, []byte("/bin/sh\n/bin/sh.distrib\ndash\n/usr/bin/x\n/usr/bin/x.real\n:\n")))
	got, err := r.diversions()
	want := map[string]diversion{"usr/bin/sh": {"usr/bin/sh.distrib", "dash"}, "usr/bin/x": {"usr/bin/x.real", ":"}}
	if err != nil || len(got) != 2 || got["usr/bin/sh"] != want["usr/bin/sh"] || got["usr/bin/x"] != want["usr/bin/x"] {
		t.Errorf("%v, %v", got, err)
	}
}

func TestSplitEssential(t *testing.T) {
	b := newBench(t,
		debtest.Deb{Name: "dash", Essential: true, PreDepends: "libc6 (>= 2)"}, debtest.Deb{Name: "libc6", Depends: "virtual-a | other"},
		debtest.Deb{Name: "prov", Provides: "virtual-a"}, debtest.Deb{Name: "apt", Depends: "libc6"}, debtest.Deb{Name: "tzdata", Priority: "required"})
	pkgs, err := b.pool.Get(t.Context(), b.pick("apt", "dash", "libc6", "prov", "tzdata"), nil)
	check(t, err)
	essential, rest := splitEssential(pkgs)
	var names []string
	for _, p := range essential {
		names = append(names, p.Name())
	}
	if strings.Join(names, " ") != "dash libc6 prov tzdata" || len(rest) != 1 || rest[0].Name() != "apt" {
		t.Errorf("%v and %d others", names, len(rest))
	}
}

func TestSourcesText(t *testing.T) {
	got := sourcesText([]AptSource{{URI: "http://a", Suites: []string{"x", "x-updates"}, Components: []string{"main"}, SignedBy: "/k.gpg"}, {URI: "http://b", Suites: []string{"y"}, Components: []string{"main", "extra"}}})
	const want = "Types: deb\nURIs: http://a\nSuites: x x-updates\nComponents: main\nSigned-By: /k.gpg\n\nTypes: deb\nURIs: http://b\nSuites: y\nComponents: main extra\n"
	if got != want {
		t.Errorf("sources are\n%s", got)
	}
}
