package doctor

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

func (r *run) user(context.Context) []Result {
	switch {
	case r.UID == 0:
		return ok("root")
	case r.privileged() == Warning:
		return ok("not root, which distroless package images do not need")
	}
	return bad(Failed, "run plinth build with sudo; list, graph, plan, why and update do without",
		"not root: images with a Dockerfile and mode: full need it")
}

// runcVersion is what runc says of itself.
func (r *run) runcVersion(ctx context.Context) (path, text string, err error) {
	path, err = exec.LookPath("runc")
	if err != nil {
		return "", "", err
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.WaitDelay = r.Timeout
	out, err := cmd.CombinedOutput()
	return path, string(out), err
}

func (r *run) runc(ctx context.Context) []Result {
	path, text, err := r.runcVersion(ctx)
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	version, isRunc := strings.CutPrefix(first, "runc version ")
	switch {
	case path == "":
		hint := "apt-get install runc"
		for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
			if _, err := os.Stat(r.file(filepath.Join(dir, "runc"))); err == nil {
				hint = "it is in " + dir + ", which is not in PATH: export PATH=$PATH:" + dir
				break
			}
		}
		return bad(r.engine(), hint, "not in PATH; it starts the containers of RUN steps")
	case err != nil:
		return bad(r.engine(), "apt-get install --reinstall runc", "%s does not work: %v %s", path, err, first)
	case !isRunc:
		return bad(r.engine(), "apt-get install runc", "%s is not runc: it says %q", path, first)
	}
	return ok("%s, %s", version, path)
}

// namespaces makes those that containers and maintainer scripts run in, for a
// thread that ends with them.
func (r *run) namespaces(context.Context) []Result {
	if r.UID != 0 {
		return r.userNamespaces()
	}
	err := onThread(func() error {
		return unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS)
	})
	if err != nil {
		return bad(r.privileged(), "in a container, run that one with --privileged", "cannot make mount, process, network, IPC and host name namespaces: %v", err)
	}
	return ok("mount, process, network, IPC and host name namespaces can be made")
}

// onThread runs f on a thread that ends afterwards. The process's first thread
// never ends, and /proc/self shows what that one is in, so it is not taken.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // unlocked for the first thread only: another ends with the goroutine
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			done <- onThread(f)
			return
		}
		done <- f()
	}()
	return <-done
}

// userNamespaces says what an ordinary user may do. plinth does not use it yet.
func (r *run) userNamespaces() []Result {
	for _, knob := range []struct{ file, off string }{
		{"/proc/sys/user/max_user_namespaces", "0"},
		{"/proc/sys/kernel/unprivileged_userns_clone", "0"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"},
	} {
		data, err := os.ReadFile(r.file(knob.file))
		if err == nil && strings.TrimSpace(string(data)) == knob.off {
			return bad(Warning, "run plinth build with sudo", "users may not make user namespaces: %s is %s", knob.file, knob.off)
		}
	}
	if _, err := os.Stat(r.file("/proc/self/ns/user")); err != nil {
		return bad(Warning, "run plinth build with sudo", "the kernel has no user namespaces")
	}
	return skipped("only root can tell; users may make user namespaces, which plinth does not build in yet")
}

func (r *run) seccomp(ctx context.Context) []Result {
	status, err := os.ReadFile(r.file("/proc/self/status"))
	if err != nil {
		return bad(Warning, "mount /proc", "cannot find out: %v", err)
	}
	if !bytes.Contains(status, []byte("\nSeccomp:")) {
		return bad(Warning, "use a kernel with CONFIG_SECCOMP_FILTER", "the kernel has no seccomp: RUN steps may make any system call")
	}
	_, text, err := r.runcVersion(ctx)
	switch {
	case err != nil:
		return skipped("the kernel has it; runc does not say whether it has it too")
	case !strings.Contains(text, "libseccomp:"):
		return bad(r.engine(), "install the distribution's runc: apt-get install runc", "the kernel has it, but runc was built without it")
	}
	return ok("the kernel and runc have it")
}

const cgroupMount = "/sys/fs/cgroup"

func (r *run) cgroups(context.Context) []Result {
	mount := r.file(cgroupMount)
	v2, err := os.ReadFile(filepath.Join(mount, "cgroup.controllers"))
	var kind string
	var memory bool
	if err == nil {
		kind, memory = "version 2", slices.Contains(strings.Fields(string(v2)), "memory")
	} else {
		entries, err := os.ReadDir(mount)
		if err != nil || !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.IsDir() }) {
			return bad(r.engine(), "mount them at "+cgroupMount, "there are none at %s, and runc makes one for each container", cgroupMount)
		}
		kind = "version 1"
		if _, err := os.Stat(filepath.Join(mount, "unified", "cgroup.procs")); err == nil {
			kind = "version 1 and 2 (hybrid)"
		}
		_, err = os.Stat(filepath.Join(mount, "memory", "cgroup.procs"))
		memory = err == nil
	}
	switch {
	case r.UID == 0 && errors.Is(unix.Access(mount, unix.W_OK), unix.EROFS) && errors.Is(unix.Access(filepath.Join(mount, "memory"), unix.W_OK), unix.EROFS):
		return bad(r.engine(), "in a container, run that one with --privileged", "%s, mounted read-only at %s", kind, cgroupMount)
	case !memory:
		return bad(Warning, "start the kernel with cgroup_enable=memory", "%s, without the memory controller: limits of memory are not kept", kind)
	}
	return ok("%s, with the memory controller", kind)
}

// certificateFiles are where distributions keep their root certificates, as
// crypto/x509 looks for them.
func certificateFiles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
	}
}

func (r *run) certificates(context.Context) []Result {
	files := certificateFiles()
	for i := range files {
		files[i] = r.file(files[i])
	}
	if f := r.Getenv("SSL_CERT_FILE"); f != "" {
		files = []string{f}
	}
	for _, f := range files {
		if n := countCertificates(f); n > 0 {
			return ok("%d root certificates in %s", n, strings.TrimPrefix(f, r.Root))
		}
	}
	dir := r.Getenv("SSL_CERT_DIR")
	if dir == "" {
		dir = r.file("/etc/ssl/certs")
	}
	n := 0
	entries, _ := os.ReadDir(dir) // one that cannot be read has none
	for _, e := range entries {
		n += countCertificates(filepath.Join(dir, e.Name()))
	}
	if n > 0 {
		return ok("%d root certificates in %s", n, strings.TrimPrefix(dir, r.Root))
	}
	return bad(Warning, "apt-get install ca-certificates", "there are no root certificates: no https server can be trusted")
}

// countCertificates counts those in a file in PEM.
func countCertificates(path string) int {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n := 0
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			n++
		}
	}
	return n
}
