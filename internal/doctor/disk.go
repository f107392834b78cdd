package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/plinth-build/plinth/internal/git"
	"github.com/plinth-build/plinth/internal/store"
)

// What is little, and what is too little for anything: bytes and inodes.
const (
	leastSpace, littleSpace   = 100e6, 5e9
	leastInodes, littleInodes = 1000, 100_000
)

const noState = "no catalog here, and no --state-dir"

// nearest is the folder, or the nearest one above it that is there.
func nearest(dir string) string {
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// fileSystems are names of file systems by their magic numbers, of those that
// state folders are found on; see statfs(2).
func fileSystems() map[int64]string {
	return map[int64]string{
		unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", 0x2fc12fc1: "zfs",
		unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.NFS_SUPER_MAGIC: "nfs", unix.F2FS_SUPER_MAGIC: "f2fs",
		0xff534d42: "cifs", 0xfe534d42: "smb2", unix.FUSE_SUPER_MAGIC: "fuse", unix.V9FS_MAGIC: "9p",
	}
}

func (r *run) statfs() (dir, kind string, st unix.Statfs_t, err error) {
	dir = nearest(r.State)
	err = unix.Statfs(dir, &st)
	kind = fileSystems()[st.Type]
	if kind == "" {
		kind = fmt.Sprintf("file system 0x%x", st.Type)
	}
	return dir, kind, st, err
}

func (r *run) stateFolder(context.Context) []Result {
	if r.State == "" {
		return skipped(noState)
	}
	if info, err := os.Stat(r.State); err == nil && !info.IsDir() {
		return bad(Failed, "name another one with --state-dir", "%s is not a folder", r.State)
	}
	dir, kind, _, err := r.statfs()
	if err == nil {
		var probe string
		if probe, err = os.MkdirTemp(dir, ".plinth-doctor-"); err == nil {
			err = os.Remove(probe)
		}
	}
	hint := "run plinth as root, or name a folder that you may write to with --state-dir"
	switch {
	case errors.Is(err, unix.EROFS):
		return bad(Failed, "name a folder on another file system with --state-dir", "%s is read-only", dir)
	case errors.Is(err, unix.ENOSPC):
		return bad(Failed, "free space with: plinth prune --all", "%s is full", dir)
	case err != nil:
		return bad(Failed, hint, "cannot write to %s: %v", dir, err)
	case kind == "nfs" || kind == "cifs" || kind == "smb2" || kind == "fuse" || kind == "9p":
		return bad(Warning, "name a folder on a local disk with --state-dir", "%s is on %s: builds are slow there, and locks may not hold", r.State, kind)
	case kind == "tmpfs":
		return bad(Warning, "name a folder on a disk with --state-dir", "%s is on tmpfs: it takes memory, and is gone when the machine restarts", r.State)
	}
	return ok("%s, on %s", r.State, kind)
}

// overlayfs mounts one in the state folder, as each RUN step does.
func (r *run) overlayfs(context.Context) []Result {
	data, err := os.ReadFile(r.file("/proc/filesystems"))
	known := err == nil && strings.Contains(string(data), "\toverlay\n")
	switch {
	case r.State == "" && known:
		return ok("the kernel has it")
	case r.State == "":
		return bad(Warning, "load it with: modprobe overlay", "the kernel does not list it")
	case r.UID != 0:
		return skipped("only root can try it")
	}
	_, kind, _, _ := r.statfs()
	if err := tryOverlay(nearest(r.State)); err != nil {
		hint := "name a folder on ext4 or xfs with --state-dir"
		if !known {
			hint = "load it with: modprobe overlay\n" + hint
		}
		if kind == "overlay" {
			hint = "in a container, put the state on a volume with --state-dir"
		}
		return bad(Warning, hint, "cannot mount it over %s (%v): RUN steps copy whole images, which is slow", kind, err)
	}
	return ok("it can be mounted over %s", kind)
}

// tryOverlay mounts an overlay in dir and takes it away again. Folders are
// removed one by one: what could not be unmounted must not be deleted through.
func tryOverlay(dir string) (err error) {
	base, err := os.MkdirTemp(dir, ".plinth-doctor-")
	if err != nil {
		return err
	}
	defer func() {
		// the kernel makes work/work
		for _, d := range []string{"merged", "work/work", "work", "upper", "lower2", "lower1", "."} {
			if rmErr := os.Remove(filepath.Join(base, d)); rmErr != nil && !errors.Is(rmErr, fs.ErrNotExist) {
				err = errors.Join(err, rmErr)
			}
		}
	}()
	for _, d := range []string{"lower1", "lower2", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(base, d), 0o700); err != nil {
			return err
		}
	}
	merged := filepath.Join(base, "merged")
	in := func(name string) string {
		return strings.NewReplacer(`\`, `\\`, ",", `\,`, ":", `\:`).Replace(filepath.Join(base, name))
	}
	if err := unix.Mount("overlay", merged, "overlay", 0, fmt.Sprintf("lowerdir=%s:%s,upperdir=%s,workdir=%s", in("lower2"), in("lower1"), in("upper"), in("work"))); err != nil {
		return err
	}
	return unix.Unmount(merged, unix.MNT_DETACH)
}

// bytes are written as in the other tables of plinth: in powers of 1000.
func bytes1000(n float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	i := 0
	for n >= 999.95 && i < len(units)-1 {
		n /= 1000
		i++
	}
	return fmt.Sprintf("%.1f %s", n, units[i])
}

func (r *run) diskSpace(context.Context) []Result {
	if r.State == "" {
		return skipped(noState)
	}
	dir, _, st, err := r.statfs()
	if err != nil {
		return bad(Failed, "", "cannot find out: %v", err)
	}
	free, all := float64(st.Bavail)*float64(st.Frsize), float64(st.Blocks)*float64(st.Frsize)
	detail := fmt.Sprintf("%s of %s free for %s", bytes1000(free), bytes1000(all), dir)
	hint := "free space with: plinth prune --all\nor put the state on a larger disk with --state-dir"
	switch {
	case free < leastSpace:
		return bad(Failed, hint, "%s", detail)
	case free < littleSpace:
		return bad(Warning, hint, "%s, which a few images take", detail)
	}
	return ok("%s", detail)
}

func (r *run) inodes(context.Context) []Result {
	if r.State == "" {
		return skipped(noState)
	}
	dir, kind, st, err := r.statfs()
	switch {
	case err != nil:
		return bad(Failed, "", "cannot find out: %v", err)
	case st.Files == 0:
		return ok("%s makes them as they are needed", kind)
	}
	detail := fmt.Sprintf("%d of %d free for %s", st.Ffree, st.Files, dir)
	hint := "free some with: plinth prune --all\nor put the state on a larger disk with --state-dir"
	switch {
	case st.Ffree < leastInodes:
		return bad(Failed, hint, "%s", detail)
	case st.Ffree < littleInodes:
		return bad(Warning, hint, "%s, which a few images take", detail)
	}
	return ok("%s", detail)
}

// stateLock finds out who holds the lock of the state folder, without taking it
// for an instant if that can be told otherwise: a build that starts just then
// must not be refused.
func (r *run) stateLock(context.Context) []Result {
	if r.State == "" {
		return skipped(noState)
	}
	path := filepath.Join(r.State, "lock")
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ok("free")
	}
	if err != nil {
		return bad(Failed, "run plinth as root", "cannot find out: %v", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return bad(Failed, "", "cannot find out: %v", err)
	}
	data, err := os.ReadFile(path)
	var h store.Holder
	named := err == nil && json.Unmarshal(data, &h) == nil && h.PID > 0
	if !r.listedAsLocked(info) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
		switch {
		case err == nil && len(data) > 0:
			return bad(Warning, "", "free, but a run was killed while it had it; the next build cleans up after it")
		case err == nil:
			return ok("free")
		case !errors.Is(err, unix.EWOULDBLOCK):
			return bad(Failed, "", "cannot find out: %v", err)
		}
	}
	who := "another plinth"
	if named {
		who = fmt.Sprintf("%q (process %d, since %s)", h.Command, h.PID, h.Since.Local().Format(time.TimeOnly))
	}
	return bad(Failed, "wait until it has ended, or use another state folder: --state-dir", "%s is using %s", who, r.State)
}

// listedAsLocked looks for the file in the kernel's list of locks. A holder in
// another process namespace is not in it, nor are some file systems' numbers
// those of the file.
func (r *run) listedAsLocked(info fs.FileInfo) bool {
	data, err := os.ReadFile(r.file("/proc/locks"))
	st, isStat := info.Sys().(*syscall.Stat_t)
	if err != nil || !isStat {
		return false
	}
	want := fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) > 5 && f[1] == "FLOCK" && f[5] == want {
			return true
		}
	}
	return false
}

func (r *run) catalog(context.Context) []Result {
	c := r.Catalog
	if c == nil {
		return skipped("no catalog here")
	}
	if c.Err != nil {
		first, rest, more := strings.Cut(c.Err.Error(), "\n")
		if more {
			first += fmt.Sprintf(" (and %d more)", strings.Count(rest, "\n")+1)
		}
		return bad(Failed, "see all of it with: plinth list", "%s", first)
	}
	return ok("targets: %d with a Dockerfile, %d made of packages", c.Dockerfiles, c.Full+c.Distroless)
}

func (r *run) git(ctx context.Context) []Result {
	if r.Catalog == nil {
		return skipped("no catalog here")
	}
	if _, err := exec.LookPath("git"); err != nil {
		return bad(Warning, "apt-get install git", "not in PATH: images do not say which commit they are of")
	}
	repo, err := git.Open(ctx, r.Catalog.Root)
	switch {
	case err != nil && strings.Contains(err.Error(), "dubious ownership"):
		return bad(Failed, "git config --global --add safe.directory "+r.Catalog.Root, "the repository is another user's, and git does not read it")
	case err != nil:
		return bad(Failed, "", "%v", err)
	case repo == nil:
		return bad(Warning, "git init", "the catalog is in no repository: images do not say which commit they are of")
	case repo.Shallow():
		return bad(Warning, "git fetch --unshallow", "the history is cut off: images may not say which commit they are of")
	}
	return ok("the catalog is in a repository")
}
