package main

// Running containers.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// runOptions say what to run and how.
type runOptions struct {
	state, store, target, id string
	user                     string
	readOnly                 bool
	memory                   int64
	memoryMax                string
	puts                     [][2]string // host file, path in the container
	args                     []string
}

// container is one that run runs, or ran.
type container struct{ state, id string }

func (c container) dir() string { return filepath.Join(c.state, "run", c.id) }

// runc is a command of the runtime, with its containers below the state folder.
func (c container) runc(args ...string) *exec.Cmd {
	return exec.Command("runc", append([]string{"--root", filepath.Join(c.state, "runc")}, args...)...)
}

// run runs the container and cleans up after it. Its exit code is the container's.
func run(r runOptions) (code int, err error) {
	if r.state, err = filepath.Abs(r.state); err != nil {
		return 1, err
	}
	img, err := openImage(r.store, r.target)
	if err != nil {
		return 1, err
	}
	c := container{r.state, r.id}
	lower, err := img.unpack(filepath.Join(r.state, "l"))
	if err != nil {
		return 1, err
	}
	if err := c.mount(lower); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, c.remove()) }()
	for _, p := range r.puts {
		if err := put(p[0], filepath.Join(c.dir(), "rootfs", p[1])); err != nil {
			return 1, err
		}
	}
	if err := writeBundle(c.dir(), img, r); err != nil {
		return 1, err
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-interrupted
		_ = c.runc("kill", c.id, "KILL").Run()
	}()
	cmd := c.runc("run", "--bundle", c.dir(), c.id)
	// Pipes, as with Docker, and not the files behind them.
	cmd.Stdout, cmd.Stderr = struct{ io.Writer }{os.Stdout}, struct{ io.Writer }{os.Stderr}
	return exitCode(cmd.Run())
}

// mount makes the root file system: the layers, and a layer above for what the container writes.
func (c container) mount(lower []string) error {
	dir := c.dir()
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, d := range []string{"upper", "work", "rootfs"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", strings.Join(lower, ":"), dir, dir)
	if err := unix.Mount("overlay", filepath.Join(dir, "rootfs"), "overlay", 0, options); err != nil {
		return errors.Join(fmt.Errorf("mount the %d layers: %w", len(lower), err), os.RemoveAll(dir))
	}
	return nil
}

// remove ends what may still be there. The folder is removed only when nothing
// is mounted in it any more.
func (c container) remove() error {
	_ = c.runc("delete", "--force", c.id).Run() // normally gone by now
	if err := unix.Unmount(filepath.Join(c.dir(), "rootfs"), 0); err != nil {
		return fmt.Errorf("unmount the root of %s: %w", c.id, err)
	}
	return os.RemoveAll(c.dir())
}

func put(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // for every user of the container
		return err
	}
	return os.WriteFile(to, data, 0o755) //nolint:gosec // a program
}

// wait runs the command with this one's input and output.
func wait(cmd *exec.Cmd) (int, error) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return exitCode(cmd.Run())
}

func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// errNotRunning says that the container is not there yet, or no more.
var errNotRunning = errors.New("the container is not running")

// pid is the number of process 1 on this machine.
func (c container) pid() (int, error) {
	out, err := c.runc("state", c.id).Output()
	if err != nil {
		return 0, errNotRunning
	}
	var s struct {
		Pid    int    `json:"pid"`
		Status string `json:"status"`
	}
	if err := json.Unmarshal(out, &s); err != nil {
		return 0, err
	}
	if s.Status != "running" {
		return 0, errNotRunning
	}
	return s.Pid, nil
}

// stop sends the signal to process 1 and waits for its end.
func (c container) stop(name string, within time.Duration) (time.Duration, error) {
	pid, err := c.pid()
	if err != nil {
		return 0, fmt.Errorf("stop %s: %w", c.id, err)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Close(fd) }()
	number := unix.SignalNum("SIG" + name)
	if number == 0 {
		return 0, fmt.Errorf("send %s: no such signal", name)
	}
	begin := time.Now()
	if err := unix.PidfdSendSignal(fd, number, nil, 0); err != nil {
		return 0, err
	}
	for {
		left := within - time.Since(begin)
		if left <= 0 {
			return 0, fmt.Errorf("stop %s: SIG%s did not end it within %s", c.id, name, within)
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
		if n > 0 {
			return time.Since(begin), nil
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return 0, err
		}
	}
}

// processes prints what runs in the container; see main.go. It reads the
// container's own /proc, because cgroups do not know the dead that nobody waits for.
func (c container) processes(w io.Writer) error {
	pid, err := c.pid()
	if err != nil {
		return fmt.Errorf("list the processes of %s: %w", c.id, err)
	}
	proc := fmt.Sprintf("/proc/%d/root/proc", pid)
	entries, err := os.ReadDir(proc)
	if err != nil {
		return err
	}
	var pids []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, n)
		}
	}
	slices.Sort(pids)
	for _, n := range pids {
		status, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(n), "status"))
		if err != nil {
			continue // it ended meanwhile
		}
		fields := map[string][]string{}
		for line := range bytes.Lines(status) {
			if key, value, ok := strings.Cut(string(line), ":"); ok {
				fields[key] = append(strings.Fields(value), "", "")
			}
		}
		_, err = fmt.Fprintln(w, n, fields["Uid"][1], fields["State"][0], fields["NoNewPrivs"][0], fields["Name"][0])
		if err != nil {
			return err
		}
	}
	return nil
}
