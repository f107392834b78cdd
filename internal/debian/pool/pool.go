// Package pool keeps unpacked Debian packages for the whole fleet.
//
// A .deb is downloaded and unpacked once, whatever number of images it is in
// and however many builds run at a time. What stays is not the .deb but
//
//	POOL/ab/abcd….tar.gz   its entries as they stand in a layer: gzip members of normalised
//	                       tar, directories and end mark left out; two sections, the files
//	                       that every image gets and then the documentation
//	POOL/ab/abcd….meta     everything else: control files, the list of entries with their
//	                       SHA-256, and the few small files that images are made from
//
// under the .deb's SHA-256. A layer is a member with its directories, the
// sections of its packages, and a member with the end mark: gzip members can be
// strung together, so an image is made by copying bytes and nothing is
// compressed a second time. Both files are checked against the hashes in the
// metadata when they are used; a damaged one is fetched again.
//
//	pool, err := pool.Open(dir, pool.Options{})
//	packages, err := pool.Get(ctx, debs, log)
//	layer, err := pool.Layer(ctx, pool.LayerSpec{…}, store)
//
// Several goroutines may use a Pool. That one process at a time writes to the
// folder is the caller's to ensure.
package pool

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lock"
)

// Options are the limits of a Pool; zero values mean the defaults.
type Options struct {
	Client    *http.Client // default: one with time-outs for connecting and for the first answer
	Downloads int          // how many downloads run at a time, default 8
	Jobs      int          // how many packages are unpacked at a time, default one per processor
}

// Pool is the store of unpacked packages. See Open.
type Pool struct {
	dir       string
	client    *http.Client
	downloads *semaphore.Weighted
	unpacks   *semaphore.Weighted
	// wide is held while a big package is unpacked: one holds about 100 MB and uses several processors by itself.
	wide *semaphore.Weighted
	jobs int

	mu     sync.Mutex
	loaded map[string]*Package // by SHA-256
	flying map[string]*flight
}

// flight is a package that is being made; done is closed when it is there or has failed.
type flight struct {
	done chan struct{}
	pkg  *Package
	err  error
}

// wideSize is the size of a .deb in bytes from which it is unpacked under the limit for big ones.
const wideSize = 6 << 20

// Open opens the pool in dir and makes it when it is not there.
func Open(dir string, o Options) (*Pool, error) {
	p := &Pool{
		dir: dir, client: o.Client, jobs: cmp.Or(o.Jobs, runtime.GOMAXPROCS(0)),
		downloads: semaphore.NewWeighted(int64(cmp.Or(o.Downloads, 8))),
		wide:      semaphore.NewWeighted(1),
		loaded:    map[string]*Package{}, flying: map[string]*flight{},
	}
	p.unpacks = semaphore.NewWeighted(int64(p.jobs))
	if p.client == nil {
		p.client = newClient()
	}
	if err := os.MkdirAll(p.tmp(), 0o755); err != nil {
		return nil, diag.Errorf(diag.Position{}, "cannot open the package store: %w", err)
	}
	return p, nil
}

func (p *Pool) tmp() string { return filepath.Join(p.dir, "tmp") }

// Sweep removes what a killed process left half-written. The caller makes sure
// that no other process uses the pool.
func (p *Pool) Sweep() error {
	return errors.Join(os.RemoveAll(p.tmp()), os.MkdirAll(p.tmp(), 0o755))
}

// TempDir makes an empty folder on the pool's file system. The caller removes
// it; after a kill Sweep does.
func (p *Pool) TempDir(prefix string) (string, error) { return os.MkdirTemp(p.tmp(), prefix) }

func (p *Pool) path(sum, ext string) string { return filepath.Join(p.dir, sum[:2], sum+ext) }

// Get returns the packages of debs in the same order, and makes those that are
// not there: downloads and unpacking overlap, the biggest first. What it does is
// logged a line a package. All failures are returned, as *diag.Error.
func (p *Pool) Get(ctx context.Context, debs []lock.Deb, log io.Writer) ([]*Package, error) {
	out := make([]*Package, len(debs))
	order := make([]int, len(debs))
	for i, d := range debs {
		if sum, err := hex.DecodeString(d.SHA256); err != nil || len(sum) != sha256.Size || d.SHA256 != hex.EncodeToString(sum) {
			return nil, diag.Errorf(diag.Position{File: lock.FileName}, "cannot use package %s %s: %q is no SHA-256", d.Name, d.Version, d.SHA256).
				Hint("write the lock anew with: plinth update")
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(debs[b].Size, debs[a].Size) })
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	logger := &lineLog{w: log}
	errs := make([]error, len(debs))
	var wg sync.WaitGroup
	for _, i := range order {
		if pkg := p.load(debs[i].SHA256); pkg != nil {
			out[i] = pkg
			continue
		}
		// taken here and not in the goroutine, so that downloads start in order
		if err := p.downloads.Acquire(ctx, 1); err != nil {
			errs[i] = err
			break
		}
		wg.Go(func() {
			out[i], errs[i] = p.get(ctx, debs[i], logger)
			if errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	var problems diag.List
	var cancelled error
	for _, err := range errs {
		switch {
		case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
			cancelled = err
		case err != nil:
			problems.AddErr(err)
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if cancelled != nil {
		return nil, cancelled
	}
	return out, nil
}

// get makes one package, or waits for the goroutine that does. The caller has
// taken a place among the downloads, which is given back here.
func (p *Pool) get(ctx context.Context, d lock.Deb, log *lineLog) (*Package, error) {
	release := sync.OnceFunc(func() { p.downloads.Release(1) })
	defer release()
	for {
		p.mu.Lock()
		if pkg := p.loaded[d.SHA256]; pkg != nil {
			p.mu.Unlock()
			return pkg, nil
		}
		f := p.flying[d.SHA256]
		if f == nil {
			f = &flight{done: make(chan struct{})}
			p.flying[d.SHA256] = f
			p.mu.Unlock()
			f.pkg, f.err = p.make(ctx, d, log, release)
			p.mu.Lock()
			if f.err == nil {
				p.loaded[d.SHA256] = f.pkg
			}
			delete(p.flying, d.SHA256)
			p.mu.Unlock()
			close(f.done)
			return f.pkg, f.err
		}
		p.mu.Unlock()
		release() // the other one has a place of its own
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if f.err == nil {
			return f.pkg, nil
		}
		if !errors.Is(f.err, context.Canceled) || ctx.Err() != nil {
			return nil, f.err
		}
		// the other build was cancelled and this one wasn't: make it here
		if err := p.downloads.Acquire(ctx, 1); err != nil {
			return nil, err
		}
		release = sync.OnceFunc(func() { p.downloads.Release(1) })
		defer release()
	}
}

// make downloads and unpacks d. downloaded is called in between.
func (p *Pool) make(ctx context.Context, d lock.Deb, log *lineLog, downloaded func()) (*Package, error) {
	file, err := p.fetch(ctx, d, log)
	downloaded()
	if err != nil {
		return nil, err
	}
	defer os.Remove(file)
	gates := []*semaphore.Weighted{p.unpacks}
	if d.Size >= wideSize {
		gates = append(gates, p.wide)
	}
	for _, g := range slices.Backward(gates) {
		if err := g.Acquire(ctx, 1); err != nil {
			return nil, err
		}
		defer g.Release(1)
	}
	pkg, err := p.unpack(ctx, file, d)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, diag.Errorf(diag.Position{}, "cannot unpack package %s %s: %w", d.Name, d.Version, err)
	}
	return pkg, nil
}

// load returns the package from memory or from its metadata file, nil when it
// is not there or damaged.
func (p *Pool) load(sum string) *Package {
	p.mu.Lock()
	pkg := p.loaded[sum]
	p.mu.Unlock()
	if pkg != nil {
		return pkg
	}
	data, err := os.ReadFile(p.path(sum, ".meta"))
	if err != nil {
		return nil
	}
	pkg, err = decodeMeta(data)
	if err != nil || pkg.SHA256 != sum {
		return nil
	}
	if info, err := os.Stat(p.path(sum, ".tar.gz")); err != nil || info.Size() != pkg.Main.Size+pkg.Docs.Size {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if have := p.loaded[sum]; have != nil {
		return have
	}
	p.loaded[sum] = pkg
	return pkg
}

// forget drops a package whose files turned out damaged.
func (p *Pool) forget(sum string) error {
	p.mu.Lock()
	delete(p.loaded, sum)
	p.mu.Unlock()
	for _, ext := range []string{".meta", ".tar.gz"} {
		if err := os.Remove(p.path(sum, ext)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove a damaged package: %w", err)
		}
	}
	return nil
}

// Has says whether the unpacked package with this SHA-256 is there, as far as its files' sizes tell.
func (p *Pool) Has(sum string) bool { return p.load(sum) != nil }

// lineLog writes whole lines from several goroutines. A nil writer drops them.
type lineLog struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineLog) printf(format string, args ...any) {
	if l.w == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, format+"\n", args...)
}
