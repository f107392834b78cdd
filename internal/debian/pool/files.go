package pool

import (
	"archive/tar"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"

	"github.com/plinth-build/plinth/internal/debian/deb"
)

// Files calls fn for each file and link of the package in its order, with the
// content of a file. With docs the documentation follows the rest. Directories
// are in Package.Entries only. The error is one of fn, or says that the
// package is damaged; then Layer over it or a new Get after Forget mends it.
func (p *Pool) Files(pkg *Package, docs bool, fn func(e Entry, content io.Reader) error) error {
	f, err := os.Open(p.path(pkg.SHA256, ".tar.gz"))
	if err != nil {
		return errDamaged{pkg.SHA256}
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
		return errDamaged{pkg.SHA256}
	}
	tr := tar.NewReader(z)
	for _, e := range want {
		h, err := tr.Next()
		if err != nil || h.Name != e.Path {
			return errDamaged{pkg.SHA256}
		}
		content := &io.LimitedReader{R: tr, N: e.Size}
		if err := fn(e, content); err != nil {
			return fmt.Errorf("cannot take %s of package %s: %w", e.Path, pkg.Name(), err)
		}
	}
	return nil
}
