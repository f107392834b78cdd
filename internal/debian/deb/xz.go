package deb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"

	xi2 "github.com/xi2/xz"

	"github.com/plinth-build/plinth/internal/debian/xz"
)

// The big packages are xz files of many independent blocks (24 MiB of content
// each, as xz -6 -T makes them). Decoding such a file whole would hold a JDK
// in memory, so the blocks are decoded side by side a few ahead of the reader
// and handed out in order. Every block is wrapped into a one-block file for the
// ordinary decoder, which checks the block's own checksum.
//
// A file with one block, several streams or an index that does not fit is
// decoded in a row, with the decoder's 8 MiB window as the only memory.

const (
	xzHeader = 12 // stream header and stream footer are of one size
	// maxBlock is the largest content of a block that is decoded in memory, bytes.
	maxBlock = 64 << 20
	// ahead is how many blocks of one file are held at most beside the one that is read.
	ahead = 4
)

// xzBlock is one block's place in the file and its content's size, bytes.
type xzBlock struct{ at, unpadded, size int64 }

// newXZ reads the content of the .xz file r of size bytes.
func newXZ(r io.ReaderAt, size int64) (io.ReadCloser, error) {
	blocks, header := xzIndex(r, size)
	if len(blocks) < 2 {
		dec, err := xi2.NewReader(io.NewSectionReader(r, 0, size), xi2.DefaultDictMax)
		if err != nil {
			return nil, err
		}
		return io.NopCloser(&guarded{dec}), nil
	}
	p := &parallel{quit: make(chan struct{}), queue: make(chan chan decoded, max(1, min(ahead, runtime.GOMAXPROCS(0))-1))}
	go p.run(r, header, blocks)
	return p, nil
}

// guarded turns a panic of the decoder over damaged data into an error.
type guarded struct{ r io.Reader }

func (g *guarded) Read(b []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = 0, fmt.Errorf("%w: %v", xi2.ErrData, p)
		}
	}()
	return g.r.Read(b)
}

type decoded struct {
	data []byte
	err  error
}

// parallel hands out decoded blocks in order. Its queue bounds how many are held.
type parallel struct {
	quit  chan struct{}
	queue chan chan decoded
	rest  []byte
	err   error
}

func (p *parallel) run(r io.ReaderAt, header []byte, blocks []xzBlock) {
	defer close(p.queue)
	for _, b := range blocks {
		c := make(chan decoded, 1)
		select {
		case p.queue <- c:
		case <-p.quit:
			return
		}
		go func() {
			file, err := wrapBlock(r, header, b)
			var d decoded
			if err == nil {
				d.data, err = xz.Decode(file, b.size)
			}
			if err == nil && int64(len(d.data)) != b.size {
				err = xi2.ErrData
			}
			d.err = err
			c <- d
		}()
	}
}

func (p *parallel) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		c, ok := <-p.queue
		if !ok {
			p.err = io.EOF
			continue
		}
		d := <-c
		p.rest, p.err = d.data, d.err
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	if len(p.rest) == 0 {
		p.rest = nil
	}
	return n, nil
}

// Close stops decoding. A block that is being decoded is dropped when it is done.
func (p *parallel) Close() error {
	select {
	case <-p.quit:
	default:
		close(p.quit)
	}
	return nil
}

// xzIndex reads the index of a file that is one stream without padding. It
// returns none for every other file: the decoder has the word about those.
func xzIndex(r io.ReaderAt, size int64) (blocks []xzBlock, header []byte) {
	if size < 2*xzHeader+8 {
		return nil, nil
	}
	header, footer := make([]byte, xzHeader), make([]byte, xzHeader)
	if _, err := r.ReadAt(header, 0); err != nil || string(header[:6]) != "\xfd7zXZ\x00" {
		return nil, nil
	}
	if _, err := r.ReadAt(footer, size-xzHeader); err != nil || string(footer[10:]) != "YZ" {
		return nil, nil
	}
	length := (int64(binary.LittleEndian.Uint32(footer[4:8])) + 1) * 4
	start := size - xzHeader - length
	if start < xzHeader || length > 1<<20 || crc32.ChecksumIEEE(footer[4:10]) != binary.LittleEndian.Uint32(footer) ||
		!bytes.Equal(footer[8:10], header[6:8]) {
		return nil, nil
	}
	index := make([]byte, length)
	if _, err := r.ReadAt(index, start); err != nil || index[0] != 0 {
		return nil, nil
	}
	body := index[:length-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(index[length-4:]) {
		return nil, nil
	}
	body = body[1:]
	next := func() int64 {
		v, n := binary.Uvarint(body)
		if n <= 0 || v > 1<<50 {
			return -1
		}
		body = body[n:]
		return int64(v)
	}
	at := int64(xzHeader)
	for range next() {
		b := xzBlock{at: at, unpadded: next(), size: next()}
		if b.unpadded <= 0 || b.size < 0 || b.size > maxBlock || b.unpadded > start {
			return nil, nil
		}
		if at += (b.unpadded + 3) &^ 3; at > start {
			return nil, nil
		}
		blocks = append(blocks, b)
	}
	if at != start || len(body) > 3 {
		return nil, nil
	}
	return blocks, header
}

// wrapBlock reads block b and makes a .xz file of it alone.
func wrapBlock(r io.ReaderAt, header []byte, b xzBlock) ([]byte, error) {
	padded := (b.unpadded + 3) &^ 3
	file := make([]byte, xzHeader+padded, xzHeader+padded+64)
	copy(file, header)
	if _, err := r.ReadAt(file[xzHeader:], b.at); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	index := binary.AppendUvarint([]byte{0, 1}, uint64(b.unpadded))
	index = binary.AppendUvarint(index, uint64(b.size))
	for len(index)%4 != 0 {
		index = append(index, 0)
	}
	index = binary.LittleEndian.AppendUint32(index, crc32.ChecksumIEEE(index))
	var footer [xzHeader]byte
	binary.LittleEndian.PutUint32(footer[4:], uint32(len(index)/4-1))
	copy(footer[8:10], header[6:8])
	copy(footer[10:], "YZ")
	binary.LittleEndian.PutUint32(footer[:], crc32.ChecksumIEEE(footer[4:10]))
	return append(append(file, index...), footer[:]...), nil
}
