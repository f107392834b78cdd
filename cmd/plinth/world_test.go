package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/plinth-build/plinth/internal/debian/debtest"
)

// In the files of a script these words stand for the addresses of its own
// registry and Debian mirror, and outputs have them in place of the addresses.
const (
	registryWord = "@REGISTRY@"
	mirrorWord   = "@MIRROR@"
)

// world is what a script has around it.
type world struct {
	dir      string
	shell    []byte
	registry *service
	mirror   *service
	archive  *debtest.Archive
	handler  *debtest.Handler
	started  *process
	asked    map[string]int // requests for a path before it began to hang
	lowered  bool           // folders above dir may be entered by everybody
}

type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world {
	w, ok := ts.Value(worldKey{}).(*world)
	if !ok {
		ts.Fatalf("the script has no world")
	}
	return w
}

// setup makes the world of one script.
func setup(env *testscript.Env, t testing.TB, shell []byte) error {
	w, err := newWorld(t, env.WorkDir, shell)
	if err != nil {
		return err
	}
	env.Values[worldKey{}] = w
	env.Defer(w.close)
	env.Setenv("TZ", "UTC")
	env.Setenv("LANG", "C.UTF-8")
	return nil
}

// newWorld starts the services around the files in dir. These get the addresses
// in place of the words; archive.gpg beside a plinth.yaml is the mirror's key.
func newWorld(t testing.TB, dir string, shell []byte) (*world, error) {
	w := &world{dir: dir, shell: shell, asked: map[string]int{}, archive: debtest.New(t, "bookworm")}
	w.basePackages()
	w.handler = debtest.NewHandler(w.archive)
	var err error
	if w.registry, err = serve(registry.New(registry.Logger(log.New(io.Discard, "", 0)))); err != nil {
		return nil, err
	}
	if w.mirror, err = serve(w.handler); err != nil {
		return nil, err
	}
	return w, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// what outputs are compared with keeps the words
		if text := w.addresses(string(data)); text != string(data) && !strings.HasPrefix(d.Name(), "want") {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		return errors.Join(err, w.key(d.Name(), path))
	})
}

func (w *world) addresses(text string) string {
	return strings.NewReplacer(registryWord, w.registry.addr, mirrorWord, "http://"+w.mirror.addr).Replace(text)
}

// key puts the mirror's key beside plinth.yaml.
func (w *world) key(base, path string) error {
	if base != "plinth.yaml" {
		return nil
	}
	data, err := w.archive.Keys[0].Keyring()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(filepath.Dir(path), "archive.gpg"), data, 0o644)
}

func (w *world) close() {
	if w.started != nil {
		w.started.end()
	}
	for _, s := range []*service{w.registry, w.mirror} {
		s.stop()
		unix.Close(s.kept)
	}
}

// normal takes out of a program's output what differs from run to run.
func (w *world) normal(text string) string {
	text = strings.NewReplacer("http://"+w.mirror.addr, mirrorWord, w.mirror.addr, mirrorWord,
		w.registry.addr, registryWord, w.dir, "$WORK", w.archive.Keys[0].Fingerprint(), "FINGERPRINT").Replace(text)
	for _, v := range volatile {
		text = v.pattern.ReplaceAllString(text, v.word)
	}
	return text
}

// service is a web server that can go away and come back at the same address.
type service struct {
	addr    string
	handler http.Handler
	server  *httptest.Server
	// kept is a socket that is bound to the address and does not listen: while
	// the server is away connections are refused, and nobody else gets the port.
	kept int
}

func serve(h http.Handler) (*service, error) {
	s := &service{addr: "127.0.0.1:0", handler: h}
	if err := s.start(); err != nil {
		return nil, err
	}
	return s, s.keep()
}

func (s *service) start() error {
	if s.server != nil {
		return nil
	}
	shared := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) { err = share(int(fd)) }); cerr != nil {
			return cerr
		}
		return err
	}}
	l, err := shared.Listen(context.Background(), "tcp", s.addr)
	if err != nil {
		return err
	}
	s.addr = l.Addr().String()
	s.server = httptest.NewUnstartedServer(s.handler)
	s.server.Listener.Close()
	s.server.Listener = l
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.server.Start()
	return nil
}

func share(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }

func (s *service) keep() error {
	at, err := netip.ParseAddrPort(s.addr)
	if err != nil {
		return err
	}
	if s.kept, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	return errors.Join(share(s.kept), unix.Bind(s.kept, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}))
}

func (s *service) stop() {
	if s.server != nil {
		s.server.CloseClientConnections()
		s.server.Close()
		s.server = nil
	}
}

// basePackages fills the archive with a tiny Debian: the test shell as sh, a
// library, two tools.
func (w *world) basePackages() {
	for _, d := range []debtest.Deb{
		{Name: "base-files", Version: "12.4", Files: []debtest.File{
			{Path: "/etc/debian_version", Data: "12.4\n"},
			{Path: "/etc/os-release", Data: "ID=debian\nVERSION_ID=\"12\"\n"},
			{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		}},
		{Name: "sh", Version: "1.0-1", Depends: "base-files", Files: []debtest.File{{Path: "/bin/sh", Mode: 0o755, Data: string(w.shell)}}},
		{Name: "libgreet", Version: "2.0-1", Depends: "base-files", Files: []debtest.File{{Path: "/usr/lib/greet.txt", Data: "hello\n"}}},
		{Name: "greet", Version: "2.0-1", Depends: "libgreet (>= 2.0)", Files: []debtest.File{{Path: "/usr/bin/greet", Mode: 0o755, Data: "#!/bin/sh\necho hello\n"}}},
		{Name: "curl", Version: "7.88.1-10", Files: []debtest.File{{Path: "/usr/bin/curl", Mode: 0o755, Data: "curl\n"}}},
	} {
		w.archive.AddPackage(d)
	}
}

// cmdHelper: helper DIR…
func cmdHelper(ts *testscript.TestScript, _ bool, dirs []string) {
	for _, dir := range dirs {
		ts.Check(os.MkdirAll(ts.MkAbs(dir), 0o755))
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(dir), "sh"), worldOf(ts).shell, 0o755))
	}
}

// cmdPush: push NAME:TAG TEXT
func cmdPush(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	ref, err := name.ParseReference(w.registry.addr + "/" + args[0])
	ts.Check(err)
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return tarOf(map[string]file{"bin/sh": {w.shell, 0o755}, "version": {[]byte(args[1] + "\n"), 0o644}})
	})
	ts.Check(err)
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layer)
	ts.Check(err)
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{OS: "linux", Architecture: goarch(),
		Created: v1.Time{Time: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)},
		Config:  v1.Config{Env: []string{"PATH=/bin"}}, RootFS: v1.RootFS{Type: "layers", DiffIDs: diffIDs(ts, layer)}})
	ts.Check(err)
	ts.Check(remote.Write(ref, image))
}

func diffIDs(ts *testscript.TestScript, l v1.Layer) []v1.Hash {
	id, err := l.DiffID()
	ts.Check(err)
	return []v1.Hash{id}
}

type file struct {
	data []byte
	mode int64
}

func tarOf(files map[string]file) (io.ReadCloser, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range sortedNames(files) {
		f := files[name]
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: f.mode, Size: int64(len(f.data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(&b), w.Close()
}

// cmdRegistry: registry stop|start
func cmdRegistry(ts *testscript.TestScript, _ bool, args []string) {
	switch args[0] {
	case "stop":
		worldOf(ts).registry.stop()
	case "start":
		ts.Check(worldOf(ts).registry.start())
	default:
		ts.Fatalf("registry %s?", args[0])
	}
}

// cmdMirror changes the Debian mirror.
func cmdMirror(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	switch args[0] {
	case "stop":
		w.mirror.stop()
	case "start":
		ts.Check(w.mirror.start())
	case "good":
		w.handler.ClearFaults()
	case "tamper":
		w.handler.Fault(args[1], debtest.Fault{Tamper: func(data []byte) []byte {
			// in the middle: a signed text keeps its frame
			data[len(data)/2] ^= 1
			return data
		}})
	case "truncate":
		w.handler.Fault(args[1], debtest.Fault{Truncate: 10})
	case "status":
		var code int
		_, err := fmt.Sscan(args[2], &code)
		ts.Check(err)
		w.handler.Fault(args[1], debtest.Fault{Status: code})
	case "hang":
		w.asked[args[1]] = w.handler.Count(args[1])
		w.handler.Fault(args[1], debtest.Fault{Hang: time.Hour})
	case "asked":
		for deadline := time.Now().Add(patience); w.handler.Count(args[1]) == w.asked[args[1]]; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				ts.Fatalf("nobody asked for %s", args[1])
			}
		}
	case "add":
		d := debtest.Deb{Name: args[1], Version: args[2]}
		for _, f := range args[3:] {
			path, text, _ := strings.Cut(f, "=")
			d.Files = append(d.Files, debtest.File{Path: path, Data: text + "\n"})
		}
		w.archive.AddPackage(d)
	case "remove":
		w.archive.RemovePackages(args[1])
	default:
		ts.Fatalf("mirror %s?", args[0])
	}
}

// cmdTmpfs: tmpfs DIR SIZE
func cmdTmpfs(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		ts.Check(os.MkdirAll(dir, 0o755))
		ts.Check(mount("-t", "tmpfs", "-o", "size="+args[1], "tmpfs", dir))
		ts.Defer(func() {
			if out, err := exec.Command("umount", "-R", "-l", dir).CombinedOutput(); err != nil {
				ts.Logf("umount: %v: %s", err, out)
			}
		})
		return
	}
	ts.Check(mount("-o", "remount,size="+args[1], dir))
}

func mount(args ...string) error {
	if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("mount %v: %w: %s", args, err, out)
	}
	return nil
}

// cmdFill: fill FILE BYTES
func cmdFill(ts *testscript.TestScript, _ bool, args []string) {
	var size int
	_, err := fmt.Sscan(args[1], &size)
	ts.Check(err)
	data := make([]byte, size)
	source := rand.NewChaCha8(sha256.Sum256([]byte(args[0])))
	_, err = source.Read(data)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// cmdAppend: append FILE TEXT
func cmdAppend(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(ts.ReadFile(args[0])+args[1]+"\n"), 0o644))
}

// cmdEdit: edit FILE OLD NEW
func cmdEdit(ts *testscript.TestScript, _ bool, args []string) {
	w, text := worldOf(ts), ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], w.addresses(args[2]))), 0o644))
}

// cmdForge: forge FILE OLD NEW
func cmdForge(ts *testscript.TestScript, _ bool, args []string) {
	if len(args[1]) != len(args[2]) {
		ts.Fatalf("%q and %q differ in length", args[1], args[2])
	}
	before, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	cmdEdit(ts, false, args)
	ts.Check(os.Chtimes(ts.MkAbs(args[0]), before.ModTime(), before.ModTime()))
}
