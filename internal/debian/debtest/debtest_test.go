package debtest

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"

	"github.com/plinth-build/plinth/internal/debian/xz"
)

func TestXZ(t *testing.T) {
	for _, n := range []int{0, 1, 4095, 4096, 4097, 1 << 17} {
		data := bytes.Repeat([]byte("plinth!"), n/7+1)[:n]
		out, err := xz.Decode(XZ(data, 4096), int64(n))
		if err != nil || !bytes.Equal(out, data) {
			t.Errorf("%d bytes in small blocks: %v", n, err)
		}
		out, err = xz.Decode(XZ(data, 1<<20), int64(n))
		if err != nil || !bytes.Equal(out, data) {
			t.Errorf("%d bytes in one block: %v", n, err)
		}
	}
}

func sample() Deb {
	return Deb{Name: "libhello1", Version: "2:1.0-1", Source: "hello (1.0)", Depends: "libc6", MultiArch: "same", Compression: "none",
		Files: []File{
			{Path: "/usr/bin/su", Mode: 0o755 | fs.ModeSetuid, Data: "x"},
			{Path: "/usr/bin/link", Link: "su"},
			{Path: "/usr/bin/hard", Hard: "/usr/bin/su"},
			{Path: "/etc/hello.conf", Data: "a=1\n", UID: 5, GID: 7},
			{Path: "/var/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		},
		Scripts: map[string]string{"postinst": "#!/bin/sh\n", "triggers": "interest x\n"}, Conffiles: []string{"/etc/hello.conf"}}
}

// members splits an ar archive.
func members(t *testing.T, deb []byte) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	rest := bytes.TrimPrefix(deb, []byte("!<arch>\n"))
	for len(rest) > 0 {
		var size int
		if _, err := fmt.Sscan(string(rest[48:58]), &size); err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSpace(string(rest[:16]))] = rest[60 : 60+size]
		rest = rest[60+size+size%2:]
	}
	return out
}

func list(t *testing.T, data []byte) []string {
	t.Helper()
	var out []string
	r := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %c %o %d:%d %d %s", h.Name, h.Typeflag, h.Mode, h.Uid, h.Gid, h.Size, h.Linkname))
	}
}

func TestDebMembers(t *testing.T) {
	deb, err := sample().Build()
	if err != nil {
		t.Fatal(err)
	}
	m := members(t, deb)
	if string(m["debian-binary"]) != "2.0\n" || len(m) != 3 {
		t.Fatalf("members: %q", m["debian-binary"])
	}
	want := []string{"./ 5 755 0:0 0 ", "./usr/ 5 755 0:0 0 ", "./usr/bin/ 5 755 0:0 0 ", "./usr/bin/su 0 4755 0:0 1 ",
		"./usr/bin/link 2 777 0:0 0 su", "./usr/bin/hard 1 644 0:0 0 ./usr/bin/su", "./etc/ 5 755 0:0 0 ",
		"./etc/hello.conf 0 644 5:7 4 ", "./var/ 5 755 0:0 0 ", "./var/tmp/ 5 1777 0:0 0 ", "./usr/share/ 5 755 0:0 0 ",
		"./usr/share/doc/ 5 755 0:0 0 ", "./usr/share/doc/libhello1/ 5 755 0:0 0 ", "./usr/share/doc/libhello1/copyright 0 644 0:0 19 "}
	if got := list(t, m["data.tar"]); !slices.Equal(got, want) {
		t.Errorf("data.tar:\n%s", strings.Join(got, "\n"))
	}
	want = []string{"./ 5 755 0:0 0 ", "./control 0 644 0:0 239 ", "./md5sums 0 644 0:0 94 ", "./conffiles 0 644 0:0 16 ",
		"./postinst 0 755 0:0 10 ", "./triggers 0 644 0:0 11 "}
	if got := list(t, m["control.tar"]); !slices.Equal(got, want) {
		t.Errorf("control.tar:\n%s", strings.Join(got, "\n"))
	}
}

func TestArchiveIsSigned(t *testing.T) {
	a := New(t, "bookworm")
	a.AddPackage(sample())
	a.AddStanza("Package: ghost\nVersion: 1")
	files, err := a.Files()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := os.ReadFile(a.KeyringPath(t))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := openpgp.ReadKeyRing(bytes.NewReader(ring))
	if err != nil {
		t.Fatal(err)
	}
	block, rest := clearsign.Decode(files["dists/bookworm/InRelease"])
	if block == nil || len(rest) > 0 {
		t.Fatal("InRelease is not a clear-signed file")
	}
	if _, err := openpgp.CheckDetachedSignature(keys, bytes.NewReader(block.Bytes), block.ArmoredSignature.Body, nil); err != nil {
		t.Error(err)
	}
	if !strings.Contains(string(block.Plaintext), "Date: Sun, 01 Jun 2025 12:00:00 UTC\nAcquire-By-Hash: yes\nArchitectures: all amd64\n") {
		t.Errorf("Release:\n%s", block.Plaintext)
	}
	packages, err := xz.Decode(files["dists/bookworm/main/binary-amd64/Packages.xz"], 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	path, deb, err := a.Deb("libhello1")
	if err != nil || path != "pool/main/h/hello/libhello1_1.0-1_amd64.deb" || len(deb) == 0 {
		t.Errorf("the .deb is at %q: %v", path, err)
	}
	if !strings.Contains(string(packages), "Filename: "+path+"\nSize: ") || !strings.HasSuffix(string(packages), "\n\nPackage: ghost\nVersion: 1\n\n") {
		t.Errorf("Packages:\n%s", packages)
	}
	if err := a.WriteDir(t.TempDir()); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	if err := a.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, path)); err != nil || !bytes.Equal(got, deb) {
		t.Errorf("on disk: %v", err)
	}
	a.RemovePackages("libhello1")
	if _, _, err := a.Deb("libhello1"); err == nil {
		t.Error("a removed package is still there")
	}
}

func get(ctx context.Context, t *testing.T, url string) (int, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true // on a kept connection Go itself would try again after a reset
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, data, err
}

func TestServerFaults(t *testing.T) {
	a := New(t, "trixie")
	s := NewServer(t, a)
	u := s.URL + "/dists/trixie/Release"
	ctx := t.Context()
	status, good, err := get(ctx, t, u)
	if status != 200 || err != nil || !bytes.HasPrefix(good, []byte("Origin: Debian\n")) {
		t.Fatalf("%d %v", status, err)
	}
	s.Fault("Release", Fault{Status: 503, Times: 2})
	for range 2 {
		if status, _, _ := get(ctx, t, u); status != 503 {
			t.Errorf("status %d", status)
		}
	}
	if status, _, _ := get(ctx, t, u); status != 200 {
		t.Errorf("after the fault: %d", status)
	}
	s.Fault("Release", Fault{Truncate: 10})
	if _, data, err := get(ctx, t, u); err == nil || !bytes.Equal(data, good[:10]) {
		t.Errorf("truncated: %d bytes, %v", len(data), err)
	}
	s.Fault("Release", Fault{Tamper: bytes.ToUpper})
	if _, data, err := get(ctx, t, u); err != nil || !bytes.Equal(data, bytes.ToUpper(good)) {
		t.Errorf("tampered: %v", err)
	}
	s.Fault("Release", Fault{Reset: true})
	if _, _, err := get(ctx, t, u); err == nil {
		t.Error("a reset connection gave an answer")
	}
	for _, f := range []Fault{{Hang: time.Hour}, {HangBody: time.Hour}} {
		s.Fault("Release", f)
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		if _, data, err := get(short, t, u); err == nil || (f.HangBody > 0) != (len(data) > 0) {
			t.Errorf("a hanging mirror gave %d bytes, %v", len(data), err)
		}
		cancel()
	}
	s.ClearFaults()
	if status, _, _ := get(ctx, t, s.URL+"/nothing"); status != 404 {
		t.Errorf("a missing file: %d", status)
	}
	if s.Count("Release") != 9 || s.Count("nothing") != 1 || len(s.Requests()) != 10 || s.MaxOpen() < 1 {
		t.Errorf("counted %d, %d, %d", s.Count("Release"), s.Count("nothing"), len(s.Requests()))
	}
}
