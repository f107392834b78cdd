package layer

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
)

// contents gives the contents of files out of their layers.
//
// A layer that can be read anywhere is. Any other one, and files with holes in
// any of them, are read from the beginning to the end, once; what comes before
// it is needed goes to a temporary file. Only for a file with holes it is begun
// again: such a file may be longer than any disk.
type contents struct {
	ctx    context.Context
	blobs  []Blob
	layers []*source // nil for layers of which nothing is needed
	temp   string
	kept   *os.File
	end    int64 // of kept
}

// source is a layer that contents are taken from.
type source struct {
	blob   Blob
	wanted map[int]bool // by entry.num: what is still to be taken from the stream
	file   *opened      // for reading anywhere
	stream *opened
	tar    *tar.Reader // of stream
	next   int         // the number of the stream's next header
	kept   map[int]*io.SectionReader
}

// errChanged is the error of a layer that differs from one time of reading to the next.
var errChanged = errors.New("it changed while it was being read")

func newContents(ctx context.Context, blobs []Blob, items []item, temp string) *contents {
	c := &contents{ctx: ctx, blobs: blobs, layers: make([]*source, len(blobs)), temp: temp}
	for _, it := range items {
		if it.kind != kindFile || it.inode.content.size == 0 {
			continue
		}
		layer := it.inode.layer
		if c.layers[layer] == nil {
			c.layers[layer] = &source{blob: blobs[layer], wanted: map[int]bool{}, kept: map[int]*io.SectionReader{}}
		}
		c.layers[layer].wanted[it.inode.content.num] = true
	}
	return c
}

func (c *contents) close() {
	for _, s := range c.layers {
		if s != nil {
			s.close()
		}
	}
	if c.kept != nil {
		c.kept.Close()
	}
}

func (s *source) close() {
	for _, o := range []*opened{s.file, s.stream} {
		if o != nil {
			o.close()
		}
	}
	s.file, s.stream = nil, nil
}

// copy writes the content of a file.
func (c *contents) copy(w io.Writer, in *inode, buf []byte) error {
	s := c.layers[in.layer]
	r, err := c.reader(s, in.content)
	if err != nil {
		return damaged(c.ctx, s.blob, err)
	}
	from := &failing{r: &cancelable{c.ctx, r}}
	n, err := io.CopyBuffer(struct{ io.Writer }{w}, from, buf)
	switch {
	case from.err != nil:
		return damaged(c.ctx, s.blob, from.err)
	case err != nil:
		return err
	case n != in.content.size:
		return damaged(c.ctx, s.blob, io.ErrUnexpectedEOF)
	}
	if delete(s.wanted, in.content.num); len(s.wanted) == 0 {
		s.close()
	}
	return nil
}

// failing tells errors of reading from those of writing.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// reader gives the content of e, from wherever it is.
func (c *contents) reader(s *source, e *entry) (io.Reader, error) {
	if r := s.kept[e.num]; r != nil {
		return r, nil
	}
	if s.file == nil && s.stream == nil {
		o, err := open(c.ctx, s.blob, nil)
		if err != nil {
			return nil, err
		}
		if o.at != nil {
			s.file = o
		} else {
			s.stream = o
		}
	}
	if s.file != nil && e.data >= 0 {
		return io.NewSectionReader(s.file.at, e.data, e.size), nil
	}
	if s.stream != nil && e.num < s.next {
		s.stream.close()
		s.stream, s.tar, s.next = nil, nil, 0
	}
	if s.stream == nil {
		o, err := open(c.ctx, s.blob, nil)
		if err != nil {
			return nil, err
		}
		s.stream = o
	}
	return c.advance(s, e)
}

// advance reads the layer's stream as far as e.
func (c *contents) advance(s *source, e *entry) (io.Reader, error) {
	if s.tar == nil {
		s.tar = tar.NewReader(s.stream.tar)
	}
	for {
		h, err := s.tar.Next()
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return nil, noEOF(err)
		}
		num := s.next
		s.next++
		switch {
		case num == e.num && h.Size == e.size:
			return s.tar, nil
		case num >= e.num:
			return nil, errChanged
		case s.wanted[num] && s.file == nil && s.kept[num] == nil && !isSparse(h):
			if s.kept[num], err = c.keep(s.tar); err != nil {
				return nil, err
			}
		}
	}
}

// keep copies a content that is needed later.
func (c *contents) keep(r io.Reader) (*io.SectionReader, error) {
	if c.kept == nil {
		f, err := os.CreateTemp(c.temp, "plinth-layer-")
		if err != nil {
			return nil, err
		}
		c.kept = f
		if err := os.Remove(f.Name()); err != nil {
			return nil, err
		}
	}
	from := c.end
	n, err := io.Copy(io.NewOffsetWriter(c.kept, from), &cancelable{c.ctx, r})
	c.end += n
	return io.NewSectionReader(c.kept, from, n), noEOF(err)
}
