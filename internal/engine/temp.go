package engine

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// BuildKit makes its temporary folders where $TMPDIR says, and cannot be told
// otherwise: mount points of snapshots, sockets of SSH agents, a tmpfs for each
// secret of a running step. A killed process leaves them behind, and a tmpfs tells
// nothing of the root that it was for. So a running engine has a temporary folder of its own,
// named after its root as its cgroup is, and the process's $TMPDIR is that folder.
// It does not lie below the root, because the path of a socket may have 108
// bytes at most and a state folder's may be longer.

const tempVariable = "TMPDIR"

// tempPrefix is how the names of a root's temporary folders begin.
func tempPrefix(root string) string { return "plinth-" + hex.EncodeToString(rootID(root)) + "-" }

// tempFolder is the temporary folder of a running engine.
type tempFolder struct {
	path   string
	before string // $TMPDIR as it was
	set    bool   // it was there
}

// makeTemp makes a temporary folder for the engine at root and makes it the
// process's.
func makeTemp(root string) (*tempFolder, error) {
	t := &tempFolder{}
	t.before, t.set = os.LookupEnv(tempVariable)
	var err error
	if t.path, err = os.MkdirTemp("", tempPrefix(root)); err != nil {
		return nil, fmt.Errorf("cannot make a temporary folder: %w", err)
	}
	return t, os.Setenv(tempVariable, t.path)
}

// remove gives the process the temporary folder back that it had, and removes
// this one. What is still mounted in it stays, for the next sweep.
func (t *tempFolder) remove(root string) error {
	var err error
	if os.Getenv(tempVariable) == t.path {
		if t.set {
			err = os.Setenv(tempVariable, t.before)
		} else {
			err = os.Unsetenv(tempVariable)
		}
	}
	mounts, mountErr := ownMounts(root)
	for _, point := range mounts {
		if within(t.path, point) {
			return errors.Join(err, fmt.Errorf("%s is still mounted", point))
		}
	}
	if mountErr != nil {
		return errors.Join(err, mountErr)
	}
	return errors.Join(err, os.RemoveAll(t.path))
}

// tempOf is the temporary folder of the engine at root that a path is in, "" if it is in none.
func tempOf(root, path string) string {
	prefix := string(filepath.Separator) + tempPrefix(root)
	i := strings.Index(path, prefix)
	if i < 0 {
		return ""
	}
	end := i + len(prefix)
	if slash := strings.IndexByte(path[end:], filepath.Separator); slash >= 0 {
		return path[:end+slash]
	}
	return path
}

// sweepTemp removes the temporary folders that killed engines at root left: those in
// the process's temporary folder, and those in which something was mounted. It
// runs after the mounts are gone.
func (s *Swept) sweepTemp(root string, unmounted []string) error {
	folders, err := filepath.Glob(filepath.Join(escapeGlob(os.TempDir()), tempPrefix(root)+"*"))
	errs := []error{err}
	for _, point := range unmounted {
		if dir := tempOf(root, point); dir != "" {
			folders = append(folders, dir)
		}
	}
	for _, dir := range folders {
		var stat unix.Stat_t
		if unix.Lstat(dir, &stat) != nil || stat.Mode&unix.S_IFMT != unix.S_IFDIR || int(stat.Uid) != os.Geteuid() {
			continue // gone already, or made by somebody who knows how ours are called
		}
		if err := os.RemoveAll(dir); err != nil {
			errs = append(errs, err)
			continue
		}
		s.Files = append(s.Files, dir)
	}
	return errors.Join(errs...)
}
