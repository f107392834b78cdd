package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/ociref"
	"github.com/plinth-build/plinth/internal/store"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// fake is an environment in which nothing is found.
func fake(t *testing.T) *run {
	t.Helper()
	t.Setenv("PATH", "")
	return &run{skews: map[string]time.Duration{}, Env: Env{
		Root: t.TempDir(), Getenv: func(string) string { return "" }, Now: func() time.Time { return now },
		Client: http.DefaultClient, Timeout: 30 * time.Second,
		Resolve: func(context.Context, ociref.Ref) error { return nil },
	}}
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put writes a file of the fake machine.
func (r *run) put(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(r.Root, name)
	try(t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)))
	return path
}

// program puts a shell script into PATH.
func (r *run) program(t *testing.T, name, script string) {
	t.Helper()
	t.Setenv("PATH", filepath.Dir(r.put(t, "bin/"+name, "#!/bin/sh\n"+script+"\n")))
}

// expect checks the only result of a check: its status, and parts of its detail
// and its hints.
func expect(t *testing.T, got []Result, status Status, detail, hint string) {
	t.Helper()
	if len(got) != 1 {
		t.Fatalf("got %d results: %+v", len(got), got)
	}
	g := got[0]
	if g.Status != status || !strings.Contains(g.Detail, detail) || !strings.Contains(strings.Join(g.Hints, "|"), hint) || hint == "" && len(g.Hints) > 0 {
		t.Errorf("got %+v\nwant %s %q %q", g, status, detail, hint)
	}
}

func TestUser(t *testing.T) {
	r := fake(t)
	expect(t, r.user(t.Context()), OK, "root", "")
	r.UID = 1000
	expect(t, r.user(t.Context()), Failed, "not root", "sudo")
	r.Catalog = &Catalog{Distroless: 1}
	expect(t, r.user(t.Context()), OK, "not root, which distroless package images do not need", "")
	for _, c := range []*Catalog{{Full: 1}, {Dockerfiles: 1}, {Err: errors.New("x")}} {
		r.Catalog = c
		expect(t, r.user(t.Context()), Failed, "not root: images", "sudo")
	}
}

func TestRunc(t *testing.T) {
	r := fake(t)
	expect(t, r.runc(t.Context()), Failed, "not in PATH", "apt-get install runc")
	r.Catalog = &Catalog{Full: 1}
	expect(t, r.runc(t.Context()), Warning, "not in PATH", "apt-get install runc")
	r.Catalog = nil
	r.put(t, "usr/sbin/runc", "")
	expect(t, r.runc(t.Context()), Failed, "not in PATH", "it is in /usr/sbin, which is not in PATH: export PATH=$PATH:/usr/sbin")
	r.program(t, "runc", "echo 'runc version 1.1.5'; echo 'libseccomp: 2.5.4'")
	expect(t, r.runc(t.Context()), OK, "1.1.5, "+r.Root+"/bin/runc", "")
	r.program(t, "runc", "echo 'crun version 1.8.1'")
	expect(t, r.runc(t.Context()), Failed, `is not runc: it says "crun version 1.8.1"`, "install runc")
	r.program(t, "runc", "echo 'runc version 1.1.5'; exit 3")
	expect(t, r.runc(t.Context()), Failed, "does not work: exit status 3", "reinstall")
	r.program(t, "runc", "while :; do :; done")
	began := time.Now()
	r.Timeout = 300 * time.Millisecond
	expect(t, r.runc(t.Context()), Failed, "does not work: signal: killed", "reinstall")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestNamespaces(t *testing.T) {
	r := fake(t)
	before, err := os.Readlink("/proc/self/ns/net")
	try(t, err)
	expect(t, r.namespaces(t.Context()), OK, "can be made", "")
	if after, err := os.Readlink("/proc/self/ns/net"); err != nil || after != before {
		t.Errorf("the process is in %s and was in %s, %v", after, before, err)
	}
	r.UID = 1000
	expect(t, r.namespaces(t.Context()), Warning, "the kernel has no user namespaces", "sudo")
	r.put(t, "proc/self/ns/user", "")
	r.put(t, "proc/sys/user/max_user_namespaces", "100\n")
	r.put(t, "proc/sys/kernel/apparmor_restrict_unprivileged_userns", "0\n")
	expect(t, r.namespaces(t.Context()), Skipped, "only root can tell", "")
	for name, off := range map[string]string{"proc/sys/user/max_user_namespaces": "0", "proc/sys/kernel/unprivileged_userns_clone": "0", "proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1"} {
		path := r.put(t, name, off+"\n")
		expect(t, r.namespaces(t.Context()), Warning, "/"+name+" is "+off, "sudo")
		try(t, os.Remove(path))
	}
}

func TestSeccomp(t *testing.T) {
	r := fake(t)
	expect(t, r.seccomp(t.Context()), Warning, "cannot find out", "mount /proc")
	r.put(t, "proc/self/status", "Name:\tx\nNoNewPrivs:\t0\n")
	expect(t, r.seccomp(t.Context()), Warning, "the kernel has no seccomp", "CONFIG_SECCOMP_FILTER")
	r.put(t, "proc/self/status", "Name:\tx\nSeccomp:\t0\n")
	expect(t, r.seccomp(t.Context()), Skipped, "runc does not say", "")
	r.program(t, "runc", "echo 'runc version 1.1.5'")
	expect(t, r.seccomp(t.Context()), Failed, "runc was built without it", "install runc")
	r.program(t, "runc", "echo 'runc version 1.1.5'; echo 'libseccomp: 2.5.4'")
	expect(t, r.seccomp(t.Context()), OK, "have it", "")
}

func TestCgroups(t *testing.T) {
	r := fake(t)
	expect(t, r.cgroups(t.Context()), Failed, "there are none at /sys/fs/cgroup", "mount them")
	r.put(t, "sys/fs/cgroup/cpu/cgroup.procs", "")
	expect(t, r.cgroups(t.Context()), Warning, "version 1, without the memory controller", "cgroup_enable=memory")
	r.put(t, "sys/fs/cgroup/memory/cgroup.procs", "")
	expect(t, r.cgroups(t.Context()), OK, "version 1, with", "")
	r.put(t, "sys/fs/cgroup/unified/cgroup.procs", "")
	expect(t, r.cgroups(t.Context()), OK, "version 1 and 2 (hybrid), with", "")
	r.put(t, "sys/fs/cgroup/cgroup.controllers", "cpuset cpu memory_x\n")
	expect(t, r.cgroups(t.Context()), Warning, "version 2, without", "cgroup_enable=memory")
	r.put(t, "sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n")
	expect(t, r.cgroups(t.Context()), OK, "version 2, with", "")
	dir := filepath.Join(r.Root, "sys/fs/cgroup")
	mount(t, "tmpfs", dir, "tmpfs", 0, "")
	r.put(t, "sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n")
	r.put(t, "sys/fs/cgroup/memory/cgroup.procs", "")
	try(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	expect(t, r.cgroups(t.Context()), Failed, "version 2, mounted read-only", "--privileged")
}

func mount(t *testing.T, source, dir, kind string, flags uintptr, options string) {
	t.Helper()
	try(t, unix.Mount(source, dir, kind, flags, options))
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

func TestCertificates(t *testing.T) {
	r := fake(t)
	expect(t, r.certificates(t.Context()), Warning, "no root certificates", "apt-get install ca-certificates")
	r.put(t, "etc/ssl/certs/ca-certificates.crt", "nothing\n")
	expect(t, r.certificates(t.Context()), Warning, "no root certificates", "apt-get install ca-certificates")
	pem := "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	r.put(t, "etc/ssl/certs/one.0", pem)
	r.put(t, "etc/ssl/certs/two.0", pem)
	expect(t, r.certificates(t.Context()), OK, "2 root certificates in /etc/ssl/certs", "")
	r.put(t, "etc/ssl/cert.pem", pem+strings.ReplaceAll(pem, "CERTIFICATE", "KEY")+pem+pem)
	expect(t, r.certificates(t.Context()), OK, "3 root certificates in /etc/ssl/cert.pem", "")
	other := r.put(t, "mine.pem", pem)
	r.Getenv = func(name string) string { return map[string]string{"SSL_CERT_FILE": other}[name] }
	expect(t, r.certificates(t.Context()), OK, "1 root certificates in /mine.pem", "")
	r.Getenv = func(name string) string {
		return map[string]string{"SSL_CERT_FILE": other + ".none", "SSL_CERT_DIR": r.Root + "/none"}[name]
	}
	expect(t, r.certificates(t.Context()), Warning, "no root certificates", "apt-get install ca-certificates")
}

func TestStateFolder(t *testing.T) {
	r := fake(t)
	expect(t, r.stateFolder(t.Context()), Skipped, "no catalog here, and no --state-dir", "")
	r.State = filepath.Join(t.TempDir(), "not", "yet")
	expect(t, r.stateFolder(t.Context()), OK, r.State+", on ", "")
	if left, err := os.ReadDir(filepath.Dir(filepath.Dir(r.State))); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	file := r.put(t, "file", "")
	r.State = file
	expect(t, r.stateFolder(t.Context()), Failed, file+" is not a folder", "--state-dir")
	dir := t.TempDir()
	mount(t, "tmpfs", dir, "tmpfs", 0, "size=64k")
	r.State = filepath.Join(dir, "state")
	expect(t, r.stateFolder(t.Context()), Warning, "is on tmpfs", "--state-dir")
	try(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	expect(t, r.stateFolder(t.Context()), Failed, dir+" is read-only", "--state-dir")
	try(t, unix.Mount("", dir, "", unix.MS_REMOUNT, "nr_inodes=1"))
	expect(t, r.stateFolder(t.Context()), Failed, dir+" is full", "plinth prune --all")
}

func TestOverlayfs(t *testing.T) {
	r := fake(t)
	expect(t, r.overlayfs(t.Context()), Warning, "does not list it", "modprobe overlay")
	r.put(t, "proc/filesystems", "nodev\tproc\nnodev\toverlay\n")
	expect(t, r.overlayfs(t.Context()), OK, "the kernel has it", "")
	// a name with everything that separates options
	dir := filepath.Join(t.TempDir(), `a,b:c\d`)
	try(t, os.Mkdir(dir, 0o755))
	r.State = filepath.Join(dir, "state")
	expect(t, r.overlayfs(t.Context()), OK, "it can be mounted over ", "")
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	r.UID = 1000
	expect(t, r.overlayfs(t.Context()), Skipped, "only root", "")
	r.UID = 0

	// an overlay on an overlay, as in a container
	base := t.TempDir()
	for _, d := range []string{"lower", "upper", "work", "merged"} {
		try(t, os.Mkdir(filepath.Join(base, d), 0o755))
	}
	mount(t, "overlay", filepath.Join(base, "merged"), "overlay", 0, fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", base))
	r.State = filepath.Join(base, "merged")
	expect(t, r.overlayfs(t.Context()), Warning, "cannot mount it over overlay", "on a volume")
	if left, err := os.ReadDir(r.State); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	r.State = t.TempDir()
	mount(t, "proc", r.State, "proc", 0, "")
	expect(t, r.overlayfs(t.Context()), Warning, "cannot mount it over file system 0x9fa0", "ext4 or xfs")
}

func TestDiskSpaceAndInodes(t *testing.T) {
	r := fake(t)
	expect(t, r.diskSpace(t.Context()), Skipped, "no catalog here", "")
	expect(t, r.inodes(t.Context()), Skipped, "no catalog here", "")
	for _, test := range []struct {
		options       string
		space, inodes Status
	}{
		{"size=95m,nr_inodes=999", Failed, Failed},
		{"size=90m,nr_inodes=1100", Failed, Warning},
		{"size=104857600,nr_inodes=100100", Warning, OK},
		{"size=4900m,nr_inodes=0", OK, OK},
		{"size=4700m,nr_inodes=99000", Warning, Warning},
	} {
		dir := t.TempDir()
		mount(t, "tmpfs", dir, "tmpfs", 0, test.options)
		r.State = filepath.Join(dir, "state")
		space, inodes := r.diskSpace(t.Context()), r.inodes(t.Context())
		if space[0].Status != test.space || inodes[0].Status != test.inodes {
			t.Errorf("%s: %+v, %+v", test.options, space, inodes)
		}
		if test.space != OK && !strings.Contains(space[0].Hints[0], "plinth prune") || !strings.Contains(space[0].Detail, "free for "+dir) {
			t.Errorf("%+v", space)
		}
	}
	r.State = t.TempDir()
	mount(t, "proc", r.State, "proc", 0, "")
	expect(t, r.diskSpace(t.Context()), Failed, "0.0 B of 0.0 B free", "plinth prune")
}

// TestMain is also the process that holds a lock.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PLINTH_TEST_HOLD"); dir != "" {
		if _, err := store.Acquire(dir, "plinth build"); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		time.Sleep(time.Minute)
	}
	os.Exit(m.Run())
}

func TestStateLock(t *testing.T) {
	r := fake(t)
	expect(t, r.stateLock(t.Context()), Skipped, "no catalog here", "")
	r.State = filepath.Join(t.TempDir(), "state")
	expect(t, r.stateLock(t.Context()), OK, "free", "")
	if _, err := os.Stat(r.State); err == nil {
		t.Error("the state folder was made")
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{"PLINTH_TEST_HOLD=" + r.State}
	out, err := cmd.StdoutPipe()
	try(t, err)
	try(t, cmd.Start())
	buf := make([]byte, 100)
	n, err := out.Read(buf)
	if string(buf[:n]) != "held\n" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	held := fmt.Sprintf("\"plinth build\" (process %d, since ", cmd.Process.Pid)
	expect(t, r.stateLock(t.Context()), Failed, held, "wait until")
	real := r.Root
	r.Root = "" // with the kernel's own list
	expect(t, r.stateLock(t.Context()), Failed, held, "wait until")
	info, err := os.Stat(filepath.Join(r.State, "lock"))
	try(t, err)
	if !r.listedAsLocked(info) {
		t.Error("the lock is not found in /proc/locks")
	}
	r.Root = real
	try(t, cmd.Process.Kill())
	_ = cmd.Wait()
	expect(t, r.stateLock(t.Context()), Warning, "a run was killed", "")
	if l, err := store.Acquire(r.State, "x"); err != nil || !l.Stale {
		t.Errorf("the check changed the lock: %+v, %v", l, err)
	}
	try(t, os.WriteFile(filepath.Join(r.State, "lock"), nil, 0o644))
	expect(t, r.stateLock(t.Context()), Failed, "another plinth is using", "wait until")
}

func TestCatalog(t *testing.T) {
	r := fake(t)
	expect(t, r.catalog(t.Context()), Skipped, "no catalog here", "")
	r.Catalog = &Catalog{Dockerfiles: 3, Full: 1, Distroless: 2}
	expect(t, r.catalog(t.Context()), OK, "targets: 3 with a Dockerfile, 3 made of packages", "")
	var l diag.List
	for _, s := range []string{"a", "b", "c"} {
		l.Add(diag.Errorf(diag.Position{File: s}, "cannot"))
	}
	r.Catalog.Err = l.Err()
	expect(t, r.catalog(t.Context()), Failed, "a: cannot (and 2 more)", "plinth list")
}

func TestGit(t *testing.T) {
	r := fake(t)
	expect(t, r.git(t.Context()), Skipped, "no catalog here", "")
	r.Catalog = &Catalog{Root: t.TempDir()}
	expect(t, r.git(t.Context()), Warning, "not in PATH", "apt-get install git")
	r.program(t, "git", "echo 'fatal: detected dubious ownership in repository' >&2; exit 128")
	expect(t, r.git(t.Context()), Failed, "another user's", "safe.directory "+r.Catalog.Root)
	r.program(t, "git", "echo 'fatal: disk on fire' >&2; exit 128")
	expect(t, r.git(t.Context()), Failed, "disk on fire", "")
	t.Setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
	expect(t, r.git(t.Context()), Warning, "in no repository", "git init")
	if out, err := exec.Command("git", "init", r.Catalog.Root).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	expect(t, r.git(t.Context()), OK, "in a repository", "")
	r.program(t, "git", `case "$*" in *shallow*) printf 'true\ntrue\n';; esac`)
	expect(t, r.git(t.Context()), Warning, "cut off", "git fetch --unshallow")
}

func TestRunTellsEveryCheckInOrder(t *testing.T) {
	r := fake(t)
	got := Run(t.Context(), r.Env)
	var names []string
	for _, res := range got {
		names = append(names, res.Name)
		if res.Status == "" || res.Detail == "" {
			t.Errorf("%+v", res)
		}
	}
	want := "user runc namespaces seccomp cgroups state folder overlayfs disk space inodes state lock catalog git certificates registry archive clock"
	if strings.Join(names, " ") != want {
		t.Errorf("got %v", names)
	}
}

func TestRegistries(t *testing.T) {
	r := fake(t)
	expect(t, r.registries(t.Context()), Skipped, "no catalog here", "")
	r.Catalog = &Catalog{}
	expect(t, r.registries(t.Context()), Skipped, "the catalog names none", "")
	ref := func(s string) ociref.Ref {
		got, err := ociref.Parse(s)
		try(t, err)
		return got
	}
	r.Catalog.Upstreams = []ociref.Ref{ref("debian:12"), ref("quay.example/a:1"), ref("alpine:3")}
	asked := make(chan string, 9)
	r.Resolve = func(ctx context.Context, ref ociref.Ref) error {
		asked <- ref.Familiar()
		if _, limited := ctx.Deadline(); !limited {
			t.Error("there is no time limit")
		}
		if ref.Registry() == "docker.io" {
			return diag.Errorf(diag.Position{}, "cannot resolve it").Hint("log in")
		}
		return nil
	}
	r.Catalog.Registry = "quay.example/base" // asked already
	got := r.registries(t.Context())
	if len(got) != 2 || len(asked) != 2 || got[0].Name != "registry docker.io" || got[1].Name != "registry quay.example" {
		t.Fatalf("got %+v", got)
	}
	expect(t, got[:1], Failed, "cannot resolve it", "log in")
	expect(t, got[1:], OK, "gives quay.example/a:1", "")
	r.Offline = true
	for _, res := range r.registries(t.Context()) {
		expect(t, []Result{res}, Skipped, "--offline", "")
	}
	if len(asked) != 2 {
		t.Error("offline, and somebody was asked")
	}
	r.Offline, r.Catalog.Upstreams = false, nil
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/v2/" {
			status = http.StatusNotFound
		}
		w.Header().Set("Date", now.Add(time.Hour).Format(http.TimeFormat))
		w.WriteHeader(status)
	}))
	host := strings.TrimPrefix(server.URL, "http://")
	r.Catalog.Registry = host + "/base"
	expect(t, r.registries(t.Context()), OK, "for releases: it answers", "")
	if r.skews[host] != time.Hour {
		t.Errorf("skews %v", r.skews)
	}
	status = http.StatusUnauthorized
	expect(t, r.registries(t.Context()), OK, "wants a login", "")
	status = http.StatusTeapot
	expect(t, r.registries(t.Context()), Warning, "it answers 418", "registry: in plinth.yaml")
	server.Close()
	expect(t, r.registries(t.Context()), Warning, "refused", "check the network")
	r.Catalog.Registry = "registry.invalid/base"
	expect(t, r.registries(t.Context()), Warning, "for releases: ", "check the n")
}

func TestArchives(t *testing.T) {
	r := fake(t)
	expect(t, r.archives(t.Context()), Skipped, "no catalog here", "")
	r.Catalog = &Catalog{}
	expect(t, r.archives(t.Context()), Skipped, "no image is made of packages", "")
	hang := make(chan struct{})
	defer close(hang)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/debian/dists/hang/InRelease":
			<-hang
		case "/debian/dists/good/InRelease":
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.CloseClientConnections()
	r.Catalog.Archives = []Archive{{server.URL + "/debian/", "good"}}
	expect(t, r.archives(t.Context()), Failed, "its certificate is not trusted: x509", "update-ca-certificates|")
	r.Client = server.Client()
	expect(t, r.archives(t.Context()), OK, server.URL, "")
	r.Catalog.Archives = []Archive{{server.URL + "/debian", "good"}, {server.URL + "/debian", "none"}, {"http://archive.invalid", "x"}}
	got := r.archives(t.Context())
	if len(got) != 3 || got[0].Name != "archive good" || got[0].Status != OK || got[2].Name != "archive x" {
		t.Fatalf("got %+v", got)
	}
	expect(t, got[1:2], Failed, "/dists/none/InRelease answers 404 Not Found", "another mirror")
	expect(t, got[2:], Failed, "cannot reach http://archive.invalid: ", "another mirror")

	r.Catalog.Archives, r.Timeout = []Archive{{server.URL + "/debian", "hang"}}, 200*time.Millisecond
	expect(t, r.archives(t.Context()), Failed, "no answer within 200ms", "http_proxy")
	r.Timeout = 30 * time.Second

	// with all packages here, only plinth update needs the archive
	sum := strings.Repeat("ab", 32)
	r.Catalog.Archives = []Archive{{server.URL + "/debian", "none"}}
	r.Catalog.Packages, r.Catalog.Pool = []string{sum}, filepath.Join(r.Root, "debs")
	expect(t, r.archives(t.Context()), Failed, "404", "another mirror")
	r.put(t, "debs/ab/"+sum+".meta", "")
	expect(t, r.archives(t.Context()), Warning, "but plinth update needs it", "another mirror")
	r.Offline = true
	expect(t, r.archives(t.Context()), Skipped, "--offline", "")
	r.Catalog.Archives = []Archive{{"file://" + r.Root, "x"}}
	expect(t, r.archives(t.Context()), Warning, "no such file", "another mirror")
	r.put(t, "dists/x/InRelease", "")
	expect(t, r.archives(t.Context()), OK, "file://", "")
}

func TestClock(t *testing.T) {
	r := fake(t)
	expect(t, r.clock(t.Context()), OK, "2026-11-22 12:00 UTC; there was no other clock", "")
	r.skews = map[string]time.Duration{"a": 4*time.Minute + 59*time.Second, "b": -time.Minute}
	expect(t, r.clock(t.Context()), OK, "as other servers have it", "")
	r.skews["c"] = -5 * time.Minute
	expect(t, r.clock(t.Context()), Warning, "5m0s ahead of the clock of c", "timedatectl")
	r.skews["d"] = 24 * time.Hour
	expect(t, r.clock(t.Context()), Failed, "24h0m0s behind the clock of d", "timedatectl")
	r.skews = nil
	r.Catalog = &Catalog{Newest: now.Add(24 * time.Hour)}
	expect(t, r.clock(t.Context()), OK, "no other clock", "")
	r.Catalog.Newest = now.Add(24*time.Hour + 1)
	expect(t, r.clock(t.Context()), Failed, "plinth.lock has an index of 2026-11-23", "timedatectl")
	r.Now = func() time.Time { return time.Date(2025, 12, 31, 23, 59, 0, 0, time.UTC) }
	expect(t, r.clock(t.Context()), Failed, "before plinth was made", "timedatectl")
}

func TestBytes(t *testing.T) {
	for n, want := range map[float64]string{0: "0.0 B", 999: "999.0 B", 1000: "1.0 kB", 999_950: "1.0 MB", 5e9: "5.0 GB", 3e15: "3000.0 TB"} {
		if got := bytes1000(n); got != want {
			t.Errorf("%v: %s, want %s", n, got, want)
		}
	}
}
