package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The engine's databases are not flushed to the disk after each change: that
// halves the time of a small build. A killed process loses nothing by it, as
// the kernel still has the pages. A machine that goes down does, and what is
// then left cannot be trusted. So a file says, while an engine runs, in which
// boot it runs; one from another boot means that the caches are to be dropped.
// They are only caches.

const (
	runningFile = "running"
	bootIDFile  = "/proc/sys/kernel/random/boot_id"
)

// markRunning drops the caches of a run that the machine did not survive, and
// notes that one runs now.
func markRunning(root, bootIDPath string) error {
	boot, err := os.ReadFile(bootIDPath)
	if err != nil {
		return fmt.Errorf("cannot tell this boot of the machine from others: %w", err)
	}
	path := filepath.Join(root, runningFile)
	before, err := os.ReadFile(path)
	switch {
	case err == nil && !bytes.Equal(before, boot):
		if err := dropCaches(root); err != nil {
			return err
		}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return os.WriteFile(path, boot, 0o600)
}

func dropCaches(root string) error {
	paths := []string{filepath.Join(root, "cache.db"), filepath.Join(root, "history.db")}
	workers, err := filepath.Glob(filepath.Join(escapeGlob(root), workerDir+"*"))
	if err != nil {
		return err
	}
	mounts, err := ownMounts(root)
	if err != nil {
		return err
	}
	if len(mounts) > 0 {
		return fmt.Errorf("cannot drop the caches: %s is still mounted", mounts[0])
	}
	for _, p := range append(paths, workers...) {
		if err := os.RemoveAll(p); err != nil {
			return fmt.Errorf("cannot drop the caches: %w", err)
		}
	}
	return nil
}

// markStopped puts the databases on the disk, and says that they are there.
func markStopped(root string) error {
	files, err := databases(root)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := flush(file); err != nil {
			return fmt.Errorf("cannot flush %s: %w", file, err)
		}
	}
	return os.Remove(filepath.Join(root, runningFile))
}

// databases are the engine's, those of its workers included.
func databases(root string) ([]string, error) {
	var out []string
	for _, pattern := range []string{"*.db", workerDir + "*/*.db", workerDir + "*/snapshots/*.db"} {
		files, err := filepath.Glob(filepath.Join(escapeGlob(root), pattern))
		if err != nil {
			return nil, err
		}
		out = append(out, files...)
	}
	return out, nil
}

func flush(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
