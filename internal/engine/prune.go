package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/plinth-build/plinth/internal/diag"
)

// CacheRecord is an entry of the build cache: what a step made, a copy of a
// context, a cache mount.
type CacheRecord struct {
	ID          string
	Description string
	Size        int64     // bytes, as far as it is the entry's own
	Used        time.Time // when a build last used or made it
	Parents     []string  // ids of the entries that it stands on, which cannot go before it
	InUse       bool      // something holds it: it cannot go
}

// HasCache says whether there may be a build cache under the root of the
// options. It starts nothing.
func HasCache(o Options) bool {
	workers, err := filepath.Glob(filepath.Join(escapeGlob(o.Root), workerDir+"*"))
	return err == nil && len(workers) > 0
}

// Cache lists the entries of the build cache, in no order.
func (e *Engine) Cache(ctx context.Context) ([]CacheRecord, error) {
	usage, err := e.client.DiskUsage(ctx)
	if err != nil {
		return nil, diag.Errorf(diag.Position{}, "cannot list the build cache: %w", err)
	}
	out := make([]CacheRecord, 0, len(usage))
	for _, u := range usage {
		r := CacheRecord{ID: u.ID, Description: u.Description, Size: u.Size, Used: u.CreatedAt, Parents: u.Parents, InUse: u.InUse}
		if u.LastUsedAt != nil {
			r.Used = *u.LastUsedAt
		}
		out = append(out, r)
	}
	return out, nil
}

// pruneBatch is how many entries BuildKit is told to remove at once: it compares
// each of its entries with each of them.
const pruneBatch = 100

// Prune removes the entries with these ids from the build cache, in the order
// given; an entry comes after those that stand on it. It says how many are
// gone: one that something holds stays.
func (e *Engine) Prune(ctx context.Context, ids []string) (int, error) {
	removed := 0
	for batch := range slices.Chunk(ids, pruneBatch) {
		gone := make(chan client.UsageInfo)
		counted := make(chan int)
		go func() {
			n := 0
			for range gone {
				n++
			}
			counted <- n
		}()
		err := e.client.Prune(ctx, gone, client.PruneAll, byID(batch))
		close(gone)
		removed += <-counted
		if err != nil {
			return removed, diag.Errorf(diag.Position{}, "cannot prune the build cache: %w", err)
		}
	}
	return removed, nil
}

// byID chooses entries.
type byID []string

// SetPruneOption implements client.PruneOption.
func (ids byID) SetPruneOption(info *client.PruneInfo) {
	for _, id := range ids {
		info.Filter = append(info.Filter, fmt.Sprintf("id==%q", id))
	}
}

// Clear removes everything under the root of the options, databases and all. No
// engine may run there. It refuses while something is mounted below the root,
// which Sweep would unmount.
func Clear(o Options) error {
	root, err := realPath(o.Root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return diag.Errorf(diag.Position{}, "cannot find the engine's folder: %w", err)
	}
	mounts, err := ownMounts(root)
	if err != nil {
		return err
	}
	if len(mounts) > 0 {
		return diag.Errorf(diag.Position{}, "cannot clear the build cache: %s is still mounted", mounts[0]).
			Hint("unmount it: umount %s", mounts[0])
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return diag.Errorf(diag.Position{}, "cannot clear the build cache: %w", err)
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(root, entry.Name())); err != nil {
			return diag.Errorf(diag.Position{}, "cannot clear the build cache: %w", err).Hint("run the same command with sudo")
		}
	}
	return nil
}
