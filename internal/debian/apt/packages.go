package apt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/plinth-build/plinth/internal/debian/xz"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/wholefile"
)

// packed is a form in which a Packages file is offered, the first that Release lists is taken.
var packed = []struct {
	suffix string
	unpack func(data []byte, limit int64) ([]byte, error)
}{
	{".xz", xz.Decode},
	{".gz", gunzip},
	{"", func(data []byte, _ int64) ([]byte, error) { return data, nil }},
}

func gunzip(data []byte, limit int64) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(out)) > limit {
		err = fmt.Errorf("it is larger than %d bytes", limit)
	}
	return out, err
}

// fetchPackages gives the Packages file of a component, from the cache when it is there.
func (c *Client) fetchPackages(ctx context.Context, rel *release, spec SourceSpec, component, arch string) (*packagesFile, error) {
	dir := component + "/binary-" + arch + "/"
	form := -1
	var sum fileSum
	for i, p := range packed {
		if s, ok := rel.sums[dir+"Packages"+p.suffix]; ok {
			form, sum = i, s
			break
		}
	}
	if form < 0 {
		return nil, diag.Errorf(spec.Pos, "cannot use %s %s: it has no packages of component %q for %s", spec.URI, spec.Suite, component, arch).
			Hint("it has the components %s for the architectures %s", strings.Join(rel.components, ", "), strings.Join(rel.arches, ", "))
	}
	out := &packagesFile{date: rel.date, pin: rel.pin(), source: lock.Source{
		URI: spec.URI, Suite: spec.Suite, Component: component, Date: rel.date.Format(time.RFC3339),
		Release: rel.sha256, Packages: sum.sha256, Signers: rel.signers}}

	// Release lists the unpacked file too, also where a mirror does not offer it
	plain, known := rel.sums[dir+"Packages"]
	if known {
		if out.data = c.cached(plain); out.data != nil {
			return out, nil
		}
	}
	url, data, err := c.download(ctx, rel, spec, dir, packed[form].suffix, sum)
	if err != nil {
		return nil, err
	}
	limit := int64(maxPackages)
	if known {
		limit = min(limit, plain.size)
	}
	if out.data, err = packed[form].unpack(data, limit); err != nil {
		return nil, diag.Errorf(spec.Pos, "cannot unpack %s: %w", url, err)
	}
	if known {
		if err := plain.check(out.data); err != nil {
			return nil, diag.Errorf(spec.Pos, "cannot use %s, unpacked: %w", url, err)
		}
		if err := c.keep(plain, out.data); err != nil {
			return nil, diag.Errorf(diag.Position{}, "cannot keep a package index in %s: %w", c.opt.CacheDir, err)
		}
	}
	return out, nil
}

// download fetches a listed file by its hash, or by its name where the mirror does not know hashes.
func (c *Client) download(ctx context.Context, rel *release, spec SourceSpec, dir, suffix string, sum fileSum) (url string, data []byte, err error) {
	base := spec.URI + "/dists/" + spec.Suite + "/" + dir
	err = errNotFound
	if rel.byHash {
		url = base + "by-hash/SHA256/" + sum.sha256
		data, err = c.http.get(ctx, url, sum.size)
	}
	if errors.Is(err, errNotFound) {
		url = base + "Packages" + suffix
		data, err = c.http.get(ctx, url, sum.size)
	}
	if err != nil {
		return url, nil, unreachable(spec, url, err)
	}
	if err := sum.check(data); err != nil {
		return url, nil, diag.Errorf(spec.Pos, "cannot trust %s: %w", url, err).
			Hint("the mirror may be in the middle of an update: try again in a few minutes").
			Hint("otherwise something on the way changes it: choose another mirror")
	}
	return url, data, nil
}

// check compares data with the line in Release.
func (s fileSum) check(data []byte) error {
	if int64(len(data)) != s.size {
		return fmt.Errorf("it has %d bytes where the release file says %d", len(data), s.size)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != s.sha256 {
		return fmt.Errorf("its SHA-256 is %x where the release file says %s", sum, s.sha256)
	}
	return nil
}

// cachePath is where the index whose unpacked content has this hash is kept.
func (c *Client) cachePath(s fileSum) string {
	return filepath.Join(c.opt.CacheDir, s.sha256+".zst")
}

// cached reads an index from the cache; nil when it is not there or not what Release says.
func (c *Client) cached(s fileSum) []byte {
	data, err := os.ReadFile(c.cachePath(s))
	if err != nil || s.size > maxPackages {
		return nil
	}
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPackages))
	if err != nil {
		return nil
	}
	defer r.Close()
	out, err := r.DecodeAll(data, make([]byte, 0, s.size))
	if err != nil || s.check(out) != nil {
		return nil
	}
	return out
}

// keep writes an index into the cache, whole or not at all.
func (c *Client) keep(s fileSum, data []byte) error {
	if err := os.MkdirAll(c.opt.CacheDir, 0o755); err != nil {
		return err
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	defer w.Close() //nolint:errcheck // it frees memory; the end of the stream is written below
	if err := (wholefile.Writer{Prefix: tempPrefix}).Bytes(c.cachePath(s), w.EncodeAll(data, nil)); err != nil {
		return err
	}
	return c.prune()
}

// tempPrefix starts the names of files that are being written.
const tempPrefix = ".index."

// maxAge is how long an index stays in the cache. Even Debian's stable main changes every two months.
const maxAge = 90 * 24 * time.Hour

// prune removes old indexes, and what a killed process left half-written.
func (c *Client) prune() error {
	entries, err := os.ReadDir(c.opt.CacheDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // another process was faster
		}
		age := c.opt.Now().Sub(info.ModTime())
		if age > maxAge && strings.HasSuffix(e.Name(), ".zst") || age > clockSkew && strings.HasPrefix(e.Name(), tempPrefix) {
			err = os.Remove(filepath.Join(c.opt.CacheDir, e.Name()))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
