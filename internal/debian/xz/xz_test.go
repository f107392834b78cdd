package xz

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	xi2 "github.com/xi2/xz"
)

// textSum is the SHA-256 of the 60,000 bytes in blocks.xz; the other files
// hold the start of the same text. All were made by xz 5.4.
const textSum = "7d8882062977f17150ea092079c760cf1f1856cb47f09a31b9eb995e24a4a939"

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func text(t testing.TB) []byte {
	t.Helper()
	out, err := Decode(read(t, "blocks.xz"), 60000)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(out); hex.EncodeToString(sum[:]) != textSum {
		t.Fatal("the content of blocks.xz is wrong")
	}
	return out
}

func TestDecode(t *testing.T) {
	whole := text(t)
	for _, c := range []struct {
		file   string
		blocks int // as readIndex sees them, -1 when it declines
		size   int
	}{
		{"blocks.xz", 8, 60000},
		{"one.xz", 1, 3000},
		{"bcj.xz", 3, 3000}, // a filter before LZMA2 and no checksum
		{"streams.xz", -1, 1200},
		{"empty.xz", 0, 0},
	} {
		data := read(t, c.file)
		blocks, total, ok := readIndex(data)
		if ok != (c.blocks >= 0) || ok && (len(blocks) != c.blocks || total != uint64(c.size)) {
			t.Errorf("%s: index: %d blocks, %d bytes, %v", c.file, len(blocks), total, ok)
		}
		out, err := Decode(data, int64(c.size))
		if err != nil || !bytes.Equal(out, whole[:c.size]) {
			t.Errorf("%s: %d bytes, error %v", c.file, len(out), err)
		}
		if c.size == 0 {
			continue
		}
		out, err = Decode(data, int64(c.size)-1)
		if !errors.Is(err, ErrTooLarge) || out != nil {
			t.Errorf("%s over the limit: %d bytes, error %v", c.file, len(out), err)
		}
	}
}

func TestDecodeLimitInMessage(t *testing.T) {
	want := "xz: the content is larger than the limit of 7 bytes"
	for _, f := range []string{"blocks.xz", "one.xz"} {
		if _, err := Decode(read(t, f), 7); err == nil || err.Error() != want {
			t.Errorf("%s: %v", f, err)
		}
	}
	if _, err := Decode(read(t, "one.xz"), -1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a negative limit: %v", err)
	}
	if out, err := Decode(read(t, "empty.xz"), -1); err != nil || len(out) != 0 {
		t.Errorf("nothing fits into any limit: %v", err)
	}
}

func TestDecodeDamaged(t *testing.T) {
	for _, f := range []string{"blocks.xz", "one.xz", "streams.xz"} {
		good := read(t, f)
		content, err := Decode(good, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(good); i += 1 + len(good)/150 {
			bad := bytes.Clone(good)
			bad[i] ^= 0x10
			// the range coder's first byte counts for nothing, so a flip there does no harm
			if out, err := Decode(bad, 1<<20); err == nil && !bytes.Equal(out, content) {
				t.Errorf("%s: a flipped bit in byte %d was not noticed", f, i)
			}
			if _, err := Decode(good[:i], 1<<20); err == nil {
				t.Errorf("%s: only %d bytes of it decode without an error", f, i)
			}
		}
	}
	if _, err := Decode([]byte("#!/bin/sh\nexit 0\n# long enough for a header\n"), 100); !errors.Is(err, xi2.ErrFormat) {
		t.Errorf("not an .xz file: %v", err)
	}
	if _, err := Decode(nil, 100); err == nil {
		t.Error("an empty file is not an .xz file")
	}
}

// reindex replaces the index of blocks.xz by one that says what edit makes of
// the records, with right checksums all over.
func reindex(t *testing.T, edit func([]block) []block) []byte {
	t.Helper()
	data := read(t, "blocks.xz")
	blocks, _, _ := readIndex(data)
	end := blocks[len(blocks)-1]
	index := binary.AppendUvarint([]byte{0}, uint64(len(edit(blocks))))
	for _, b := range edit(blocks) {
		index = binary.AppendUvarint(binary.AppendUvarint(index, b.unpadded), b.size)
	}
	for len(index)%4 != 0 {
		index = append(index, 0)
	}
	index = binary.LittleEndian.AppendUint32(index, crc32.ChecksumIEEE(index))
	footer := bytes.Clone(data[len(data)-headerSize:])
	binary.LittleEndian.PutUint32(footer[4:], uint32(len(index)/4-1))
	binary.LittleEndian.PutUint32(footer, crc32.ChecksumIEEE(footer[4:10]))
	return append(append(bytes.Clone(data[:end.in+end.padded()]), index...), footer...)
}

func TestDecodeForgedIndex(t *testing.T) {
	same := func(b []block) []block { return b }
	if out, err := Decode(reindex(t, same), 60000); err != nil || len(out) != 60000 {
		t.Fatalf("the index as it was: %d bytes, %v", len(out), err)
	}
	change := func(i int, size, unpadded int) func([]block) []block {
		return func(b []block) []block {
			b = append([]block(nil), b...)
			b[i].size += uint64(size)
			b[i].unpadded += uint64(unpadded)
			return b
		}
	}
	for name, edit := range map[string]func([]block) []block{
		"a block is longer":          change(3, 1, 0),
		"a block is shorter":         change(3, -1, 0),
		"the last is longer":         change(7, 1, 0),
		"the last is shorter":        change(7, -1, 0),
		"a block takes more room":    change(2, 0, 4),
		"a block is missing":         func(b []block) []block { return b[:7] },
		"a block is empty":           change(0, -8192, 0),
		"a content of exabytes":      change(0, 1<<61, 0),
		"contents that overflow":     func(b []block) []block { return change(1, 1<<62-8192, 0)(change(0, 1<<62-8192, 0)(b)) },
		"one block more than stored": func(b []block) []block { return append(append([]block(nil), b...), b[0]) },
	} {
		if out, err := Decode(reindex(t, edit), 1<<30); err == nil {
			t.Errorf("%s: %d bytes without an error", name, len(out))
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"one.xz", "streams.xz", "bcj.xz", "empty.xz"} {
		f.Add(read(f, name))
	}
	f.Add([]byte(magic))
	const limit = 1 << 16
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := Decode(data, limit)
		if len(out) > limit {
			t.Fatalf("%d bytes", len(out))
		}
		serial, serialErr := decodeSerial(data, 0, limit)
		if err == nil && serialErr == nil && !bytes.Equal(out, serial) {
			t.Error("the two ways give different bytes")
		}
		if err == nil && serialErr != nil {
			t.Errorf("in parallel it decodes, in a row not: %v", serialErr)
		}
	})
}
