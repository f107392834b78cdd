// Package layer folds several layers of an image into one that has the same
// effect, and makes the image's config say so.
//
//	folded, err := layer.Write(ctx, below, own, blob, layer.Options{Epoch: epoch})
//	config, err = layer.EditConfig(config, len(below), append(belowDiffIDs, folded.DiffID))
//
// The layers are read twice: once for their headers, of which a tree of what
// they change is made, and once for the contents that are left of it. Nothing is
// unpacked. Entries are written in the order of the tree: a directory before
// what is in it, names in byte order, the content of a file with several names
// at the first of them. So the result depends on what the layers say, and not
// on how they are compressed or on the order in which they say it.
//
// The layers below are not part of the result. They are looked at when the
// result depends on them: a deletion is written only where there is something
// to delete, and a hard link to a file below stays one only as long as that file
// is there. The paths of a layer are kept in a Cache for the next time.
//
// What applies is what unpackers that write into one folder do, such as
// containerd and umoci: a whiteout takes away what earlier layers have, wherever
// it stands in its own; an entry replaces what was there before, except that a
// directory over a directory keeps its contents; a directory that no entry tells
// of, and that is in a name only, is 0755 root's; the last of several hard links
// says what mode, owner and time the file has, and of a file of the layers below as
// long as the link is there. Times are whole seconds. Access and change times, names
// of owners and global headers of the tar are dropped.
//
// It is not promised that an unpacker that leaves the extended attributes of a
// directory when a later layer replaces it (containerd, over plain folders)
// comes to the same attributes; the result has those of the last entry.
package layer

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"slices"

	"github.com/opencontainers/go-digest"

	"github.com/plinth-build/plinth/internal/diag"
)

// Blob is one layer of an image.
type Blob struct {
	// Digest is that of the blob as it is stored. It stands in messages and is
	// the key in a Cache.
	Digest digest.Digest
	// MediaType is one of OCI's or Docker's for layers: tar, tar+gzip or tar+zstd.
	MediaType string
	// Open opens the blob from its beginning; it is called up to three times. When the
	// blob is no compressed one and the reader is an io.ReaderAt too, as an *os.File is,
	// contents are taken from where they are, in whatever order they are needed.
	Open func() (io.ReadCloser, error)
}

// Options decide how layers are folded.
type Options struct {
	// Epoch is in seconds since 1970. Modification times later than this become it.
	Epoch int64
	// Index keeps the paths of the layers below; "" reads them each time they are needed.
	Index Cache
	// TempDir is where contents of compressed layers go that are needed later than
	// they come; "" means os.TempDir. What is there is gone with the process.
	TempDir string
}

// Folded is a layer that was made of several.
type Folded struct {
	DiffID           digest.Digest // of the uncompressed tar
	UncompressedSize int64         // in bytes, with the end mark
	Entries          int           // whiteouts included; with 0 the layer has no effect and an image needs none
}

// Written is a folded layer as a blob.
type Written struct {
	Folded
	Digest digest.Digest // of the compressed blob
	Size   int64         // of the compressed blob, bytes
}

// Fold writes to w the uncompressed tar that has the same effect over the layers
// below as all of own, one after the other. Both are in the order in which they are
// applied. After an error, what was written is of no use. A layer that is damaged
// or says what no layer may say gives a *diag.Error that names its digest; a
// cancelled ctx gives its error.
func Fold(ctx context.Context, below, own []Blob, w io.Writer, opts Options) (Folded, error) {
	blobs := slices.Concat(below, own)
	for _, b := range blobs {
		if err := b.Digest.Validate(); err != nil {
			return Folded{}, diag.Errorf(diag.Position{}, "cannot read layer %q: %w", b.Digest, err)
		}
	}
	t := newTree(func() (*tree, error) { return readBelow(ctx, below, opts.Index) })
	for i, b := range own {
		entries, err := readIndex(ctx, b, false)
		if err != nil {
			return Folded{}, err
		}
		if err := t.apply(ctx, entries, len(below)+i); err != nil {
			return Folded{}, refused(ctx, b, err)
		}
	}
	items, err := t.plan()
	if err != nil {
		return Folded{}, err
	}
	c := newContents(ctx, blobs, items, opts.TempDir)
	defer c.close()
	out := &measure{w: w, hash: sha256.New()}
	if err := writeTar(ctx, out, items, c, opts.Epoch); err != nil {
		return Folded{}, err
	}
	return Folded{DiffID: digest.NewDigest(digest.SHA256, out.hash), UncompressedSize: out.size, Entries: len(items)}, nil
}

// Write does what Fold does and writes the layer as gzip, which is the same bytes
// for the same tar. Several processors compress.
func Write(ctx context.Context, below, own []Blob, w io.Writer, opts Options) (Written, error) {
	out := &measure{w: w, hash: sha256.New()}
	z := newMembers(out)
	folded, err := Fold(ctx, below, own, z, opts)
	if cerr := z.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return Written{}, err
	}
	return Written{Folded: folded, Digest: digest.NewDigest(digest.SHA256, out.hash), Size: out.size}, nil
}

// readBelow makes the tree of the layers below.
func readBelow(ctx context.Context, below []Blob, cache Cache) (*tree, error) {
	t := newTree(nil)
	for i, b := range below {
		entries, ok := cache.get(b.Digest)
		if !ok {
			var err error
			if entries, err = readIndex(ctx, b, true); err != nil {
				return nil, err
			}
			if err := cache.put(b.Digest, entries); err != nil {
				return nil, diag.Errorf(diag.Position{}, "cannot keep the index of layer %s: %w", b.Digest, err)
			}
		}
		if err := t.apply(ctx, entries, i); err != nil {
			return nil, refused(ctx, b, err)
		}
	}
	return t, nil
}

// damaged is the error of a layer that can't be read.
func damaged(ctx context.Context, b Blob, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return diag.Errorf(diag.Position{}, "cannot read layer %s: %w", b.Digest, err)
}

// refused is the error of a layer that says what no layer may say.
func refused(ctx context.Context, b Blob, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if below := (*diag.Error)(nil); errors.As(err, &below) {
		return below // it names a layer below
	}
	return diag.Errorf(diag.Position{}, "cannot fold layer %s: %w", b.Digest, err)
}

// measure hashes and counts what goes through it.
type measure struct {
	w    io.Writer
	hash hash.Hash
	size int64
}

// Write implements io.Writer.
func (m *measure) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.hash.Write(p[:n])
	m.size += int64(n)
	return n, err
}
