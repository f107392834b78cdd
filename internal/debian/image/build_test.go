package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pavlo-v-chernykh/keystore-go/v4"

	"github.com/plinth-build/plinth/internal/debian/debtest"
	"github.com/plinth-build/plinth/internal/debian/pool"
	"github.com/plinth-build/plinth/internal/debian/sandbox"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/store"
)

func TestMain(m *testing.M) {
	if sandbox.Main() {
		return
	}
	os.Exit(m.Run())
}

// epoch is later than debtest's files.
const epoch = 1750000000

// bench is a mirror with a pool and a store.
type bench struct {
	pool *pool.Pool
	st   *store.Store
	debs map[string]lock.Deb
}

func newBench(t *testing.T, packages ...debtest.Deb) *bench {
	t.Helper()
	a := debtest.New(t, "bookworm")
	for _, p := range packages {
		a.AddPackage(p)
	}
	srv := debtest.NewServer(t, a)
	b := &bench{debs: map[string]lock.Deb{}}
	for _, p := range packages {
		path, data, err := a.Deb(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		d := lock.Deb{Name: p.Name, Version: "1.0-1", Arch: "amd64", Source: p.SourceName(), URI: srv.URL, Filename: path, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}
		if p.Version != "" {
			d.Version = p.Version
		}
		b.debs[p.Name] = d
	}
	var err error
	if b.pool, err = pool.Open(t.TempDir(), pool.Options{}); err != nil {
		t.Fatal(err)
	}
	if b.st, err = store.Open(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) pick(names ...string) []lock.Deb {
	var out []lock.Deb
	for _, n := range names {
		out = append(out, b.debs[n])
	}
	return out
}

func (b *bench) build(t *testing.T, r Request) Result {
	t.Helper()
	r.Target, r.Arch, r.Epoch = "img", "amd64", epoch
	if r.Spec.Mode == "" {
		r.Spec.Mode = Distroless
	}
	res, err := Build(t.Context(), r, b.pool, b.st, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// twice is what TestConflicts lets two packages of one layer ship.
const twice = "usr/bin/x"

// object is one path of an image, as its layers leave it.
type object struct {
	line string
	data []byte
}

// tree applies the layers of an image. Each layer must be sorted so that
// every object follows its folder, and name nothing twice.
func (b *bench) tree(t *testing.T, res Result) map[string]object {
	t.Helper()
	m, err := b.st.ReadManifest(res.Manifest.Digest)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]object{}
	for _, l := range m.Layers {
		r, c, err := openLayer(b.st.BlobPath(l.Digest), l.MediaType)
		if err != nil {
			t.Fatal(err)
		}
		tr := tar.NewReader(r)
		seen := map[string]bool{".": true}
		for {
			h, err := tr.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimSuffix(h.Name, "/")
			if seen[name] && name != twice || !seen[filepath.Dir(name)] {
				t.Errorf("%s is there twice or before its folder", name)
			}
			seen[name] = true
			data, err := io.ReadAll(tr)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = object{fmt.Sprintf("%c %o %d:%d %s", h.Typeflag, h.Mode, h.Uid, h.Gid, h.Linkname), data}
		}
		c.Close()
	}
	return out
}

func (b *bench) config(t *testing.T, res Result) map[string]any {
	t.Helper()
	data, err := b.st.ReadConfig(res.Manifest.Digest)
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// certificate is PEM whose content only this package's code looks at.
func certificate(content string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(content)}))
}

func baseFiles() debtest.Deb {
	return debtest.Deb{Name: "base-files", Priority: "required", Essential: true, Files: []debtest.File{
		{Path: "/bin", Mode: fs.ModeDir | 0o755}, {Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "/var/mail", Mode: fs.ModeDir | fs.ModeSetgid | 0o775, GID: 8}, {Path: "/etc/os-release", Link: "../usr/lib/os-release"},
		{Path: "/usr/lib/os-release", Data: "ID=debian\n"},
	}}
}

func tool() debtest.Deb {
	return debtest.Deb{Name: "mawk", Files: []debtest.File{
		{Path: "/usr/bin/mawk", Mode: 0o755, Data: "awk"}, {Path: "/var/mail", Mode: fs.ModeDir | 0o700},
		{Path: "/usr/share/man/man1/mawk.1.gz", Data: "man"}, {Path: "/bin/more", Mode: 0o755, Data: "more"},
	}}
}

func TestDistroless(t *testing.T) {
	b := newBench(t, tool(), baseFiles())
	res := b.build(t, Request{Debs: b.pick("mawk", "base-files")})
	got := b.tree(t, res)
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(got)) {
		lines = append(lines, name+" "+got[name].line)
	}
	want := `bin 2 777 0:0 usr/bin
dev 5 755 0:0 
etc 5 755 0:0 
etc/alternatives 5 755 0:0 
etc/alternatives/awk 2 777 0:0 /usr/bin/mawk
etc/alternatives/nawk 2 777 0:0 /usr/bin/mawk
etc/alternatives/pager 2 777 0:0 /bin/more
etc/group 0 644 0:0 
etc/nsswitch.conf 0 644 0:0 
etc/os-release 2 777 0:0 ../usr/lib/os-release
etc/passwd 0 644 0:0 
home 5 755 0:0 
home/nonroot 5 700 65532:65532 
lib 2 777 0:0 usr/lib
lib64 2 777 0:0 usr/lib64
proc 5 755 0:0 
root 5 700 0:0 
run 5 755 0:0 
run/lock 5 1777 0:0 
sbin 2 777 0:0 usr/sbin
sys 5 755 0:0 
tmp 5 1777 0:0 
usr 5 755 0:0 
usr/bin 5 755 0:0 
usr/bin/awk 2 777 0:0 /etc/alternatives/awk
usr/bin/mawk 0 755 0:0 
usr/bin/more 0 755 0:0 
usr/bin/nawk 2 777 0:0 /etc/alternatives/nawk
usr/bin/pager 2 777 0:0 /etc/alternatives/pager
usr/lib 5 755 0:0 
usr/lib/os-release 0 644 0:0 
usr/lib64 5 755 0:0 
usr/sbin 5 755 0:0 
usr/share 5 755 0:0 
usr/share/doc 5 755 0:0 
usr/share/doc/base-files 5 755 0:0 
usr/share/doc/base-files/copyright 0 644 0:0 
usr/share/doc/mawk 5 755 0:0 
usr/share/doc/mawk/copyright 0 644 0:0 
usr/share/man 5 755 0:0 
usr/share/man/man1 5 755 0:0 
var 5 755 0:0 
var/lib 5 755 0:0 
var/lib/dpkg 5 755 0:0 
var/lib/dpkg/status.d 5 755 0:0 
var/lib/dpkg/status.d/base-files 0 644 0:0 
var/lib/dpkg/status.d/base-files.md5sums 0 644 0:0 
var/lib/dpkg/status.d/mawk 0 644 0:0 
var/lib/dpkg/status.d/mawk.md5sums 0 644 0:0 
var/lock 2 777 0:0 /run/lock
var/mail 5 2775 0:8 
var/run 2 777 0:0 /run
var/tmp 5 1777 0:0 `
	if s := strings.Join(lines, "\n"); s != want {
		t.Errorf("tree is\n%s", s)
	}
	if s := string(got["etc/passwd"].data); s != "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n" {
		t.Error(s)
	}
	if s := string(got["etc/group"].data); s != "root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\n" {
		t.Error(s)
	}
	if s := string(got["var/lib/dpkg/status.d/mawk"].data); !strings.HasPrefix(s, "Package: mawk\nStatus: install ok installed\n") || !strings.Contains(s, "\nVersion: 1.0-1\n") {
		t.Error(s)
	}
	c := b.config(t, res)
	if want := map[string]any{"Env": []any{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}}; !reflect.DeepEqual(c["config"], want) {
		t.Errorf("config is %v", c["config"])
	}
	if c["created"] != "2025-06-15T15:06:40Z" || c["architecture"] != "amd64" || c["os"] != "linux" || c["variant"] != nil {
		t.Errorf("config is %v", c)
	}
	history := []any{
		map[string]any{"created": "2025-06-15T15:06:40Z", "created_by": "plinth packages: small packages"},
		map[string]any{"created": "2025-06-15T15:06:40Z", "created_by": "plinth: accounts, certificates, package records and own files"},
	}
	if !reflect.DeepEqual(c["history"], history) {
		t.Errorf("history is %v", c["history"])
	}
	m, err := b.st.ReadManifest(res.Manifest.Digest)
	if err != nil || len(m.Layers) != 2 || res.Size != m.Layers[0].Size+m.Layers[1].Size || res.Manifest.Platform.Architecture != "amd64" {
		t.Errorf("manifest is %v, %v, result %v", m, err, res)
	}
}

func TestRepeats(t *testing.T) {
	debs := []debtest.Deb{tool(), baseFiles(), {Name: "ca-certificates", Files: []debtest.File{{Path: "/usr/share/ca-certificates/a.crt", Data: certificate("a")}}}}
	b := newBench(t, debs...)
	r := Request{Debs: b.pick("mawk", "base-files", "ca-certificates"), Spec: Spec{Labels: map[string]string{"a": "1", "b": "2", "c": "3"}, ExposedPorts: []string{"80", "81/udp"}}}
	want := b.build(t, r)
	for range 5 {
		slices.Reverse(r.Debs)
		r.Jobs++
		other := newBench(t, debs...)
		mask := syscall.Umask(0o077)
		got := other.build(t, r)
		syscall.Umask(mask)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v instead of %v", got, want)
		}
		if got := b.build(t, r); !reflect.DeepEqual(got, want) {
			t.Errorf("%v instead of %v", got, want)
		}
	}
}

func TestSpec(t *testing.T) {
	b := newBench(t, baseFiles())
	host := filepath.Join(t.TempDir(), "host")
	if err := os.WriteFile(host, []byte("from the host"), 0o600); err != nil {
		t.Fatal(err)
	}
	res := b.build(t, Request{Debs: b.pick("base-files"), Spec: Spec{
		Files: []File{
			{Path: "/bin/run", HostPath: host, Mode: 0o4755, UID: 1, GID: 2},
			{Path: "/etc/nsswitch.conf", Data: []byte("mine\n")},
			{Path: "/home/app/deep/file", Data: []byte("x")},
		},
		Groups: []Group{{Name: "web", GID: 80}},
		Users:  []User{{Name: "app", UID: 1000, GID: 80}, {Name: "bot", UID: 1001, GID: 1001, Home: "/nonexistent", Shell: "/bin/sh"}},
		Env:    []string{"A=1", "PATH=/bin"}, Entrypoint: []string{"/bin/run"}, Cmd: []string{"x"}, User: "app", WorkingDir: "/home/app",
		ExposedPorts: []string{"80", "53/udp"}, StopSignal: "SIGINT", Labels: map[string]string{"k": "v"},
	}})
	got := b.tree(t, res)
	for name, want := range map[string]string{
		"usr/bin/run": "0 4755 1:2  from the host", "etc/nsswitch.conf": "0 644 0:0  mine\n", "home/app": "5 700 1000:80  ", "home/app/deep": "5 755 0:0  ",
		"home/app/deep/file": "0 644 0:0  x", "home/nonroot": "5 700 65532:65532  ",
	} {
		if s := got[name].line + " " + string(got[name].data); s != want {
			t.Errorf("%s is %q", name, s)
		}
	}
	if _, ok := got["nonexistent"]; ok {
		t.Error("a home was made that does not exist")
	}
	if s := string(got["etc/passwd"].data); !strings.HasSuffix(s, "/sbin/nologin\napp:x:1000:80::/home/app:/sbin/nologin\nbot:x:1001:1001::/nonexistent:/bin/sh\n") {
		t.Error(s)
	}
	if s := string(got["etc/group"].data); !strings.HasSuffix(s, "nonroot:x:65532:\nweb:x:80:\nbot:x:1001:\n") {
		t.Error(s)
	}
	run, _ := json.Marshal(b.config(t, res)["config"])
	const want = `{"Cmd":["x"],"Entrypoint":["/bin/run"],"Env":["PATH=/bin","A=1"],"ExposedPorts":{"53/udp":{},"80/tcp":{}},"Labels":{"k":"v"},"StopSignal":"SIGINT","User":"app","WorkingDir":"/home/app"}`
	if string(run) != want {
		t.Errorf("config is %s", run)
	}
}

func TestDocs(t *testing.T) {
	b := newBench(t, baseFiles(), tool())
	if got := b.tree(t, b.build(t, Request{Debs: b.pick("base-files", "mawk"), Spec: Spec{Docs: true}})); string(got["usr/share/man/man1/mawk.1.gz"].data) != "man" {
		t.Error("the man page is missing")
	}
}

func java() []debtest.Deb {
	return []debtest.Deb{
		{Name: "ca-certificates", Files: []debtest.File{
			{Path: "/usr/share/ca-certificates/mozilla/B_root.crt", Data: certificate("b")},
			{Path: "/usr/share/ca-certificates/mozilla/A root.crt", Data: strings.TrimSuffix(certificate("a"), "\n")},
		}},
		{Name: "jre", Files: []debtest.File{
			{Path: "/usr/lib/jvm/java-17/bin/java", Mode: 0o755, Data: "jvm"},
			{Path: "/usr/lib/jvm/java-17/lib/security/cacerts", Link: "/etc/ssl/certs/java/cacerts"},
			{Path: "/usr/lib/jvm/.java-17.jinfo", Data: "name=x\npriority=1711\n\nhl java /usr/lib/jvm/java-17/bin/java\njdkhl javac /usr/lib/jvm/java-17/bin/javac\nplugin x y\n"},
		}},
	}
}

// aliases reads a trust store: alias to content and time.
func aliases(t *testing.T, data []byte) map[string]string {
	t.Helper()
	ks := keystore.New()
	if err := ks.Load(bytes.NewReader(data), []byte("changeit")); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, a := range ks.Aliases() {
		e, err := ks.GetTrustedCertificateEntry(a)
		if err != nil {
			t.Fatal(err)
		}
		out[a] = fmt.Sprintf("%s@%d", e.Certificate.Content, e.CreationTime.Unix())
	}
	return out
}

func TestCertificates(t *testing.T) {
	b := newBench(t, append(java(), baseFiles())...)
	local := []File{{Path: "/usr/local/share/ca-certificates/corp.crt", Data: []byte(certificate("one") + certificate("two"))}}
	res := b.build(t, Request{Debs: b.pick("base-files", "ca-certificates", "jre"), Spec: Spec{Files: local}})
	got := b.tree(t, res)
	if s, want := string(got["etc/ssl/certs/ca-certificates.crt"].data), certificate("a")+certificate("b")+certificate("one")+certificate("two"); s != want {
		t.Errorf("bundle is\n%s", s)
	}
	want := map[string]string{"debian:b_root.pem": "b@1750000000", "debian:a_root.pem": "a@1750000000", "debian:corp.pem": "one@1750000000", "debian:corp_2.pem": "two@1750000000"}
	if s := aliases(t, got["etc/ssl/certs/java/cacerts"].data); !reflect.DeepEqual(s, want) {
		t.Errorf("trust store has %v", s)
	}
	if got["usr/bin/java"].line != "2 777 0:0 /etc/alternatives/java" || got["etc/alternatives/java"].line != "2 777 0:0 /usr/lib/jvm/java-17/bin/java" {
		t.Errorf("java is %q", got["usr/bin/java"].line)
	}
	if _, ok := got["usr/bin/javac"]; ok {
		t.Error("a link leads nowhere")
	}
	env := b.config(t, res)["config"].(map[string]any)["Env"]
	if want := []any{defaultPath, "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "JAVA_HOME=/usr/lib/jvm/java-17"}; !reflect.DeepEqual(env, want) {
		t.Errorf("environment is %v", env)
	}
	bad := Request{Target: "img", Arch: "amd64", Epoch: epoch, Debs: b.pick("base-files", "jre"), Spec: Spec{Mode: Distroless, Files: []File{{Path: "/usr/local/share/ca-certificates/x.crt", Data: []byte("hello")}}}}
	if _, err := Build(t.Context(), bad, b.pool, b.st, nil); err == nil || err.Error() != "cannot build img: /usr/local/share/ca-certificates/x.crt holds no certificate in PEM form" {
		t.Error(err)
	}
}

func TestParent(t *testing.T) {
	b := newBench(t, append(java(), baseFiles(), tool())...)
	parent := b.build(t, Request{Debs: b.pick("base-files", "ca-certificates"), Spec: Spec{
		Users: []User{{Name: "app", UID: 1000, GID: 1000}}, User: "app", Entrypoint: []string{"/a"}, Cmd: []string{"b"}, Env: []string{"X=1"}, Labels: map[string]string{"l": "1"},
		Files: []File{{Path: "/usr/local/share/ca-certificates/corp.crt", Data: []byte(certificate("corp"))}},
	}})
	below := &Parent{Manifest: parent.Manifest.Digest, Debs: b.pick("ca-certificates", "base-files")}
	res := b.build(t, Request{Debs: b.pick("jre", "mawk"), Parent: below, Spec: Spec{
		Users: []User{{Name: "two", UID: 1002, GID: 1002}}, Files: []File{{Path: "/home/app/f", Data: []byte("f")}, {Path: "/var/mail/x", Data: nil}}, Entrypoint: []string{"/c"}, Env: []string{"X=2"},
	}})
	pm, err1 := b.st.ReadManifest(parent.Manifest.Digest)
	m, err2 := b.st.ReadManifest(res.Manifest.Digest)
	if err := errors.Join(err1, err2); err != nil || len(m.Layers) != len(pm.Layers)+2 || !reflect.DeepEqual(m.Layers[:len(pm.Layers)], pm.Layers) {
		t.Errorf("layers %v over %v, %v", m.Layers, pm.Layers, err)
	}
	got := b.tree(t, res)
	for name, want := range map[string]string{"home/app": "5 700 1000:1000 ", "home/two": "5 700 1002:1002 ", "var/mail": "5 2775 0:8 ", "tmp": "5 1777 0:0 ", "home/app/f": "0 644 0:0 "} {
		if got[name].line != want {
			t.Errorf("%s is %q", name, got[name].line)
		}
	}
	if s := string(got["etc/passwd"].data); !strings.HasSuffix(s, "app:x:1000:1000::/home/app:/sbin/nologin\ntwo:x:1002:1002::/home/two:/sbin/nologin\n") {
		t.Error(s)
	}
	if s := aliases(t, got["etc/ssl/certs/java/cacerts"].data); len(s) != 3 || s["debian:corp.pem"] != "corp@1750000000" {
		t.Errorf("trust store has %v", s)
	}
	if s := string(got["etc/ssl/certs/ca-certificates.crt"].data); s != certificate("a")+certificate("b")+certificate("corp") {
		t.Errorf("bundle is\n%s", s)
	}
	c := b.config(t, res)
	run, _ := json.Marshal(c["config"])
	const want = `{"Entrypoint":["/c"],"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt","X=2","JAVA_HOME=/usr/lib/jvm/java-17"],"Labels":{"l":"1"},"User":"app"}`
	if string(run) != want {
		t.Errorf("config is %s", run)
	}
	if n := len(c["history"].([]any)); n != len(m.Layers) {
		t.Errorf("%d history entries for %d layers", n, len(m.Layers))
	}
	full := Request{Target: "img", Arch: "amd64", Epoch: epoch, Parent: below, Spec: Spec{Mode: Full}}
	if _, err := Build(t.Context(), full, b.pool, b.st, nil); err == nil || err.Error() != "cannot build img: its mode is full and its parent's is distroless" {
		t.Error(err)
	}
	// a child that adds nothing but settings has its parent's layers alone
	same := b.build(t, Request{Parent: below, Spec: Spec{User: "root"}})
	if m, err := b.st.ReadManifest(same.Manifest.Digest); err != nil || len(m.Layers) != len(pm.Layers) {
		t.Errorf("%d layers over %d, %v", len(m.Layers), len(pm.Layers), err)
	}
}
