// Command findvalue looks for values in everything below a folder: names of
// files, targets of links, extended attributes, contents. What is compressed with gzip or
// zstd is looked at decompressed too, also inside of tar archives. It knows nothing of
// plinth's own search and shares no code with it.
//
//	findvalue FOLDER FILE…
//
// Each FILE holds a value. A value is looked for as it is, in base64 (standard and
// for URLs, at each of the three places that it can have in a longer text),
// in hexadecimal, as JSON writes it, and all of these with line ends in them; of one with several
// lines, each line of 16 bytes or more as well. It prints "PATH: FILE, HOW" for each
// find and at the end how many files and bytes it looked at.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: findvalue FOLDER FILE…")
		os.Exit(64)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "cannot look for values:", err)
		os.Exit(1)
	}
}

// needle is one form of a value.
type needle struct {
	text []byte
	name string // "token, base64"
}

type finder struct {
	needles []needle
	begins  [1 << 16]bool // the first two bytes of the needles
	longest int
	out     *bufio.Writer
	files   int
	bytes   int64
}

func run(dir string, values []string) error {
	f := &finder{out: bufio.NewWriter(os.Stdout)}
	for _, file := range values {
		value, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		f.add(filepath.Base(file), bytes.TrimSpace(value))
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) { // something was still tidying up
				return nil
			}
			return err
		}
		f.text(path, filepath.Base(path))
		if err := f.attributes(path); err != nil {
			return err
		}
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			f.text(path, target)
		case d.Type().IsRegular():
			return f.file(path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(f.out, "looked at %d files, %d bytes\n", f.files, f.bytes)
	return f.out.Flush()
}

// add makes the needles of a value.
func (f *finder) add(name string, value []byte) {
	texts := [][]byte{value}
	for line := range bytes.Lines(value) {
		if line = bytes.TrimSpace(line); len(line) >= 16 && !bytes.HasPrefix(line, []byte("-----")) {
			texts = append(texts, line)
		}
	}
	for _, text := range texts {
		f.needle(name+", plain", text)
		for _, html := range []bool{true, false} {
			f.needle(name+", JSON", inJSON(text, html))
		}
		f.needle(name+", hex", []byte(hex.EncodeToString(text)))
		f.needle(name+", hex", []byte(strings.ToUpper(hex.EncodeToString(text))))
		for skip := range 3 {
			for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				all := e.EncodeToString(append(make([]byte, skip), text...))
				f.needle(name+", base64", []byte(all[(8*skip+5)/6:8*(skip+len(text))/6]))
			}
		}
	}
}

// inJSON is a text between the quotes of JSON.
func inJSON(text []byte, html bool) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	_ = e.Encode(string(text)) // strings always can be
	return bytes.Trim(b.Bytes(), "\"\n")
}

func (f *finder) needle(name string, text []byte) {
	if slices.ContainsFunc(f.needles, func(n needle) bool { return bytes.Equal(n.text, text) }) {
		return
	}
	f.needles = append(f.needles, needle{text, name})
	f.begins[int(text[0])<<8|int(text[1])] = true
	f.longest = max(f.longest, len(text))
}

func (f *finder) found(path string, n needle) { fmt.Fprintf(f.out, "%s: %s\n", path, n.name) }

// text looks at a short text.
func (f *finder) text(path, s string) {
	for _, n := range f.needles {
		if bytes.Contains([]byte(s), n.text) {
			f.found(path+" (name)", n)
		}
	}
}

func (f *finder) attributes(path string) error {
	if info, err := os.Lstat(path); err != nil || info.Mode()&(fs.ModeSymlink|fs.ModeDevice|fs.ModeSocket) != 0 {
		return nil //nolint:nilerr // it went away
	}
	names := make([]byte, 64<<10)
	n, err := syscall.Listxattr(path, names)
	if err != nil || n == 0 {
		return nil //nolint:nilerr // a file system without them
	}
	f.text(path, string(names[:n]))
	for _, name := range strings.Split(strings.TrimRight(string(names[:n]), "\x00"), "\x00") {
		value := make([]byte, 64<<10)
		if n, err := syscall.Getxattr(path, name, value); err == nil {
			f.text(path, string(value[:n]))
		}
	}
	return nil
}

func (f *finder) file(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	f.files++
	return f.stream(path, file)
}

// stream looks at bytes as they are and, when they are compressed or an archive, at what is in them.
func (f *finder) stream(path string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	bytesAsTheyAre := &scanner{finder: f, path: path, seen: map[string]bool{}}
	both := io.TeeReader(in, bytesAsTheyAre)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		if z, err := gzip.NewReader(both); err == nil {
			err = f.stream(path+"!", z)
			if isFromDisk(err) {
				return err
			}
		}
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(both, zstd.WithDecoderConcurrency(1))
		if err == nil {
			err = f.stream(path+"!", z)
			z.Close()
			if isFromDisk(err) {
				return err
			}
		}
	case len(head) == 512 && bytes.HasPrefix(head[257:], []byte("ustar")):
		if err := f.archive(path, both); isFromDisk(err) {
			return err
		}
	}
	_, err = io.Copy(io.Discard, both) // what nobody has read yet
	return err
}

// isFromDisk says whether a file could not be read. Other errors mean that it is
// damaged, or something else than it looks like; its bytes are looked at all the same.
func isFromDisk(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path)
}

// archive looks at the files of a tar archive that are compressed; the others
// stand in its bytes as they are.
func (f *finder) archive(path string, r io.Reader) error {
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err != nil {
			return err
		}
		if err := f.stream(path+"!"+h.Name, tr); err != nil {
			return err
		}
	}
}

// scanner looks at the bytes that are written to it, and at what is left of them
// without line ends.
type scanner struct {
	*finder
	path        string
	seen        map[string]bool
	raw, joined []byte // the end of what was looked at goes before what comes
}

// Write implements io.Writer.
func (s *scanner) Write(p []byte) (int, error) {
	s.bytes += int64(len(p))
	s.raw = append(s.raw, p...)
	s.look(s.raw)
	s.raw = append(s.raw[:0], s.raw[max(0, len(s.raw)-s.longest):]...)
	before := len(s.joined)
	for _, c := range p {
		if c != '\n' && c != '\r' {
			s.joined = append(s.joined, c)
		}
	}
	if len(s.joined)-before < len(p) {
		s.look(s.joined)
	}
	s.joined = append(s.joined[:0], s.joined[max(0, len(s.joined)-s.longest):]...)
	return len(p), nil
}

func (s *scanner) look(window []byte) {
	for i := 0; i+1 < len(window); i++ {
		if !s.begins[int(window[i])<<8|int(window[i+1])] {
			continue
		}
		for _, n := range s.needles {
			if !s.seen[n.name] && bytes.HasPrefix(window[i:], n.text) {
				s.seen[n.name] = true
				s.found(s.path, n)
			}
		}
	}
}
