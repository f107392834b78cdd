package secret

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxFindings is how many findings of a layer are listed; more tell nothing new.
const maxFindings = 20

// SearchLayer looks through a layer, a tar file that may be compressed with gzip or zstd: the
// content of files, and names, link names, extended attributes and what else is in
// headers. Archives in the layer are not opened. The findings are in the order of
// the layer, at most 20.
func (s *Set) SearchLayer(layer io.Reader) ([]Finding, error) {
	if s.Empty() {
		return nil, nil
	}
	data, closer, err := decompress(layer)
	if err != nil {
		return nil, fmt.Errorf("cannot read the layer: %w", err)
	}
	defer closer()
	var out []Finding
	scanner := s.Scanner()
	buf := make([]byte, 64<<10)
	for tr := tar.NewReader(data); len(out) < maxFindings; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the layer: %w", err)
		}
		for _, text := range headerTexts(h) {
			_, _ = io.WriteString(scanner, text) // a Scanner takes everything
			out = s.place(out, scanner.Take(), h.Name)
		}
		if _, err := io.CopyBuffer(scanner, onlyReader{tr}, buf); err != nil {
			return nil, fmt.Errorf("cannot read the layer: %w", err)
		}
		out = s.place(out, scanner.Take(), h.Name)
	}
	return out[:min(len(out), maxFindings)], nil
}

// onlyReader hides tar.Reader's WriteTo, which does not use the buffer.
type onlyReader struct{ io.Reader }

// headerTexts are the texts of an entry that a value can hide in.
func headerTexts(h *tar.Header) []string {
	texts := []string{h.Name, h.Linkname, h.Uname, h.Gname}
	for _, k := range slices.Sorted(maps.Keys(h.PAXRecords)) {
		texts = append(texts, k, h.PAXRecords[k])
	}
	return slices.DeleteFunc(texts, func(t string) bool { return t == "" })
}

// place adds findings in the file called name. A name may hold the value itself.
func (s *Set) place(all, found []Finding, name string) []Finding {
	for _, f := range found {
		f.Where = s.Mask(path.Join("/", name))
		if !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return all
}

// decompress gives the tar file, whatever it is compressed with.
func decompress(r io.Reader) (io.Reader, func(), error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	head, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, nil, err
		}
		return z, func() { _ = z.Close() }, nil
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return buffered, func() {}, nil
}

// SearchJSON looks through the strings and keys of a JSON text, such as an image config or a
// manifest, and gives their places: Where is config.Env[2] or history[0].created_by.
func (s *Set) SearchJSON(data []byte) ([]Finding, error) {
	if s.Empty() {
		return nil, nil
	}
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return nil, fmt.Errorf("cannot read JSON: %w", err)
	}
	w := jsonWalk{set: s, scanner: s.Scanner()}
	w.walk(value, "")
	return w.found, nil
}

type jsonWalk struct {
	set     *Set
	scanner *Scanner
	found   []Finding
}

func (w *jsonWalk) walk(value any, where string) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			inside := strings.TrimPrefix(where+"."+key, ".")
			w.text(key, inside)
			w.walk(v[key], inside)
		}
	case []any:
		for i, item := range v {
			w.walk(item, where+"["+strconv.Itoa(i)+"]")
		}
	case string:
		w.text(v, where)
	}
}

func (w *jsonWalk) text(text, where string) {
	_, _ = io.WriteString(w.scanner, text) // a Scanner takes everything
	for _, f := range w.scanner.Take() {
		f.Where = w.set.Mask(where)
		if !slices.Contains(w.found, f) {
			w.found = append(w.found, f)
		}
	}
}
