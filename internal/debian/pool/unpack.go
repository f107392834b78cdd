package pool

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/plinth-build/plinth/internal/debian/deb"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/wholefile"
)

// unpack makes both files of package d from the .deb at file. The content goes
// through as a stream: decompressed, normalised, hashed, compressed again.
func (p *Pool) unpack(ctx context.Context, file string, d lock.Deb) (_ *Package, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	archive, err := deb.Open(f, d.Size)
	if err != nil {
		return nil, err
	}
	pkg := &Package{SHA256: d.SHA256, Small: map[string][]byte{}}
	if pkg.Control, err = archive.Control(); err != nil {
		return nil, err
	}
	if pkg.Stanza, err = deb.ParseControl(pkg.Control["control"]); err != nil {
		return nil, err
	}
	if name, version := pkg.Name(), pkg.Stanza.Get("Version"); name != d.Name || version != d.Version {
		return nil, fmt.Errorf("it says that it is %s %s", name, version)
	}
	out, err := os.CreateTemp(p.tmp(), "tar-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(out.Name()) // fails after the rename, as it should
	defer out.Close()
	if err := pkg.fill(ctx, archive, out, p.jobs); err != nil {
		return nil, err
	}
	if err := errors.Join(out.Chmod(0o644), out.Close()); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(p.path(d.SHA256, "")), 0o755); err != nil {
		return nil, err
	}
	// the metadata goes last: where it is, the package is whole
	if err := os.Rename(out.Name(), p.path(d.SHA256, ".tar.gz")); err != nil {
		return nil, err
	}
	return pkg, p.writeFile(p.path(d.SHA256, ".meta"), encodeMeta(pkg))
}

// fill walks the archive, writes the sections to out and fills in the rest of pkg.
func (pkg *Package) fill(ctx context.Context, archive *deb.Archive, out io.Writer, jobs int) error {
	var docs bytes.Buffer // documentation is small; it goes behind the rest
	main, doc := newSection(out, jobs), newSection(&docs, 1)
	err := archive.Walk(func(e deb.Entry, content io.Reader) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		entry := Entry{Entry: e, Doc: isDoc(e)}
		if e.Type != deb.Dir && !deb.IsTopLink(e.Path) {
			section := main
			if entry.Doc {
				section = doc
			}
			pkg.Newest = max(pkg.Newest, e.MTime)
			sum := sha256.New()
			var small bytes.Buffer
			content = io.TeeReader(content, sum)
			if isSmall(e) {
				content = io.TeeReader(content, &small)
			}
			if err := section.add(e, content); err != nil {
				return err
			}
			if e.Type == deb.File {
				sum.Sum(entry.Sum[:0])
			}
			if isSmall(e) {
				pkg.Small[e.Path] = small.Bytes()
			}
		}
		pkg.Entries = append(pkg.Entries, entry)
		return nil
	})
	// both are closed whatever happened: their goroutines end there
	var err1, err2 error
	pkg.Main, err1 = main.close()
	pkg.Docs, err2 = doc.close()
	if err := errors.Join(err, err1, err2); err != nil {
		return err
	}
	_, err = out.Write(docs.Bytes())
	return err
}

// section writes tar entries without an end mark as gzip members and keeps account of them.
type section struct {
	tw   *tar.Writer
	gz   *members
	sum  hash.Hash
	size counter
	raw  counter
}

// counter counts the bytes written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func newSection(dst io.Writer, jobs int) *section {
	s := &section{sum: sha256.New()}
	s.gz = newMembers(io.MultiWriter(dst, s.sum, &s.size), jobs)
	s.tw = tar.NewWriter(io.MultiWriter(s.gz, &s.raw))
	return s
}

// Header is the tar header of an entry as it stands in layers: names and times
// of owners are left out, and the format is the plainest that holds it.
func Header(e deb.Entry) *tar.Header {
	h := &tar.Header{Name: e.Path, Linkname: e.Link, Mode: int64(e.Mode), Uid: e.UID, Gid: e.GID, ModTime: time.Unix(e.MTime, 0)}
	switch e.Type {
	case deb.Dir:
		h.Typeflag, h.Name = tar.TypeDir, e.Path+"/"
	case deb.File:
		h.Typeflag, h.Size = tar.TypeReg, e.Size
	case deb.Symlink:
		h.Typeflag = tar.TypeSymlink
	case deb.Link:
		h.Typeflag = tar.TypeLink
	}
	return h
}

func (s *section) add(e deb.Entry, content io.Reader) error {
	if err := s.tw.WriteHeader(Header(e)); err != nil {
		return fmt.Errorf("cannot write %q: %w", e.Path, err)
	}
	if e.Type == deb.File {
		if _, err := io.Copy(s.tw, content); err != nil {
			return fmt.Errorf("cannot read %q: %w", e.Path, err)
		}
	}
	if err := s.tw.Flush(); err != nil { // pads the entry; says so when the content was short
		return fmt.Errorf("cannot read %q: %w", e.Path, err)
	}
	return nil
}

// close ends the section. The tar writer is not closed: that would write the end mark.
func (s *section) close() (Section, error) {
	err := s.gz.Close()
	out := Section{Size: int64(s.size), Raw: int64(s.raw)}
	s.sum.Sum(out.Sum[:0])
	return out, err
}

// writeFile writes a file of the pool whole or not at all.
func (p *Pool) writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return wholefile.Writer{TempDir: p.tmp(), Prefix: "file-"}.Bytes(path, data)
}
