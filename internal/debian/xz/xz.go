// Package xz decompresses one .xz file that is held in memory, its blocks in
// parallel.
//
// Debian compresses Packages.xz and most .debs with threads, which cuts the
// data into independent blocks of a few MiB and lists them in an index at the
// end of the file. Decompressing LZMA2 is the floor under everything a package
// image costs, so the blocks are spread over all processors:
//
//	the index gives each block's place in the input and in the output
//	a block is wrapped into a one-block .xz of its own: the file's header, the
//	block, a new index and a new footer
//	each goes to the ordinary decoder, which checks the block's own checksum
//
// A file whose index cannot be used that way (several streams, stream padding,
// one block) is decoded in a row. Neither way gives bytes that the file's own
// checksums do not confirm.
//
// A .xz may say that it holds exabytes: the caller names a limit, and nothing
// beyond it is allocated.
package xz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	xi2 "github.com/xi2/xz"
)

// ErrTooLarge is returned, wrapped, when the content is larger than the limit.
var ErrTooLarge = errors.New("xz: the content is larger than the limit")

// dictMax is the largest LZMA2 dictionary that is accepted, in bytes: that of xz -9.
const dictMax = xi2.DefaultDictMax

const (
	headerSize = 12 // stream header and stream footer are of one size
	magic      = "\xfd7zXZ\x00"
	footMagic  = "YZ"
	// maxExpand bounds how many bytes a byte of LZMA2 can stand for: the longest
	// match has 273 bytes and costs about 0.3 bits at best.
	maxExpand = 8192
)

// Decode returns the content of the .xz file in data. An error wraps
// ErrTooLarge when the content has more than limit bytes; any other error
// means that data is no .xz file or that it is damaged.
func Decode(data []byte, limit int64) ([]byte, error) {
	limit = max(limit, 0)
	blocks, total, ok := readIndex(data)
	if !ok {
		return decodeSerial(data, 0, limit)
	}
	if total > uint64(limit) {
		return nil, fmt.Errorf("%w of %d bytes", ErrTooLarge, limit)
	}
	if len(blocks) < 2 {
		return decodeSerial(data, total, limit)
	}
	return decodeBlocks(data, blocks, total)
}

// block is one block's place in the input and in the output, in bytes.
type block struct {
	in       uint64 // offset of the block in the file
	unpadded uint64 // size in the file without the padding to 4 bytes
	out      uint64 // offset of its content in the output
	size     uint64 // size of its content
}

func (b block) padded() uint64 { return (b.unpadded + 3) &^ 3 }

// readIndex reads the index of a file that is one stream without padding. It
// returns false for every other file: the decoder has the word about those.
func readIndex(data []byte) (blocks []block, total uint64, ok bool) {
	if len(data) < 2*headerSize+8 || string(data[:6]) != magic || string(data[len(data)-2:]) != footMagic {
		return nil, 0, false
	}
	footer := data[len(data)-headerSize:]
	size := (uint64(binary.LittleEndian.Uint32(footer[4:8])) + 1) * 4
	if size < 8 || size > uint64(len(data)-2*headerSize) ||
		crc32.ChecksumIEEE(footer[4:10]) != binary.LittleEndian.Uint32(footer) || string(footer[8:10]) != string(data[6:8]) {
		return nil, 0, false
	}
	start := uint64(len(data)-headerSize) - size
	index := data[start : start+size]
	body, sum := index[:size-4], binary.LittleEndian.Uint32(index[size-4:])
	if body[0] != 0 || crc32.ChecksumIEEE(body) != sum {
		return nil, 0, false
	}
	body = body[1:]
	next := func() (uint64, bool) {
		v, n := binary.Uvarint(body)
		if n <= 0 || v > 1<<62 {
			return 0, false
		}
		body = body[n:]
		return v, true
	}
	count, ok := next()
	if !ok || count > uint64(len(body)) {
		return nil, 0, false
	}
	at := uint64(headerSize)
	for range count {
		unpadded, ok1 := next()
		content, ok2 := next()
		if !ok1 || !ok2 || unpadded == 0 || unpadded > start || total+content > 1<<62 {
			return nil, 0, false
		}
		b := block{in: at, unpadded: unpadded, out: total, size: content}
		if at += b.padded(); at > start {
			return nil, 0, false
		}
		total += content
		blocks = append(blocks, b)
	}
	return blocks, total, at == start && len(body) < 4 && total/maxExpand <= uint64(len(data))
}

// decodeBlocks decodes each block into its place, on as many processors as there are.
func decodeBlocks(data []byte, blocks []block, total uint64) ([]byte, error) {
	out := make([]byte, total)
	var next atomic.Int64
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(blocks))
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			var r *xi2.Reader // kept over blocks: it holds the dictionary
			for errs[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(blocks) {
					return
				}
				b := blocks[i]
				r, errs[w] = decodeBlock(r, wrap(data, b), out[b.out:b.out+b.size])
			}
			next.Store(int64(len(blocks))) // the others need not go on
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

// wrap gives a .xz file that holds the block b alone.
func wrap(data []byte, b block) io.Reader {
	index := binary.AppendUvarint([]byte{0, 1}, b.unpadded)
	index = binary.AppendUvarint(index, b.size)
	for len(index)%4 != 0 {
		index = append(index, 0)
	}
	index = binary.LittleEndian.AppendUint32(index, crc32.ChecksumIEEE(index))
	footer := make([]byte, headerSize)
	binary.LittleEndian.PutUint32(footer[4:], uint32(len(index)/4-1))
	copy(footer[8:10], data[6:8]) // the kind of checksum, as in the header
	copy(footer[10:], footMagic)
	binary.LittleEndian.PutUint32(footer, crc32.ChecksumIEEE(footer[4:10]))
	return io.MultiReader(bytes.NewReader(data[:headerSize]), bytes.NewReader(data[b.in:b.in+b.padded()]),
		bytes.NewReader(index), bytes.NewReader(footer))
}

// decodeBlock fills out from the file in, reusing r when there is one.
func decodeBlock(r *xi2.Reader, in io.Reader, out []byte) (_ *xi2.Reader, err error) {
	defer guard(&err)
	if r == nil {
		r, err = xi2.NewReader(in, dictMax)
	} else {
		err = r.Reset(in)
	}
	if err == nil {
		_, err = io.ReadFull(r, out)
	}
	if err == nil { // read on to the end: only there are the checksum and the index compared
		var more bool
		if more, err = hasMore(r); more {
			err = xi2.ErrData
		}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = xi2.ErrData
	}
	return r, err
}

// hasMore reads one byte more than was expected. Its error is never io.EOF.
func hasMore(r io.Reader) (bool, error) {
	var one [1]byte
	n, err := io.ReadFull(r, one[:])
	if err == io.EOF {
		err = nil
	}
	return n > 0, err
}

// decodeSerial decodes any .xz file in one go. hint is the content's size as
// the index tells it, 0 when unknown.
func decodeSerial(data []byte, hint uint64, limit int64) (_ []byte, err error) {
	defer guard(&err)
	r, err := xi2.NewReader(bytes.NewReader(data), dictMax)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(int(hint) + bytes.MinRead)
	if _, err := io.Copy(&out, io.LimitReader(r, limit)); err != nil {
		return nil, err
	}
	more, err := hasMore(r)
	if err != nil {
		return nil, err
	}
	if more {
		return nil, fmt.Errorf("%w of %d bytes", ErrTooLarge, limit)
	}
	return out.Bytes(), nil
}

// guard turns a panic of the decoder over damaged data into an error.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", xi2.ErrData, r)
	}
}
