package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/core/diff/apply"
	ctdmetadata "github.com/containerd/containerd/v2/core/metadata"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/containerd/v2/plugins/diff/walking"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay/overlayutils"
	"github.com/containerd/platforms"
	"github.com/moby/buildkit/cache/metadata"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/cmd/buildkitd/config"
	"github.com/moby/buildkit/control"
	"github.com/moby/buildkit/executor"
	"github.com/moby/buildkit/executor/oci"
	"github.com/moby/buildkit/executor/resources"
	resourcestypes "github.com/moby/buildkit/executor/resources/types"
	"github.com/moby/buildkit/executor/runcexecutor"
	"github.com/moby/buildkit/frontend"
	"github.com/moby/buildkit/session"
	containerdsnapshot "github.com/moby/buildkit/snapshot/containerd"
	"github.com/moby/buildkit/solver"
	"github.com/moby/buildkit/solver/bboltcachestorage"
	"github.com/moby/buildkit/util/db/boltutil"
	"github.com/moby/buildkit/util/leaseutil"
	"github.com/moby/buildkit/util/network/netproviders"
	"github.com/moby/buildkit/util/resolver"
	"github.com/moby/buildkit/util/winlayers"
	"github.com/moby/buildkit/version"
	"github.com/moby/buildkit/worker"
	"github.com/moby/buildkit/worker/base"
	"github.com/moby/buildkit/worker/label"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	bolt "go.etcd.io/bbolt"
	"golang.org/x/sync/semaphore"
)

// The worker is put together here and not by BuildKit's runc.NewWorkerOpt,
// because that one keeps the containerd database to itself: nobody could close
// it, and the next engine on the same root would wait for its lock for ever.

const (
	namespace = "buildkit" // of leases and contents in the containerd database
	workerDir = "runc-"    // followed by the snapshotter's name
	// dbTimeout is how long a database that somebody else holds is waited for.
	dbTimeout = 2 * time.Second
)

// ociWorker is BuildKit's worker and the parts of it that the engine closes.
type ociWorker struct {
	*base.Worker
	snapshotter string
	executor    *countingExecutor
	database    *bolt.DB
	snapshots   snapshots.Snapshotter
}

func newWorker(ctx context.Context, o Options) (*ociWorker, error) {
	w := &ociWorker{snapshotter: o.Snapshotter}
	if w.snapshotter == "" {
		w.snapshotter = "overlayfs"
		if overlayutils.Supported(o.Root) != nil {
			w.snapshotter = "native"
		}
	}
	dir := filepath.Join(o.Root, workerDir+w.snapshotter)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return w, err
	}
	opt, err := w.options(ctx, dir, o)
	if err != nil {
		return w, err
	}
	w.Worker, err = base.NewWorker(ctx, opt)
	return w, err
}

func (w *ociWorker) options(ctx context.Context, dir string, o Options) (opt base.WorkerOpt, err error) {
	opt.Root = dir
	opt.MountPoolRoot = filepath.Join(dir, "cachemounts")
	// RUN steps use the host's network, so that apt-get works behind whatever
	// the host's own apt-get works behind; --network=none gives loopback alone.
	if opt.NetworkProviders, opt.ProxyProvider, _, err = netproviders.Providers(netproviders.Opt{Mode: "host"}); err != nil {
		return opt, err
	}
	if opt.ResourceMonitor, err = resources.NewMonitor(); err != nil {
		return opt, err
	}
	run, err := runcexecutor.New(runcexecutor.Opt{
		Root:                filepath.Join(dir, "executor"),
		CommandCandidates:   []string{o.RuncPath},
		ProcessMode:         oci.ProcessSandbox,
		DefaultCgroupParent: cgroupParent(o.Root),
		ResourceMonitor:     opt.ResourceMonitor,
		ProxyProvider:       opt.ProxyProvider,
	}, opt.NetworkProviders)
	if err != nil {
		return opt, err
	}
	w.executor = &countingExecutor{Executor: run}
	opt.Executor = w.executor
	if w.snapshots, err = newSnapshotter(ctx, w.snapshotter, filepath.Join(dir, "snapshots")); err != nil {
		return opt, err
	}
	blobs, err := local.NewStore(filepath.Join(dir, "content"))
	if err != nil {
		return opt, err
	}
	path := filepath.Join(dir, "containerdmeta.db")
	if w.database, err = bolt.Open(path, 0o644, &bolt.Options{FreelistType: bolt.FreelistMapType, NoSync: true, Timeout: dbTimeout}); err != nil {
		return opt, fmt.Errorf("cannot open %s: %w", path, err)
	}
	meta := ctdmetadata.NewDB(w.database, blobs, map[string]snapshots.Snapshotter{w.snapshotter: w.snapshots})
	if err := meta.Init(ctx); err != nil {
		return opt, err
	}
	contents := containerdsnapshot.NewContentStore(meta.ContentStore(), namespace)
	opt.ContentStore = contents
	opt.Snapshotter = containerdsnapshot.NewSnapshotter(w.snapshotter, meta.Snapshotter(w.snapshotter), namespace, nil)
	opt.Applier = winlayers.NewFileSystemApplierWithWindows(contents, apply.NewFileSystemApplier(contents))
	opt.Differ = winlayers.NewWalkingDiffWithWindows(contents, walking.NewWalkingDiff(contents))
	opt.LeaseManager = leaseutil.WithNamespace(ctdmetadata.NewLeaseManager(meta), namespace)
	opt.GarbageCollect = meta.GarbageCollect
	if opt.MetadataStore, err = metadata.NewStore(filepath.Join(dir, "metadata_v2.db")); err != nil {
		return opt, err
	}
	// its options cannot be given; see crash.go for why none of the databases is flushed
	if db, ok := opt.MetadataStore.DB().(*bolt.DB); ok {
		db.NoSync = true
	}
	if opt.ID, err = base.ID(dir); err != nil {
		return opt, err
	}
	opt.Labels = map[string]string{label.Executor: "oci", label.Snapshotter: w.snapshotter, label.Network: "host"}
	opt.Platforms = []ocispec.Platform{platforms.Normalize(platforms.DefaultSpec())}
	if o.Jobs > 0 {
		opt.ParallelismSem = semaphore.NewWeighted(int64(o.Jobs))
	}
	// A registry on localhost is spoken to by plain http, all others by https.
	opt.RegistryHosts = resolver.NewRegistryConfig(nil)
	opt.BuildkitVersion = client.BuildkitVersion{Package: version.Package, Version: version.Version}
	opt.GCPolicy = gcPolicy(o.CacheBytes)
	return opt, nil
}

// gcPolicy bounds the cache; without one it grows for ever. Copies of contexts
// go first: they are read again from disk faster than anything is built.
func gcPolicy(cacheBytes int64) []client.PruneInfo {
	return []client.PruneInfo{
		{Filter: []string{"type==source.local"}, KeepDuration: 2 * 24 * time.Hour, MaxUsedSpace: cacheBytes / 8},
		{KeepDuration: 30 * 24 * time.Hour, MaxUsedSpace: cacheBytes},
		{MaxUsedSpace: cacheBytes},
		{All: true, MaxUsedSpace: cacheBytes},
	}
}

// close releases the databases. The controller closes the worker's own parts.
func (w *ociWorker) close(controlled bool) error {
	var errs []error
	if !controlled && w.Worker != nil {
		errs = append(errs, w.Worker.Close())
	}
	if w.snapshots != nil {
		errs = append(errs, w.snapshots.Close())
	}
	if w.database != nil {
		errs = append(errs, w.database.Close())
	}
	return errors.Join(errs...)
}

// leftovers says whether a bundle or a mount survived the last build.
func (w *ociWorker) leftovers(root string) bool {
	bundles, _ := filepath.Glob(filepath.Join(root, workerDir+"*", "executor", "*", "config.json"))
	mounts, err := ownMounts(root)
	return len(bundles) > 0 || len(mounts) > 0 || err != nil
}

func newController(ctx, running context.Context, o Options, w *ociWorker) (*control.Controller, error) {
	sessions, err := session.NewManager()
	if err != nil {
		return nil, err
	}
	workers := &worker.Controller{}
	if err := workers.Add(w.Worker); err != nil {
		return nil, err
	}
	cache, err := bboltcachestorage.NewStore(filepath.Join(o.Root, "cache.db"))
	if err != nil {
		return nil, err
	}
	history, err := boltutil.Open(filepath.Join(o.Root, "history.db"), 0o600,
		&bolt.Options{FreelistType: bolt.FreelistMapType, NoSync: true, Timeout: dbTimeout})
	if err != nil {
		return nil, errors.Join(err, cache.Close())
	}
	keep := int64(0) // the logs of builds are kept by their caller
	return control.NewController(control.Opt{
		SessionManager:   sessions,
		WorkerController: workers,
		Frontends:        map[string]frontend.Frontend{}, // front ends run on the client's side
		CacheManager:     solver.NewCacheManager(ctx, "local", cache, worker.NewCacheResultStorage(workers)),
		Entitlements:     []string{"network.host"},
		HistoryDB:        history,
		CacheStore:       cache,
		LeaseManager:     w.LeaseManager(),
		ContentStore:     w.ContentStore(),
		HistoryConfig:    &config.HistoryConfig{MaxEntries: &keep},
		GarbageCollect:   w.GarbageCollect,
		GracefulStop:     running.Done(),
	})
}

// countingExecutor knows how many containers run, so that Close can wait for
// their mounts and cgroups to be gone.
type countingExecutor struct {
	executor.Executor
	running sync.WaitGroup
}

func (c *countingExecutor) Run(ctx context.Context, id string, root executor.Mount, mounts []executor.Mount, process executor.ProcessInfo, started chan<- struct{}) (resourcestypes.Recorder, error) {
	c.running.Add(1)
	defer c.running.Done()
	return c.Executor.Run(ctx, id, root, mounts, process, started)
}

// wait reports whether all containers ended within the time.
func (c *countingExecutor) wait(d time.Duration) bool {
	done := make(chan struct{})
	go func() {
		c.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}
