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

// markStopped says that the databases are on the disk.
func markStopped(root string) error { return os.Remove(filepath.Join(root, runningFile)) }
