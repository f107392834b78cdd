package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Each root has a cgroup of its own, in which runc makes one per container. It
// says whose a process is even when runc's own records are gone.

const (
	cgroupMount = "/sys/fs/cgroup"
	killTimeout = 5 * time.Second
)

// cgroupParent names the root's cgroup, relative to a hierarchy's root.
func cgroupParent(root string) string {
	return "plinth/" + hex.EncodeToString(rootID(root))
}

// rootID is short and tells roots apart.
func rootID(root string) []byte {
	sum := sha256.Sum256([]byte(root))
	return sum[:6]
}

// cgroupRoots are the folders of the root's cgroup: one under cgroup v2, one
// per controller under v1, both on a hybrid.
func cgroupRoots(root string) []string {
	parent := cgroupParent(root)
	var dirs []string
	for _, pattern := range []string{"", "*"} {
		found, err := filepath.Glob(filepath.Join(cgroupMount, pattern, parent))
		if err == nil {
			dirs = append(dirs, found...)
		}
	}
	return dirs
}

// sweepCgroups kills the processes in the cgroups and removes these.
func (s *Swept) sweepCgroups(ctx context.Context, roots []string) error {
	if len(roots) == 0 {
		return nil
	}
	deadline := time.Now().Add(killTimeout)
	for {
		pids := cgroupProcesses(roots)
		if len(pids) == 0 {
			break
		}
		for _, pid := range pids {
			if unix.Kill(pid, unix.SIGKILL) == nil && !slices.Contains(s.Processes, pid) {
				s.Processes = append(s.Processes, pid)
			}
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("cannot kill processes %v of a build", pids)
		}
		time.Sleep(10 * time.Millisecond)
	}
	removed, err := removeCgroups(ctx, roots, deadline)
	s.Cgroups = append(s.Cgroups, removed...)
	return err
}

// cgroupProcesses gives the processes in the cgroups and below, each once.
func cgroupProcesses(roots []string) []int {
	var pids []int
	for _, dir := range cgroupDirs(roots) {
		data, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			continue // removed meanwhile
		}
		for _, field := range strings.Fields(string(data)) {
			// 0 is a process of another pid namespace, which is not ours
			if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
				pids = append(pids, pid)
			}
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}

// cgroupDirs lists the folders and those below, the innermost last.
func cgroupDirs(roots []string) []string {
	var dirs []string
	for _, root := range roots {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil // a cgroup may go while it is looked at
		})
	}
	return dirs
}

// removeCgroups removes cgroups without processes and returns those of
// containers. A process that was killed is gone from the list of its cgroup
// before the kernel lets go of the cgroup, so it tries again until the deadline.
func removeCgroups(ctx context.Context, roots []string, deadline time.Time) ([]string, error) {
	var removed []string
	for {
		var errs []error
		busy := false
		for _, dir := range slices.Backward(cgroupDirs(roots)) {
			err := unix.Rmdir(dir)
			switch {
			case err == nil && filepath.Base(filepath.Dir(dir)) == "buildkit":
				removed = append(removed, dir)
			case err != nil && !errors.Is(err, unix.ENOENT):
				errs = append(errs, fmt.Errorf("cannot remove cgroup %s: %w", dir, err))
				busy = busy || errors.Is(err, unix.EBUSY)
			}
		}
		if !busy || time.Now().After(deadline) || ctx.Err() != nil {
			slices.Sort(removed)
			return removed, errors.Join(errs...)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
