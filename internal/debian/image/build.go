package image

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/debian/pool"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/store"
)

// builder holds what one build knows.
type builder struct {
	Request
	pool *pool.Pool
	st   *store.Store
	log  io.Writer

	packages []*pool.Package // those of Debs, which are sorted
	below    []*pool.Package // those of the parent
	tree     *tree           // of both together
	parent   *parentImage    // nil without a parent
	files    []File          // with their content read
}

// layer is a finished layer with what its history entry says.
type layer struct {
	pool.Layer
	by string
}

// Build makes the image of r in st and returns its manifest. What it does is
// logged to log, which may be nil. Full mode needs root; Distroless does not.
// Errors are *diag.Error. Only Complete images have a manifest in st.
func Build(ctx context.Context, r Request, p *pool.Pool, st *store.Store, log io.Writer) (Result, error) {
	if err := r.check(); err != nil {
		return Result{}, err
	}
	r.Debs = sorted(r.Debs)
	b := &builder{Request: r, pool: p, st: st}
	if log != nil {
		b.log = &sharedLog{w: log} // layers are made side by side
	}
	b.Jobs = cmp.Or(b.Jobs, runtime.GOMAXPROCS(0))
	layers, err := b.layers(ctx)
	if err != nil {
		return Result{}, err
	}
	return b.finish(layers)
}

// sharedLog lets several goroutines write, each call as a whole.
type sharedLog struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// layers makes all layers above the parent's.
func (b *builder) layers(ctx context.Context) ([]layer, error) {
	var err error
	if b.files, err = readFiles(b.Spec.Files); err != nil {
		return nil, b.errorf("%w", err)
	}
	all := slices.Concat(b.Debs, sorted(b.parentDebs()))
	missing := func(d lock.Deb) bool { return !b.pool.Has(d.SHA256) }
	if b.Spec.Mode == Full && os.Geteuid() != 0 && slices.ContainsFunc(all, missing) {
		return nil, b.needsRoot() // before anything is downloaded in vain
	}
	packages, err := b.pool.Get(ctx, all, b.log)
	if err != nil {
		return nil, err
	}
	b.packages, b.below = packages[:len(b.Debs)], packages[len(b.Debs):]
	// what the parent has was there first
	if b.tree, err = merge(b.Target, slices.Concat(b.below, b.packages), b.Spec.Docs); err != nil {
		return nil, err
	}
	if b.Parent != nil {
		if b.parent, err = b.readParent(); err != nil {
			return nil, err
		}
	}
	limit := maxGroups
	if b.parent != nil {
		limit = min(limit, maxLayers-len(b.parent.manifest.Layers))
	}
	if limit < 2 {
		return nil, b.errorf("its parent has %d layers, and engines stop at 127", len(b.parent.manifest.Layers)).
			Hint("put fewer package images on top of each other")
	}
	out, err := b.packageLayers(ctx, groups(b.packages, b.Debs, b.Spec.Docs, limit))
	if err != nil {
		return nil, err
	}
	top := b.distroless
	if b.Spec.Mode == Full {
		top = b.full
	}
	more, err := top(ctx)
	return append(out, more...), err
}

// packageLayers makes the groups' layers, several at a time.
func (b *builder) packageLayers(ctx context.Context, gs []group) ([]layer, error) {
	out := make([]layer, len(gs))
	errs := make([]error, len(gs))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	limit := make(chan struct{}, b.Jobs)
	var wg sync.WaitGroup
	for i, g := range gs {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			head, err := g.head(b.tree, b.Spec.Docs, b.Epoch)
			if err == nil {
				spec := pool.LayerSpec{Head: head, Debs: g.debs, Docs: b.Spec.Docs, Epoch: b.Epoch}
				out[i].Layer, err = b.pool.Layer(ctx, spec, b.st, b.log)
			}
			if err != nil {
				errs[i] = err
				cancel()
			}
			out[i].by = packagesBy + g.name
		})
	}
	wg.Wait()
	return out, first(errs)
}

// first is the first error that is not the echo of another one.
func first(errs []error) error {
	var echo error
	for _, err := range errs {
		if err == nil {
			continue
		}
		if d := diag.Flatten(err); len(d) > 0 && !errors.Is(d[0].Err, context.Canceled) {
			return err
		}
		echo = err
	}
	return echo
}

// The beginnings of history entries. packagesBy also marks the layers in which
// a child need not look for folders and files that are no package's.
const (
	packagesBy  = "plinth packages: "
	generatedBy = "plinth: "
	// configuredBy marks the layer that every full image has.
	configuredBy = generatedBy + "configured packages"
)

// distroless makes the one layer that is no package's.
func (b *builder) distroless(ctx context.Context) ([]layer, error) {
	g := b.newGenerated()
	if err := b.repeatReplaced(g); err != nil {
		return nil, err
	}
	if err := b.synthesise(g); err != nil {
		return nil, err
	}
	b.addFiles(g)
	if g.empty() {
		return nil, nil
	}
	data, err := g.tar()
	if err != nil {
		return nil, b.errorf("%w", err)
	}
	l, err := putLayer(b.st, data)
	return []layer{{l, generatedBy + "accounts, certificates, package records and own files"}}, err
}

func (b *builder) newGenerated() *generated {
	if b.parent != nil {
		return newGenerated(b.Epoch, b.parent.dirs, b.tree.dirs)
	}
	return newGenerated(b.Epoch, b.tree.dirs)
}

// repeatReplaced puts the files into g that two packages ship and one of them
// replaces: which layer comes last must not decide.
func (b *builder) repeatReplaced(g *generated) error {
	want := map[*pool.Package]bool{}
	for _, n := range b.tree.replaced {
		want[n.pkg] = true
	}
	for _, p := range b.packages {
		if !want[p] {
			continue
		}
		err := b.pool.Files(p, b.Spec.Docs, func(e pool.Entry, content io.Reader) error {
			n, ok := b.tree.replaced[e.Path]
			if !ok || n.pkg != p {
				return nil
			}
			data, err := io.ReadAll(content)
			e.MTime = min(e.MTime, b.Epoch)
			g.entries[e.Path] = genEntry{e.Entry, data}
			return err
		})
		if err != nil {
			return b.errorf("%w", err)
		}
	}
	return nil
}

// addFiles puts the request's own files into g; they win over everything.
func (b *builder) addFiles(g *generated) {
	for _, f := range b.files {
		g.file(imagePath(f.Path), cmp.Or(uint32(f.Mode)&0o7777, 0o644), f.UID, f.GID, f.Data)
	}
}

// imagePath makes a path that a user wrote one of a merged-/usr tree.
func imagePath(p string) string {
	p = strings.TrimPrefix(path.Clean("/"+p), "/")
	if n, _, err := normalise(p); err == nil {
		return n
	}
	return p
}

// readFiles reads the files that stand on the host.
func readFiles(files []File) ([]File, error) {
	out := slices.Clone(files)
	for i, f := range out {
		if f.HostPath == "" {
			continue
		}
		data, err := os.ReadFile(f.HostPath)
		if err != nil {
			return nil, err
		}
		out[i].Data = data
	}
	return out, nil
}

// putLayer stores the tar archive data as a compressed layer.
func putLayer(st *store.Store, data []byte) (pool.Layer, error) {
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, 6)
	if err == nil {
		_, err = z.Write(data)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return pool.Layer{}, err
	}
	desc, err := st.PutBytes(ocispec.MediaTypeImageLayerGzip, buf.Bytes())
	return pool.Layer{Descriptor: desc, DiffID: digest.FromBytes(data)}, err
}
