//go:build linux

// Package sandbox runs commands inside a root file system, away from the host:
// in mount, process, network, IPC and host name namespaces of their own, with a
// minimal /dev, a /proc, and an empty /tmp that goes away.
//
//	func main() {
//		if sandbox.Main() { return }
//		…
//	}
//	err := sandbox.Run(ctx, sandbox.Config{Root: dir, Commands: …, Output: log})
//
// The program is started again for it, as the first process of the namespaces;
// Main is that half and must be called first thing. When the caller dies,
// however it dies, the kernel kills that process, with it every process that it
// started, and with the last one the mounts: nothing is left to clean up.
//
// It keeps honest scripts of a distribution from touching the host. It is no
// barrier against a hostile one: the commands are root, with all capabilities.
package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Config is what to run and where.
type Config struct {
	Root     string     // the root file system, an absolute path
	Env      []string   // the whole environment
	Commands [][]string // programs with arguments, one after the other; the first failure ends the run
	Output   io.Writer  // gets what they print, both streams
}

// ErrNotRoot is returned when the process may not make namespaces.
var ErrNotRoot = errors.New("only root may do it")

// reexecName is how the second half knows itself: its argument 0.
const reexecName = "plinth-sandbox"

// exitSetup is the second half's exit code when it could not build the namespaces.
const exitSetup = 125

// Hostname is the host's name as scripts see it: the same everywhere, as some write it down.
const Hostname = "plinth"

// Run runs the commands of c. The error says which one failed; a cancelled
// context kills them.
func Run(ctx context.Context, c Config) error {
	if os.Geteuid() != 0 {
		return ErrNotRoot
	}
	spec, err := json.Marshal(wire{Root: c.Root, Env: c.Env, Commands: c.Commands})
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	report, reported, err := os.Pipe()
	if err != nil {
		w.Close()
		return err
	}
	defer report.Close()
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = []string{reexecName}
	cmd.Env = []string{}
	cmd.Stdout, cmd.Stderr = c.Output, c.Output
	cmd.ExtraFiles = []*os.File{r, reported}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
	}
	// the death signal comes when the thread that started the process ends, not the process
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Start()
	r.Close()
	reported.Close()
	if err != nil {
		w.Close()
		return fmt.Errorf("cannot make namespaces: %w", err)
	}
	_, werr := w.Write(spec)
	w.Close()
	why, rerr := io.ReadAll(io.LimitReader(report, 4096))
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && string(why) != done:
		return errors.New("the program did not run its second half: its main function must call sandbox.Main first")
	case err == nil:
		return errors.Join(werr, rerr)
	case len(why) > 0:
		return errors.New(string(why))
	}
	return fmt.Errorf("the namespaces' first process ended: %w", err)
}

// done is what the second half reports when all commands have succeeded.
const done = "done"

// wire is what the first half tells the second one.
type wire struct {
	Root     string
	Env      []string
	Commands [][]string
}

// Main is the second half. It returns false at once when the process is not
// one, and does not return otherwise.
func Main() bool {
	if len(os.Args) == 0 || os.Args[0] != reexecName || os.Getpid() != 1 {
		return false
	}
	report := os.NewFile(4, "report")
	if err := inside(); err != nil {
		fmt.Fprint(report, err)
		os.Exit(exitSetup)
	}
	fmt.Fprint(report, done)
	os.Exit(0)
	return true
}

func inside() error {
	var w wire
	if err := json.NewDecoder(os.NewFile(3, "spec")).Decode(&w); err != nil {
		return fmt.Errorf("cannot read what to run: %w", err)
	}
	unix.CloseOnExec(3)
	unix.CloseOnExec(4)
	unix.Umask(0o022)
	if err := enter(w.Root); err != nil {
		return err
	}
	for _, argv := range w.Commands {
		cmd := &exec.Cmd{Path: argv[0], Args: argv, Env: w.Env, Dir: "/", Stdout: os.Stdout, Stderr: os.Stderr}
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
		}
	}
	return nil
}

// devices are the nodes of a minimal /dev, those of the host.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// enter mounts what a root file system needs and makes root the root. A mount
// hides what the image has at its place and leaves nothing behind in it.
func enter(root string) error {
	do := func(what string, err error) error {
		if err != nil {
			return fmt.Errorf("cannot %s: %w", what, err)
		}
		return nil
	}
	at := func(name string) string { return filepath.Join(root, name) }
	nodes, err := openDevices()
	if err != nil {
		return err
	}
	defer func() {
		for _, n := range nodes {
			n.Close()
		}
	}()
	steps := []func() error{
		func() error {
			return do("make mounts private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		},
		func() error { return do("set the host name", unix.Sethostname([]byte(Hostname))) },
		func() error { return do("mount the root", unix.Mount(root, root, "", unix.MS_BIND|unix.MS_REC, "")) },
		func() error { return mount(at("proc"), "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "") },
		func() error {
			// no script may change the kernel's settings: they are the host's
			sys := at("proc/sys")
			return do("protect /proc/sys", errors.Join(unix.Mount(sys, sys, "", unix.MS_BIND, ""),
				unix.Mount("", sys, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")))
		},
		func() error { return mount(at("tmp"), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777") },
		func() error { return mount(at("run"), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755") },
		func() error { return do("make /run/lock", mkdir(at("run/lock"), 0o1777)) },
		func() error { return mount(at("dev"), "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=755") },
		func() error { return do("make /dev", fillDev(at("dev"), nodes)) },
		func() error { return do("enter the root", errors.Join(unix.Chroot(root), unix.Chdir("/"))) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func mount(dir, kind string, flags uintptr, options string) error {
	if err := unix.Mount(kind, dir, kind, flags, options); err != nil {
		return fmt.Errorf("cannot mount %s on %s: %w", kind, dir, err)
	}
	return nil
}

// proc is the /proc that stands beside dev.
func proc(dev string) string { return filepath.Join(filepath.Dir(dev), "proc") }

func mkdir(dir string, mode uint32) error {
	return errors.Join(os.Mkdir(dir, 0o755), unix.Chmod(dir, mode))
}

// openDevices opens the host's nodes without using them: once the mounts are
// made, the host's /dev may be out of sight.
func openDevices() ([]*os.File, error) {
	var nodes []*os.File
	for _, d := range devices {
		fd, err := unix.Open("/dev/"+d, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return nodes, fmt.Errorf("cannot open the host's /dev/%s: %w", d, err)
		}
		nodes = append(nodes, os.NewFile(uintptr(fd), d))
	}
	return nodes, nil
}

func fillDev(dev string, nodes []*os.File) error {
	for _, n := range nodes {
		node := filepath.Join(dev, n.Name())
		f, err := os.OpenFile(node, os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return err
		}
		// the root's own /proc: it knows this process by its number in the namespace
		if err := errors.Join(f.Close(), unix.Mount(fmt.Sprintf("%s/self/fd/%d", proc(dev), n.Fd()), node, "", unix.MS_BIND, "")); err != nil {
			return fmt.Errorf("%s: %w", n.Name(), err)
		}
	}
	return errors.Join(
		mkdir(filepath.Join(dev, "shm"), 0o1777),
		os.Symlink("/proc/self/fd", filepath.Join(dev, "fd")),
		os.Symlink("/proc/self/fd/0", filepath.Join(dev, "stdin")),
		os.Symlink("/proc/self/fd/1", filepath.Join(dev, "stdout")),
		os.Symlink("/proc/self/fd/2", filepath.Join(dev, "stderr")),
	)
}
