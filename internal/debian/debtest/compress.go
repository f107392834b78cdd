package debtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// compress packs data as "xz", "zst" or "gz"; "" leaves it as it is.
func compress(kind string, data []byte) ([]byte, error) {
	switch kind {
	case "":
		return data, nil
	case "xz":
		return XZ(data, 1<<16), nil
	case "zst":
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return w.EncodeAll(data, nil), nil
	case "gz":
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
		err := w.Close()
		return b.Bytes(), err
	}
	return nil, fmt.Errorf("no compression is called %q", kind)
}

// XZ wraps data as an .xz file with blocks of blockSize bytes that store their
// content (LZMA2 chunks without compression), as described in the .xz file
// format 1.2.0 at tukaani.org.
func XZ(data []byte, blockSize int) []byte {
	const crc32Check = 1
	flags := []byte{0, crc32Check}
	out := append([]byte("\xfd7zXZ\x00"), flags...)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(flags))
	var records []byte
	count := uint64(0)
	for len(data) > 0 {
		content := data[:min(blockSize, len(data))]
		data = data[len(content):]
		start := len(out)
		// size of the header in units of 4 less one, no flags, LZMA2 with a dictionary of 64 KiB
		header := []byte{2, 0, 0x21, 1, 8, 0, 0, 0}
		out = append(out, header...)
		out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(header))
		for rest := content; len(rest) > 0; {
			chunk := rest[:min(1<<16, len(rest))]
			control := byte(2) // stored, dictionary kept
			if len(rest) == len(content) {
				control = 1 // stored, dictionary reset
			}
			rest = rest[len(chunk):]
			out = append(out, control)
			out = binary.BigEndian.AppendUint16(out, uint16(len(chunk)-1))
			out = append(out, chunk...)
		}
		out = append(out, 0)
		body := len(out) - start
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
		out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(content))
		records = binary.AppendUvarint(binary.AppendUvarint(records, uint64(body)+4), uint64(len(content)))
		count++
	}
	index := append(binary.AppendUvarint([]byte{0}, count), records...)
	for len(index)%4 != 0 {
		index = append(index, 0)
	}
	index = binary.LittleEndian.AppendUint32(index, crc32.ChecksumIEEE(index))
	out = append(out, index...)
	footer := binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1))
	footer = append(footer, flags...)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(footer))
	return append(append(out, footer...), "YZ"...)
}
