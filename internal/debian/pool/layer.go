package pool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/store"
)

// LayerSpec says what a layer is made of.
type LayerSpec struct {
	Head  []byte     // tar entries without an end mark: the directories
	Debs  []lock.Deb // the packages, in order; where to fetch a damaged one again
	Docs  bool       // with the documentation
	Epoch int64      // later modification times become this, seconds since 1970
}

// Layer is a layer in a store.
type Layer struct {
	Descriptor ocispec.Descriptor `json:"descriptor"`
	DiffID     digest.Digest      `json:"diff_id"`
}

// layerFormat is the number in a layer's key. It changes with memberSize, the
// compressor, or anything else that makes the same packages another layer.
const layerFormat = "plinth-layer 1"

// endMark is the end of a tar archive.
var endMark = make([]byte, 1024)

// damagedError says which package's section does not have its hash.
type damagedError struct{ sum string }

func (e damagedError) Error() string { return "package " + e.sum + " is damaged in the package store" }

// Layer makes the layer of spec in st, unless it is there. Its digest is known
// from an earlier time or not; either way no byte gets into it that was not
// checked, and a package that turns out damaged is fetched anew.
func (p *Pool) Layer(ctx context.Context, spec LayerSpec, st *store.Store, log io.Writer) (Layer, error) {
	for attempt := 0; ; attempt++ {
		layer, err := p.layer(ctx, spec, st, log)
		var damaged damagedError
		if err == nil || !errors.As(err, &damaged) || attempt > len(spec.Debs) {
			return layer, err
		}
		(&lineLog{w: log}).printf("%v, fetching it again", err)
		if err := p.forget(damaged.sum); err != nil {
			return Layer{}, err
		}
	}
}

func (p *Pool) layer(ctx context.Context, spec LayerSpec, st *store.Store, log io.Writer) (Layer, error) {
	packages, err := p.Get(ctx, spec.Debs, log)
	if err != nil {
		return Layer{}, err
	}
	key := layerKey(spec, packages)
	var known Layer
	found := p.Cached(key, &known)
	clamps := slices.ContainsFunc(packages, func(pkg *Package) bool { return pkg.Newest > spec.Epoch })
	if found && (st.Has(known.Descriptor) || clamps && p.Restore(known.Descriptor, st)) {
		return known, nil
	}
	w, err := st.NewBlob()
	if err != nil {
		return Layer{}, err
	}
	defer w.Abort()
	// the blob's digest covers every section; each one's own hash is looked at
	// when there is no digest to compare with, or when that differs
	var got Layer
	if got.Descriptor, err = p.assemble(ctx, w, spec, packages, !found); err != nil {
		return Layer{}, err
	}
	if found && got.Descriptor.Digest == known.Descriptor.Digest {
		return known, p.keepCostly(clamps, known, st)
	}
	if found {
		if err := p.verify(spec, packages); err != nil {
			return Layer{}, errors.Join(os.Remove(st.BlobPath(got.Descriptor.Digest)), err)
		}
	}
	if got.DiffID, err = diffID(st.BlobPath(got.Descriptor.Digest)); err != nil {
		return Layer{}, err
	}
	if err := p.keepCostly(clamps, got, st); err != nil {
		return Layer{}, err
	}
	return got, p.Cache(key, got)
}

// keepCostly keeps a layer that takes compressing and not just copying to make again.
func (p *Pool) keepCostly(clamps bool, l Layer, st *store.Store) error {
	if !clamps {
		return nil
	}
	return p.KeepBlob(st.BlobPath(l.Descriptor.Digest), l.Descriptor.Digest)
}

func layerKey(spec LayerSpec, packages []*Package) string {
	h := sha256.New()
	head := sha256.Sum256(spec.Head)
	fmt.Fprintf(h, "%s\n%x docs=%v\n", layerFormat, head, spec.Docs)
	for _, pkg := range packages {
		fmt.Fprintf(h, "%x %x", pkg.Main.Sum, pkg.Docs.Sum)
		if pkg.Newest > spec.Epoch {
			fmt.Fprintf(h, " not after %d", spec.Epoch)
		}
		fmt.Fprintln(h)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// assemble strings the layer's members together and commits the blob.
func (p *Pool) assemble(ctx context.Context, w *store.BlobWriter, spec LayerSpec, packages []*Package, check bool) (ocispec.Descriptor, error) {
	none := ocispec.Descriptor{}
	head, err := compress(spec.Head)
	if err != nil {
		return none, err
	}
	end, err := compress(endMark)
	if err != nil {
		return none, err
	}
	if _, err := w.Write(head); err != nil {
		return none, err
	}
	buf := make([]byte, 256<<10)
	for _, pkg := range packages {
		if err := ctx.Err(); err != nil {
			return none, err
		}
		if pkg.Newest > spec.Epoch {
			if err := p.clamped(w, pkg, spec); err != nil {
				return none, err
			}
			continue
		}
		if err := p.copySections(w, pkg, spec.Docs, check, buf); err != nil {
			return none, err
		}
	}
	if _, err := w.Write(end); err != nil {
		return none, err
	}
	return w.Commit(ocispec.MediaTypeImageLayerGzip)
}

// copySections writes the sections of pkg to w. With check each one's hash is compared.
func (p *Pool) copySections(w io.Writer, pkg *Package, docs, check bool, buf []byte) error {
	f, err := os.Open(p.path(pkg.SHA256, ".tar.gz"))
	if err != nil {
		return damagedError{pkg.SHA256}
	}
	defer f.Close()
	for _, s := range pkg.sections(docs) {
		sum := sha256.New()
		dst := w
		if check {
			dst = io.MultiWriter(w, sum)
		}
		n, err := io.CopyBuffer(struct{ io.Writer }{dst}, io.LimitReader(f, s.Size), buf)
		if err != nil {
			return err
		}
		if n != s.Size || check && !sameSum(sum, s) {
			return damagedError{pkg.SHA256}
		}
	}
	return nil
}

func (pkg *Package) sections(docs bool) []Section {
	if docs {
		return []Section{pkg.Main, pkg.Docs}
	}
	return []Section{pkg.Main}
}

func sameSum(h hash.Hash, s Section) bool { return bytes.Equal(h.Sum(nil), s.Sum[:]) }

// verify compares the hashes of all sections.
func (p *Pool) verify(spec LayerSpec, packages []*Package) error {
	buf := make([]byte, 256<<10)
	for _, pkg := range packages {
		if err := p.copySections(io.Discard, pkg, spec.Docs, true, buf); err != nil {
			return err
		}
	}
	return nil
}

// clamped writes the sections of a package that has files newer than the epoch,
// with their times set back. It happens when the epoch is set to a time before
// the package was built.
func (p *Pool) clamped(w io.Writer, pkg *Package, spec LayerSpec) error {
	s := newSection(w, p.jobs)
	err := p.Files(pkg, spec.Docs, func(e Entry, content io.Reader) error {
		e.MTime = min(e.MTime, spec.Epoch)
		return s.add(e.Entry, content)
	})
	_, cerr := s.close()
	return errors.Join(err, cerr)
}

// diffID hashes the uncompressed content of the layer at path.
func diffID(path string) (digest.Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{z}, make([]byte, 256<<10)); err != nil {
		return "", fmt.Errorf("cannot read back a layer: %w", err)
	}
	return digest.NewDigest(digest.SHA256, h), nil
}

// cacheMagic begins a file that Cache wrote.
const cacheMagic = "plinth-cache 1\n"

// Cached reads what Cache stored under key into v and says whether it was there
// and undamaged. The key is a SHA-256 in hex.
func (p *Pool) Cached(key string, v any) bool {
	data, err := os.ReadFile(p.cachePath(key))
	if err != nil {
		return false
	}
	body, err := unseal(cacheMagic, data)
	return err == nil && json.Unmarshal(body, v) == nil
}

// Cache stores v under key. What a cache holds can always be made again.
func (p *Pool) Cache(key string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return p.writeFile(p.cachePath(key), seal(cacheMagic, body))
}

func (p *Pool) cachePath(key string) string { return filepath.Join(p.dir, "cache", key[:2], key) }

// Blob is where a blob that belongs to a cache record is kept.
func (p *Pool) Blob(d digest.Digest) string {
	return filepath.Join(p.dir, "cache", "blobs", d.Encoded())
}

// Restore puts a blob that KeepBlob kept into st; false when it is gone or damaged.
func (p *Pool) Restore(desc ocispec.Descriptor, st *store.Store) bool {
	file := p.Blob(desc.Digest)
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	if got, err := digest.SHA256.FromReader(f); err != nil || got != desc.Digest {
		return false
	}
	return st.LinkBlob(file, desc) == nil
}

// KeepBlob keeps the file as the blob d of a cache record, by a hard link where possible.
func (p *Pool) KeepBlob(file string, d digest.Digest) error {
	dst := p.Blob(d)
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	if err := os.Remove(dst); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(file, dst) == nil {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return p.writeFile(dst, data)
}
