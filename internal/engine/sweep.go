package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/plinth-build/plinth/internal/diag"
)

// A process that is killed in the middle of a RUN cannot clean up. The
// container goes on, in runc's state folder (/run/runc, shared with everything
// else on the machine), with mounts of snapshots and cgroups. All of it can be
// told from other people's: the bundle of a container is under our root, its
// cgroup is under one named after our root, and so is its temporary folder, and a mount is in
// that, or at, or made of, folders under our root. The locks of the databases need no sweeping: the
// kernel drops them with the process that held them.

// runcState is where runc run by root keeps a folder for each container.
const runcState = "/run/runc"

// Swept is what Sweep found and removed.
type Swept struct {
	Containers []string // ids of containers
	Processes  []int    // processes that ran in our cgroups without a container
	Cgroups    []string // paths
	Mounts     []string // mount points
	Files      []string // bundles, half-written blobs, temporary folders
}

// Empty says that there was nothing to sweep.
func (s Swept) Empty() bool {
	return len(s.Containers)+len(s.Processes)+len(s.Cgroups)+len(s.Mounts)+len(s.Files) == 0
}

// Sweep removes what a killed engine left behind under the root of the options:
// containers with their processes and cgroups, mounts, bundles, half-written
// blobs. What belongs to another root or another program stays. It is safe to
// call when nothing is there, also without runc; it must not run beside an
// engine on the same root. Errors are joined: it goes on after the first one.
func Sweep(ctx context.Context, o Options) (Swept, error) {
	var s Swept
	root, err := realPath(o.Root)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, diag.Errorf(diag.Position{}, "cannot find the engine's folder: %w", err)
	}
	err = errors.Join(
		s.sweepContainers(ctx, o.RuncPath, root),
		s.sweepCgroups(ctx, cgroupRoots(root)),
		s.sweepMounts(root),
		s.sweepFiles(root),
	)
	if err != nil {
		return s, diag.Errorf(diag.Position{}, "cannot clean up after a build that was killed: %w", err).
			Hint("run plinth as root, or delete %s when nothing is mounted below it", root)
	}
	return s, nil
}

// container is one line of runc's list.
type container struct {
	ID     string `json:"id"`
	Bundle string `json:"bundle"`
}

func (s *Swept) sweepContainers(ctx context.Context, runcPath, root string) error {
	// that runc is missing is Start's to report; our cgroup tells what is left of its containers
	if runc, err := findRunc(runcPath); err == nil {
		return s.deleteContainers(ctx, runc, root)
	}
	return nil
}

func (s *Swept) deleteContainers(ctx context.Context, runc, root string) error {
	out, err := exec.CommandContext(ctx, runc, "list", "--format", "json").Output()
	if err != nil {
		return fmt.Errorf("cannot list containers: %w", withStderr(err))
	}
	var list []container
	if err := json.Unmarshal(out, &list); err != nil {
		return fmt.Errorf("cannot list containers: %w", err)
	}
	var errs []error
	for _, c := range list {
		if !within(root, c.Bundle) {
			continue
		}
		if _, err := exec.CommandContext(ctx, runc, "delete", "--force", c.ID).Output(); err != nil {
			errs = append(errs, fmt.Errorf("cannot remove container %s: %w", c.ID, withStderr(err)))
			continue
		}
		s.Containers = append(s.Containers, c.ID)
	}
	return errors.Join(errs...)
}

// withStderr puts what a command said into its error.
func withStderr(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}

func (s *Swept) sweepMounts(root string) error {
	mounts, err := ownMounts(root)
	if err != nil {
		return err
	}
	var errs []error
	for _, point := range mounts {
		if err := unix.Unmount(point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			errs = append(errs, fmt.Errorf("cannot unmount %s: %w", point, err))
			continue
		}
		s.Mounts = append(s.Mounts, point)
		if !within(root, point) {
			os.Remove(point) // BuildKit's own mount point in the temporary folder, empty now
		}
	}
	return errors.Join(errs...)
}

// sweepFiles removes bundles and half-written blobs. It runs after the mounts
// are gone and does not cross what is still mounted: a failed unmount must not
// become a deleted snapshot.
func (s *Swept) sweepFiles(root string) error {
	left, err := ownMounts(root)
	if err != nil || len(left) > 0 {
		return err
	}
	errs := []error{s.sweepTemp(root, s.Mounts)}
	for _, pattern := range []string{"executor/*", "content/ingest/*", "cachemounts/*"} {
		paths, err := filepath.Glob(filepath.Join(escapeGlob(root), workerDir+"*", pattern))
		errs = append(errs, err)
		for _, p := range paths {
			info, err := os.Lstat(p)
			if err != nil || !info.IsDir() {
				continue // hosts, resolv.conf and runc's log, which the executor renews by itself
			}
			if filepath.Base(filepath.Dir(p)) == "executor" {
				errs = append(errs, s.sweepHalfMade(filepath.Join(runcState, filepath.Base(p))))
			}
			if err := os.RemoveAll(p); err != nil {
				errs = append(errs, err)
				continue
			}
			s.Files = append(s.Files, p)
		}
	}
	slices.Sort(s.Files)
	return errors.Join(errs...)
}

// sweepHalfMade removes runc's record of a container that it was about to make:
// until runc has written state.json into the folder, it is not in runc's list.
// Only the bundle, which has the same name, tells that it is ours.
func (s *Swept) sweepHalfMade(dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(dir, "state.json")); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	s.Files = append(s.Files, dir)
	return nil
}

// escapeGlob makes a path stand for itself in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// within says whether path is root or below it. Both are clean and absolute.
func within(root, path string) bool {
	return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}
