// Package debtest makes a Debian archive for tests: real .debs, Packages files
// with their by-hash copies, and a Release file signed with a key made on the
// spot. It is imported by tests only.
//
//	a := debtest.New(t, "bookworm")
//	a.AddPackage(debtest.Deb{Name: "hello", Version: "1.0-1", Files: []debtest.File{{Path: "/usr/bin/hello", Mode: 0o755, Data: "#!/bin/sh\n"}}})
//	srv := debtest.NewServer(t, a)        // srv.URL is what stands before /dists in a mirror
//	…                                     // a.Keyring() or a.KeyringPath(t) is the key to trust
//	srv.Fault("/InRelease", debtest.Fault{Status: 503, Times: 2})
//	srv.Count("/Packages")                // requests whose path holds this
//
// Everything is deterministic but the key. An .xz file is made of blocks that
// store and do not compress: any decoder reads them, and no encoder is needed.
package debtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// defaultDate is the Date of a Release file that sets none.
var defaultDate = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

// Archive is one suite of a Debian archive. Its fields may be changed until the
// first request is served, or between requests after a call of Rebuild.
type Archive struct {
	Suite    string    // the Suite field and the folder under dists/: "bookworm-security"
	Codename string    // the Codename field; "" repeats Suite
	Alias    string    // a Suite field that differs from the folder ("stable"); "" repeats Suite
	Date     time.Time // zero means 2025-06-01 12:00 UTC
	// ValidUntil is left out when zero.
	ValidUntil time.Time
	NoByHash   bool // leave Acquire-By-Hash out, and serve no by-hash paths
	// Compressions of Packages, of "xz", "gz" and "": nil means xz and gz.
	Compressions []string
	// Keys sign InRelease. New makes one.
	Keys []*Key

	mu    sync.Mutex
	debs  []Deb
	extra map[string][]string // component → stanzas that have no .deb
	files map[string][]byte   // the archive's tree by path without a leading slash, nil until built
}

// New makes an empty archive with a fresh key.
func New(t testing.TB, suite string) *Archive {
	t.Helper()
	return &Archive{Suite: suite, Keys: []*Key{NewKey(t)}}
}

// AddPackage adds a package to component main, or the one that d names.
func (a *Archive) AddPackage(d Deb) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.debs, a.files = append(a.debs, d.withDefaults()), nil
}

// AddStanza adds a paragraph to the Packages file of main as it stands, without a .deb.
func (a *Archive) AddStanza(stanza string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.extra == nil {
		a.extra = map[string][]string{}
	}
	a.extra["main"] = append(a.extra["main"], strings.TrimSpace(stanza)+"\n")
	a.files = nil
}

// RemovePackages drops all packages of that name, as a mirror drops superseded ones.
func (a *Archive) RemovePackages(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.debs = slices.DeleteFunc(a.debs, func(d Deb) bool { return d.Name == name })
	a.files = nil
}

// Rebuild makes the tree anew at the next request, after fields were changed.
func (a *Archive) Rebuild() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.files = nil
}

// Files gives the whole tree: path ("dists/…", "pool/…") → content.
func (a *Archive) Files() (map[string][]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.files == nil {
		files, err := a.build()
		if err != nil {
			return nil, err
		}
		a.files = files
	}
	return maps.Clone(a.files), nil
}

// Deb gives the bytes and the path of the .deb of that name that was added last.
func (a *Archive) Deb(name string) (path string, data []byte, err error) {
	files, err := a.Files()
	if err != nil {
		return "", nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range slices.Backward(a.debs) {
		if d.Name == name {
			return d.path(), files[d.path()], nil
		}
	}
	return "", nil, fmt.Errorf("no package %s was added", name)
}

// build makes every file of the archive.
func (a *Archive) build() (map[string][]byte, error) {
	files := map[string][]byte{}
	index := map[string]*bytes.Buffer{} // "main/binary-amd64" → Packages
	section := func(component, arch string) *bytes.Buffer {
		k := component + "/binary-" + arch
		if index[k] == nil {
			index[k] = &bytes.Buffer{}
		}
		return index[k]
	}
	arches := map[string]bool{"amd64": true}
	for _, d := range a.debs {
		if d.Arch != "all" {
			arches[d.Arch] = true
		}
	}
	for arch := range arches {
		section("main", arch)
	}
	for _, d := range a.debs {
		data, err := d.Build()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.Name, err)
		}
		files[d.path()] = data
		for _, arch := range slices.Sorted(maps.Keys(arches)) {
			if d.Arch == "all" || d.Arch == arch {
				section(d.Component, arch).WriteString(d.stanza(data) + "\n")
			}
		}
	}
	for component, stanzas := range a.extra {
		for arch := range arches {
			for _, s := range stanzas {
				section(component, arch).WriteString(s + "\n")
			}
		}
	}
	var sums []string
	dists := "dists/" + a.Suite + "/"
	for _, name := range slices.Sorted(maps.Keys(index)) {
		plain := index[name].Bytes()
		sums = append(sums, sumLine(plain, name+"/Packages"))
		for _, c := range a.compressions() {
			data, err := compress(c, plain)
			if err != nil {
				return nil, err
			}
			path := name + "/Packages" + suffix(c)
			files[dists+path] = data
			if !a.NoByHash {
				sum := sha256.Sum256(data)
				files[dists+name+"/by-hash/SHA256/"+hex.EncodeToString(sum[:])] = data
			}
			if c != "" {
				sums = append(sums, sumLine(data, path))
			}
		}
	}
	release := a.release(slices.Sorted(maps.Keys(arches)), sums)
	signed, err := Sign([]byte(release), a.date(), a.Keys...)
	if err != nil {
		return nil, err
	}
	files[dists+"Release"] = []byte(release)
	files[dists+"InRelease"] = signed
	return files, nil
}

func (a *Archive) date() time.Time {
	if a.Date.IsZero() {
		return defaultDate
	}
	return a.Date
}

func (a *Archive) compressions() []string {
	if a.Compressions == nil {
		return []string{"xz", "gz"}
	}
	return a.Compressions
}

// release writes the Release file over the given checksum lines.
func (a *Archive) release(arches, sums []string) string {
	var b strings.Builder
	field := func(name, value string) { fmt.Fprintf(&b, "%s: %s\n", name, value) }
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	field("Origin", "Debian")
	field("Label", "Debian")
	field("Suite", or(a.Alias, a.Suite))
	field("Codename", or(a.Codename, a.Suite))
	field("Date", a.date().UTC().Format("Mon, 02 Jan 2006 15:04:05")+" UTC")
	if !a.ValidUntil.IsZero() {
		field("Valid-Until", a.ValidUntil.UTC().Format("Mon, 02 Jan 2006 15:04:05")+" UTC")
	}
	if !a.NoByHash {
		field("Acquire-By-Hash", "yes")
	}
	field("Architectures", "all "+strings.Join(arches, " "))
	field("Components", "main")
	b.WriteString("SHA256:\n")
	for _, s := range sums {
		b.WriteString(s)
	}
	return b.String()
}

func sumLine(data []byte, path string) string {
	sum := sha256.Sum256(data)
	return fmt.Sprintf(" %x %8d %s\n", sum, len(data), path)
}

func suffix(compression string) string {
	if compression == "" {
		return ""
	}
	return "." + compression
}
