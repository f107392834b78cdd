package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/core/snapshots/storage"
	"github.com/containerd/containerd/v2/plugins/snapshots/native"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay"
	"github.com/containerd/errdefs"
	bolt "go.etcd.io/bbolt"
)

func newSnapshotter(ctx context.Context, name, dir string) (snapshots.Snapshotter, error) {
	if err := dropOrphans(ctx, dir); err != nil {
		return nil, fmt.Errorf("cannot remove what a killed build left of a snapshot: %w", err)
	}
	if name == "native" {
		return native.NewSnapshotter(dir)
	}
	store, err := openSnapshots(dir)
	if err != nil {
		return nil, err
	}
	return overlay.NewSnapshotter(dir, overlay.AsynchronousRemove, overlay.WithMetaStore(store))
}

func openSnapshots(dir string) (*storage.MetaStore, error) {
	return storage.NewMetaStore(filepath.Join(dir, "metadata.db"), func(o *bolt.Options) error {
		o.NoSync = true
		return nil
	})
}

// dropOrphans removes the folders that the database of a snapshotter does not
// know. A snapshotter makes the folder of a snapshot, and then writes down that it
// is there; one that is killed in between leaves a folder that the next snapshot,
// which gets the same number, stumbles over.
func dropOrphans(ctx context.Context, dir string) error {
	folders, err := os.ReadDir(filepath.Join(dir, "snapshots"))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(folders) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	store, err := openSnapshots(dir)
	if err != nil {
		return err
	}
	var known map[string]string
	err = store.WithTransaction(ctx, false, func(ctx context.Context) (err error) {
		known, err = storage.IDMap(ctx)
		return err
	})
	if errdefs.IsNotFound(err) {
		err = nil // nothing was written down yet
	}
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	for _, f := range folders {
		if _, ok := known[f.Name()]; !ok {
			if err := os.RemoveAll(filepath.Join(dir, "snapshots", f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
