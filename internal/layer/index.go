package layer

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
)

// compression is how a layer's tar is stored.
type compression byte

const (
	plain compression = iota
	gzipped
	zstandard
)

// mediaTypes are what a layer can be. The types for layers that may not be
// distributed are deprecated and in images nevertheless.
func mediaTypes() map[string]compression {
	return map[string]compression{
		"application/vnd.oci.image.layer.v1.tar":                       plain,
		"application/vnd.oci.image.layer.v1.tar+gzip":                  gzipped,
		"application/vnd.oci.image.layer.v1.tar+zstd":                  zstandard,
		"application/vnd.oci.image.layer.nondistributable.v1.tar":      plain,
		"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": gzipped,
		"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd": zstandard,
		"application/vnd.docker.image.rootfs.diff.tar":                 plain,
		"application/vnd.docker.image.rootfs.diff.tar.gzip":            gzipped,
		"application/vnd.docker.image.rootfs.diff.tar.zstd":            zstandard,
		"application/vnd.docker.image.rootfs.foreign.diff.tar":         plain,
		"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip":    gzipped,
		"application/vnd.docker.image.rootfs.foreign.diff.tar.zstd":    zstandard,
	}
}

// opened is a blob that is being read.
type opened struct {
	blob io.ReadCloser
	// at is the blob when it is a tar that can be read anywhere, otherwise nil.
	at io.ReaderAt
	// tar is the uncompressed tar from its beginning.
	tar   io.Reader
	plain bool
	zstd  *zstd.Decoder
}

// open opens b. What goes through its bytes as stored is also written to tee,
// which may be nil; with a tee the blob is read from its beginning to its end.
func open(ctx context.Context, b Blob, tee io.Writer) (*opened, error) {
	how, ok := mediaTypes()[b.MediaType]
	if !ok {
		return nil, fmt.Errorf("its media type %q is not supported", b.MediaType)
	}
	blob, err := b.Open()
	if err != nil {
		return nil, err
	}
	o := &opened{blob: blob, plain: how == plain}
	if at, ok := blob.(io.ReaderAt); ok && o.plain {
		o.at = at
		if tee == nil {
			o.tar = &window{ctx: ctx, at: at}
			return o, nil
		}
	}
	var raw io.Reader = &cancelable{ctx, blob}
	if tee != nil {
		raw = io.TeeReader(raw, tee)
	}
	raw = bufio.NewReaderSize(raw, 64<<10)
	switch how {
	case gzipped:
		o.tar, err = gzip.NewReader(raw)
	case zstandard:
		// one goroutine: what is decoded is consumed right away
		if o.zstd, err = zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true)); err == nil {
			o.tar = o.zstd
		}
	default:
		o.tar = raw
	}
	if err != nil {
		blob.Close()
		return nil, noEOF(err)
	}
	return o, nil
}

func (o *opened) close() {
	if o.zstd != nil {
		o.zstd.Close()
	}
	o.blob.Close()
}

// readIndex reads the headers of b. With verify the blob's digest is checked.
func readIndex(ctx context.Context, b Blob, verify bool) ([]entry, error) {
	var check digest.Verifier
	var tee io.Writer
	if verify {
		check = b.Digest.Verifier()
		tee = check
	}
	o, err := open(ctx, b, tee)
	if err != nil {
		return nil, damaged(ctx, b, err)
	}
	defer o.close()
	entries, err := readHeaders(o)
	var bad refusedError
	switch {
	case errors.As(err, &bad):
		return nil, refused(ctx, b, bad.error)
	case err != nil:
		return nil, damaged(ctx, b, err)
	}
	// the tar's end is not the compressed stream's: behind it is the checksum
	if !o.plain || verify {
		if _, err := io.Copy(io.Discard, o.tar); err != nil {
			return nil, damaged(ctx, b, noEOF(err))
		}
	}
	if verify && !check.Verified() {
		return nil, damaged(ctx, b, errors.New("its content does not have this digest"))
	}
	return entries, nil
}

// refusedError is about what a sound tar says.
type refusedError struct{ error }

func (e refusedError) Unwrap() error { return e.error }

func readHeaders(o *opened) ([]entry, error) {
	in := &counter{r: o.tar}
	var r io.Reader = in
	if s, ok := o.tar.(io.Seeker); ok {
		r = &seekCounter{in, s}
	}
	tr := tar.NewReader(r)
	var entries []entry
	var end int64 // of the last entry, -1 when it isn't known
	for num := 0; ; num++ {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // names are looked at in newEntry
			return nil, noEOF(err)
		}
		e, ok, err := newEntry(h)
		if err != nil {
			return nil, refusedError{err}
		}
		e.num, e.data, end = num, -1, -1
		if !isSparse(h) {
			e.data, end = in.n, in.n
			if hasContent(h) {
				end += h.Size
			}
			end = (end + 511) &^ 511
		}
		if ok {
			entries = append(entries, e)
		}
	}
	// A tar that was cut between two entries is one to the reader, and nothing at all
	// is too. Compression has an end of its own; without it, there must be the first
	// block of the end mark.
	if in.n == 0 || o.plain && end >= 0 && in.n < end+512 {
		return nil, fmt.Errorf("it has no end mark: %w", io.ErrUnexpectedEOF)
	}
	return entries, nil
}

// hasContent says whether the entry's size is that of something in the tar.
func hasContent(h *tar.Header) bool {
	return !strings.ContainsRune("123456", rune(h.Typeflag))
}

// noEOF makes an end that comes too early an error that nobody takes for an end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// counter says where in the tar the reader is.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// seekCounter lets the tar reader skip contents.
type seekCounter struct {
	*counter
	s io.Seeker
}

func (c *seekCounter) Seek(offset int64, whence int) (int64, error) {
	n, err := c.s.Seek(offset, whence)
	if err == nil {
		c.n = n
	}
	return n, err
}

// window reads a file that is mostly skipped: small pieces from a buffer, and
// nothing of what a Seek passes.
type window struct {
	ctx  context.Context
	at   io.ReaderAt
	off  int64 // of the next byte
	from int64 // of the first byte in buf
	n    int   // bytes in buf
	buf  [16 << 10]byte
}

// Read implements io.Reader.
func (w *window) Read(p []byte) (int, error) {
	if w.off < w.from || w.off >= w.from+int64(w.n) {
		if err := w.ctx.Err(); err != nil {
			return 0, err
		}
		n, err := w.at.ReadAt(w.buf[:], w.off)
		w.from, w.n = w.off, n
		if n == 0 {
			return 0, err
		}
	}
	n := copy(p, w.buf[w.off-w.from:w.n])
	w.off += int64(n)
	return n, nil
}

// Seek implements io.Seeker for what the tar reader asks.
func (w *window) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekCurrent || offset < 0 || w.off+offset < 0 {
		return 0, errors.ErrUnsupported
	}
	w.off += offset
	return w.off, nil
}

// cancelable ends a long read when its context does.
type cancelable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
