// Package lock is plinth.lock: what upstream tags and package requests were
// resolved to, so that a build needs neither a registry's nor a mirror's word
// for what is current.
//
// `plinth update` is the only writer. A build reads it, and refuses what is
// not in it. The file is JSON because a build that has nothing to do reads it
// each time and JSON parses ten times faster than YAML; it holds one package a
// line, sorted, so that a diff in a review reads well.
package lock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/wholefile"
)

// FileName is the lock's name in the catalog's root.
const FileName = "plinth.lock"

// version is the format of the file; another one is refused.
const version = 1

// File is the content of plinth.lock.
type File struct {
	Version int `json:"version"`
	// Upstreams maps a normalised reference ("docker.io/library/debian:12") to what it was resolved to.
	Upstreams map[string]Upstream `json:"upstreams,omitempty"`
	// Sources maps a Debian release number ("12") to its package sources as they were at the last update.
	Sources map[string][]Source `json:"sources,omitempty"`
	// Sets maps a target's name to the packages that its request was resolved to.
	Sets map[string]Set `json:"sets,omitempty"`
	// Debs maps name_version_arch to the archive; each is listed once for the whole fleet.
	Debs map[string]Deb `json:"debs,omitempty"`
}

// Upstream is a pinned image from outside the catalog.
type Upstream struct {
	// Digests maps a platform ("linux/amd64") to its manifest's digest ("sha256:…").
	Digests map[string]string `json:"digests"`
	// Index is the digest that the tag pointed at (the index, or the manifest itself).
	Index string `json:"index"`
	// Created is when the image was made, in seconds since 1970: SOURCE_DATE_EPOCH of what is built on it.
	Created int64 `json:"created"`
}

// Source is one signed package index (release file and Packages file).
type Source struct {
	URI       string   `json:"uri"`
	Suite     string   `json:"suite"`
	Component string   `json:"component"`
	Date      string   `json:"date"`     // the Release file's Date, RFC 3339 UTC
	Release   string   `json:"release"`  // SHA-256 of InRelease, hex
	Packages  string   `json:"packages"` // SHA-256 of the compressed Packages file, hex
	Signers   []string `json:"signers"`  // fingerprints of the keys whose signatures held, hex, upper case
}

// Set is the resolved package list of one target.
type Set struct {
	Release string   `json:"release"` // Debian release number: "12"
	Arch    string   `json:"arch"`    // Debian architecture: "amd64"
	Request []string `json:"request"` // as in image.yaml, sorted
	Exclude []string `json:"exclude,omitempty"`
	// Parent is the package target below (from:), whose packages are not repeated here.
	Parent string `json:"parent,omitempty"`
	// Epoch is SOURCE_DATE_EPOCH for what plinth generates, in seconds: the newest Date among the sources.
	Epoch int64    `json:"epoch"`
	Debs  []string `json:"debs"` // keys of File.Debs, sorted
}

// Deb is one Debian package archive.
type Deb struct {
	Name          string `json:"name"`
	Version       string `json:"version"`
	Arch          string `json:"arch"`
	Source        string `json:"source"` // source package's name
	URI           string `json:"uri"`    // the archive root that Filename is relative to
	Filename      string `json:"filename"`
	SHA256        string `json:"sha256"`         // hex
	Size          int64  `json:"size"`           // of the .deb, bytes
	InstalledSize int64  `json:"installed_size"` // as the package declares it, KiB
}

// Key is how File.Debs names d.
func (d Deb) Key() string { return d.Name + "_" + d.Version + "_" + d.Arch }

// New returns an empty lock.
func New() *File {
	f := &File{Version: version}
	f.fill()
	return f
}

// fill makes the maps that are nil, also those that a file has as null.
func (f *File) fill() {
	if f.Upstreams == nil {
		f.Upstreams = map[string]Upstream{}
	}
	if f.Sources == nil {
		f.Sources = map[string][]Source{}
	}
	if f.Sets == nil {
		f.Sets = map[string]Set{}
	}
	if f.Debs == nil {
		f.Debs = map[string]Deb{}
	}
}

// Load reads the lock of the catalog at root. A catalog without one has an
// empty lock. A damaged file is a *diag.Error with the position.
func Load(root string) (*File, error) {
	path := filepath.Join(root, FileName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return New(), nil
	}
	if err != nil {
		return nil, diag.Errorf(diag.Position{File: FileName}, "cannot read the lock: %w", err)
	}
	return Parse(data)
}

// Parse reads a lock's bytes.
func Parse(data []byte) (*File, error) {
	f := new(File)
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(f)
	if f.Version != version && (err == nil || f.Version != 0) {
		return nil, diag.Errorf(position(data, bytes.Index(data, []byte(`"version"`))), "cannot read the lock: it has version %d and this plinth knows version %d", f.Version, version).
			Hint("write it anew with: plinth update")
	}
	if err != nil {
		return nil, broken(data, err)
	}
	if rest := bytes.TrimLeft(data[dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, broken(data[:len(data)-len(rest)+1], errTrailing)
	}
	f.fill()
	var problems diag.List
	for name, set := range f.Sets {
		for _, key := range set.Debs {
			if _, ok := f.Debs[key]; !ok {
				problems.Add(diag.Errorf(position(data, bytes.Index(data, strconv.AppendQuote(nil, key))), "cannot use the lock: %s needs package %s, which it does not describe", name, key).
					Hint("write it anew with: plinth update"))
			}
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return f, nil
}

var errTrailing = errors.New("something follows the closing brace")

// broken turns a decoding error into one with the position of the last byte
// that was read: the wrong byte, or the end of the wrong value.
func broken(data []byte, err error) error {
	why, end := strings.TrimPrefix(err.Error(), "json: "), int64(len(data))
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	field, unknown := strings.CutPrefix(why, "unknown field ")
	switch {
	case errors.As(err, &syntax):
		end = syntax.Offset
	case errors.As(err, &typ):
		end = typ.Offset
	case unknown:
		end = int64(bytes.Index(data, []byte(field))) + 1
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		why = "it ends too early"
	}
	return diag.Errorf(position(data, int(end)-1), "cannot read the lock: %s", why).
		Hint("a merge conflict? take either side, then: plinth update")
}

// position is the place of the byte with that index.
func position(data []byte, index int) diag.Position {
	before := data[:min(max(index, 0), len(data))]
	return diag.Position{
		File:   FileName,
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: len(before) - bytes.LastIndexByte(before, '\n'),
	}
}

// Encode writes the lock as it stands in the file: keys sorted, a line for
// each package, a newline at the end.
func (f *File) Encode() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"version\": %d", f.Version)
	sections := []struct {
		name  string
		keys  []string
		value func(string) any
	}{
		{"upstreams", slices.Sorted(maps.Keys(f.Upstreams)), func(k string) any { return f.Upstreams[k] }},
		{"sources", slices.Sorted(maps.Keys(f.Sources)), func(k string) any { return f.Sources[k] }},
		{"sets", slices.Sorted(maps.Keys(f.Sets)), nil},
		{"debs", slices.Sorted(maps.Keys(f.Debs)), func(k string) any { return f.Debs[k] }},
	}
	for _, s := range sections {
		if len(s.keys) == 0 {
			continue
		}
		fmt.Fprintf(&b, ",\n  %q: {", s.name)
		for i, k := range s.keys {
			if i > 0 {
				b.WriteByte(',')
			}
			key, err := json.Marshal(k)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "\n    %s: ", key)
			if s.value == nil {
				if err := encodeSet(&b, f.Sets[k]); err != nil {
					return nil, err
				}
				continue
			}
			line, err := json.Marshal(s.value(k))
			if err != nil {
				return nil, err
			}
			b.Write(line)
		}
		b.WriteString("\n  }")
	}
	b.WriteString("\n}\n")
	return b.Bytes(), nil
}

// encodeSet writes a set with one package a line.
func encodeSet(b *bytes.Buffer, s Set) error {
	debs := s.Debs
	s.Debs = nil
	head, err := json.Marshal(s)
	if err != nil {
		return err
	}
	b.Write(bytes.TrimSuffix(head, []byte("null}")))
	b.WriteByte('[')
	for i, d := range debs {
		if i > 0 {
			b.WriteByte(',')
		}
		line, err := json.Marshal(d)
		if err != nil {
			return err
		}
		b.WriteString("\n      ")
		b.Write(line)
	}
	b.WriteString("]}")
	return nil
}

// Save writes the lock into the catalog at root, whole or not at all. A file
// that would not change is left alone, its times too.
func (f *File) Save(root string) error {
	f.collect()
	data, err := f.Encode()
	if err != nil {
		return err
	}
	path := filepath.Join(root, FileName)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	const tmpPrefix = "." + FileName + "."
	if left, err := fs.Glob(os.DirFS(root), tmpPrefix+"*"); err == nil {
		for _, name := range left {
			os.Remove(filepath.Join(root, name)) // of a process that was killed
		}
	}
	if err := (wholefile.Writer{Prefix: tmpPrefix, Sync: true}).Bytes(path, data); err != nil {
		return diag.Errorf(diag.Position{File: FileName}, "cannot write the lock: %w", err)
	}
	return nil
}

// collect drops packages that no set needs and releases that no set uses.
func (f *File) collect() {
	needed, releases := map[string]bool{}, map[string]bool{}
	for _, s := range f.Sets {
		releases[s.Release] = true
		for _, k := range s.Debs {
			needed[k] = true
		}
	}
	for k := range f.Debs {
		if !needed[k] {
			delete(f.Debs, k)
		}
	}
	for k := range f.Sources {
		if !releases[k] {
			delete(f.Sources, k)
		}
	}
}

// SetDebs returns the archives of target's set in the set's order.
func (f *File) SetDebs(target string) []Deb {
	set := f.Sets[target]
	out := make([]Deb, 0, len(set.Debs))
	for _, k := range set.Debs {
		out = append(out, f.Debs[k])
	}
	return out
}

// Matches says whether the set was resolved from the same request. Order does not count.
func (s Set) Matches(release, arch, parent string, request, exclude []string) bool {
	return s.Release == release && s.Arch == arch && s.Parent == parent &&
		slices.Equal(s.Request, sorted(request)) && slices.Equal(s.Exclude, sorted(exclude))
}

func sorted(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}
