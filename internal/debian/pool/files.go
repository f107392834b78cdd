package pool

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"

	"github.com/plinth-build/plinth/internal/debian/deb"
	"github.com/plinth-build/plinth/internal/lock"
)

// Files calls fn for each file and link of the package in its order, with the
// content of a file. With docs the documentation follows the rest. Directories
// are in Package.Entries only. The content is checked before the first call; a
// damaged package is an error, which Verify prevents.
func (p *Pool) Files(pkg *Package, docs bool, fn func(e Entry, content io.Reader) error) error {
	if err := p.copySections(io.Discard, pkg, docs, true, make([]byte, 256<<10)); err != nil {
		return err
	}
	f, err := os.Open(p.path(pkg.SHA256, ".tar.gz"))
	if err != nil {
		return damagedError{pkg.SHA256}
	}
	defer f.Close()
	var want []Entry
	for _, doc := range []bool{false, true} {
		for _, e := range pkg.Entries {
			if e.Doc == doc && e.Type != deb.Dir && !deb.IsTopLink(e.Path) && (docs || !doc) {
				want = append(want, e)
			}
		}
	}
	size := pkg.Main.Size
	if docs {
		size += pkg.Docs.Size
	}
	if len(want) == 0 {
		return nil
	}
	z, err := gzip.NewReader(io.LimitReader(f, size))
	if err != nil {
		return damagedError{pkg.SHA256}
	}
	tr := tar.NewReader(z)
	for _, e := range want {
		h, err := tr.Next()
		if err != nil || h.Name != e.Path {
			return damagedError{pkg.SHA256}
		}
		content := &io.LimitedReader{R: tr, N: e.Size}
		if err := fn(e, content); err != nil {
			return fmt.Errorf("cannot take %s of package %s: %w", e.Path, pkg.Name(), err)
		}
	}
	return nil
}

// Verify reads all of the packages and fetches the damaged ones again.
func (p *Pool) Verify(ctx context.Context, debs []lock.Deb, docs bool, log io.Writer) error {
	packages, err := p.Get(ctx, debs, log)
	if err != nil {
		return err
	}
	buf := make([]byte, 256<<10)
	for i, pkg := range packages {
		err := p.copySections(io.Discard, pkg, docs, true, buf)
		var damaged damagedError
		if errors.As(err, &damaged) {
			(&lineLog{w: log}).printf("%v, fetching it again", err)
			if err = p.forget(damaged.sum); err == nil {
				_, err = p.Get(ctx, debs[i:i+1], log)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
