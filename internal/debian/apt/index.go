package apt

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/plinth-build/plinth/internal/debian/version"
	"github.com/plinth-build/plinth/internal/lock"
)

// Index is what the Packages files of some suites say, for one architecture.
//
// Debian lists 65,000 packages and an image needs a hundred, so the files are
// cut into stanzas, names and provided names are read off, and a stanza
// is parsed when its package is looked at for the first time.
//
// An Index may be used from several goroutines.
type Index struct {
	arch     string
	files    []*packagesFile
	sources  []lock.Source
	epoch    int64
	names    map[string][]stanzaRef // package → its stanzas, in the order of the sources
	provides map[string][]stanzaRef // virtual package → stanzas that may provide it

	mu       sync.Mutex
	parsed   map[string][]*candidate // package → its versions, best first
	mentions map[string]mention
}

// stanzaRef is a stanza's place. The order of refs is the order in which the stanzas stand.
type stanzaRef struct {
	file       int32
	start, end int32 // bytes
}

// candidate is a version of a package.
type candidate struct {
	name, version, arch string
	source              string
	filename, sha256    string
	size, installedSize int64
	priority            int  // 1 required … 5 extra
	essential           bool // Essential: yes
	multiArch           string
	depends             []dependency // Pre-Depends and Depends as one list, in apt's order
	conflicts           []dependency // Conflicts and Breaks, a relation each
	weak                []dependency // Recommends and Suggests: never installed for, but a reason to keep
	provides            []version.Relation
	unreadable          error // a relation field that cannot be read
	ref                 stanzaRef
	uri                 string // archive root
	pin                 int
}

// dependency is a group of alternatives with the field it stands in.
type dependency struct {
	field string // "Depends", "Pre-Depends", "Conflicts", "Breaks"
	alts  []version.Relation
}

func newIndex(arch string, files []*packagesFile) (*Index, error) {
	total := 0
	for _, f := range files {
		total += len(f.data)
	}
	// Debian's stanzas have 800 bytes; growing the maps would cost as much as filling them
	x := &Index{arch: arch, files: files, names: make(map[string][]stanzaRef, total/800), provides: make(map[string][]stanzaRef, total/800), parsed: map[string][]*candidate{}, mentions: map[string]mention{}}
	for i, f := range files {
		x.sources = append(x.sources, f.source)
		x.epoch = max(x.epoch, f.date.Unix())
		x.scan(int32(i), f.data)
	}
	return x, nil
}

// Sources describes the release and index files, for the lock: in the order of the specs.
func (x *Index) Sources() []lock.Source { return slices.Clone(x.sources) }

// Epoch is the newest Date among the sources, in seconds since 1970.
func (x *Index) Epoch() int64 { return x.epoch }

// Arch is the Debian architecture that the index is for.
func (x *Index) Arch() string { return x.arch }

var (
	packageField  = []byte("Package:")
	providesField = []byte("\nProvides:")
)

// scan notes where each stanza stands and what it is called.
func (x *Index) scan(file int32, data []byte) {
	nextProvides := indexFrom(data, providesField, 0)
	for at := 0; at < len(data); {
		end := indexFrom(data, []byte("\n\n"), at)
		stanza := data[at:end]
		ref := stanzaRef{file, int32(at), int32(end)}
		var name string
		if rest, ok := bytes.CutPrefix(stanza, packageField); ok {
			line, _, _ := bytes.Cut(rest, []byte("\n"))
			name = string(bytes.TrimSpace(line))
		} else {
			name = parseParagraph(stanza).get("Package")
		}
		if name != "" {
			x.names[name] = append(x.names[name], ref)
		}
		if nextProvides < end {
			if name != "" {
				x.scanProvides(ref, data[nextProvides+len(providesField):end])
			}
			nextProvides = indexFrom(data, providesField, end)
		}
		at = end
		for at < len(data) && data[at] == '\n' {
			at++
		}
	}
}

// indexFrom is bytes.Index from an offset, len(b) when sep is not there.
func indexFrom(b, sep []byte, from int) int {
	if i := bytes.Index(b[from:], sep); i >= 0 {
		return from + i
	}
	return len(b)
}

// scanProvides notes the names in a Provides field, which starts rest.
func (x *Index) scanProvides(ref stanzaRef, rest []byte) {
	end := bytes.IndexByte(rest, '\n')
	if end < 0 {
		end = len(rest)
	} else {
		end += 1 + continuation(rest[end+1:])
	}
	for item := range bytes.SplitSeq(rest[:end], []byte(",")) {
		item = bytes.TrimSpace(item)
		if i := bytes.IndexAny(item, " (:\t\n"); i >= 0 {
			item = item[:i]
		}
		if len(item) == 0 {
			continue
		}
		refs := x.provides[string(item)]
		if len(refs) == 0 || refs[len(refs)-1] != ref {
			x.provides[string(item)] = append(refs, ref)
		}
	}
}

// versions gives all versions of a package, apt's candidate first: the highest
// pin, then the newest, then the first source. nil means that there is no such package.
func (x *Index) versions(name string) []*candidate {
	x.mu.Lock()
	defer x.mu.Unlock()
	if v, ok := x.parsed[name]; ok {
		return v
	}
	var out []*candidate
	for _, ref := range x.names[name] {
		c := x.parse(ref)
		same := func(o *candidate) bool { return o.version == c.version }
		if c.version != "" && (c.arch == x.arch || c.arch == "all") && !slices.ContainsFunc(out, same) {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(b.pin, a.pin), version.Compare(b.version, a.version))
	})
	x.parsed[name] = out
	return out
}

// nameAt reads the package name off a stanza.
func (x *Index) nameAt(ref stanzaRef) string {
	stanza := x.files[ref.file].data[ref.start:ref.end]
	if rest, ok := bytes.CutPrefix(stanza, packageField); ok {
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		return string(bytes.TrimSpace(line))
	}
	return parseParagraph(stanza).get("Package")
}

// providers gives the candidates that may provide a virtual package, in the order of the sources.
func (x *Index) providers(name string) []*candidate {
	var out []*candidate
	for _, ref := range x.provides[name] {
		for _, c := range x.versions(x.nameAt(ref)) {
			if c.ref == ref {
				out = append(out, c)
			}
		}
	}
	return out
}

// parse reads a stanza.
func (x *Index) parse(ref stanzaRef) *candidate {
	f := x.files[ref.file]
	p := parseParagraph(f.data[ref.start:ref.end])
	c := &candidate{
		name: p.get("Package"), version: p.get("Version"), arch: p.get("Architecture"),
		filename: p.get("Filename"), sha256: strings.ToLower(p.get("SHA256")),
		size: number(p.get("Size")), installedSize: number(p.get("Installed-Size")),
		priority:  priority(p.get("Priority")),
		essential: strings.EqualFold(p.get("Essential"), "yes"),
		multiArch: strings.ToLower(p.get("Multi-Arch")),
		ref:       ref, uri: f.source.URI, pin: f.pin,
	}
	c.source, _, _ = strings.Cut(cmp.Or(p.get("Source"), c.name), " ")
	for _, field := range []string{"Pre-Depends", "Depends"} {
		c.depends = append(c.depends, x.relations(c, field, p.get(field))...)
	}
	for _, field := range []string{"Conflicts", "Breaks"} {
		for _, d := range x.relations(c, field, p.get(field)) {
			for _, r := range d.alts { // a bar has no meaning there; each name counts
				c.conflicts = append(c.conflicts, dependency{field, []version.Relation{r}})
			}
		}
	}
	for _, field := range []string{"Recommends", "Suggests"} {
		c.weak = append(c.weak, x.relations(c, field, p.get(field))...)
	}
	for _, g := range x.relations(c, "Provides", p.get("Provides")) {
		c.provides = append(c.provides, g.alts...)
	}
	return c
}

// relations reads a relation field of c. What cannot be read is noted in c, and
// matters only when c is chosen.
func (x *Index) relations(c *candidate, field, value string) []dependency {
	if value == "" {
		return nil
	}
	groups, err := version.ParseRelations(value)
	if err != nil && c.unreadable == nil {
		c.unreadable = fmt.Errorf("its %s field is not valid: %w", field, err)
	}
	out := make([]dependency, 0, len(groups))
	for _, g := range groups {
		g = slices.DeleteFunc(g, func(r version.Relation) bool { return !r.Applies(x.arch) })
		if len(g) > 0 {
			out = append(out, dependency{field, g})
		}
	}
	return out
}

// number reads a decimal field, 0 when it is none.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// priority numbers the Priority field as apt does; an unknown one is optional.
func priority(s string) int {
	if i := slices.Index([]string{"required", "important", "standard", "optional", "extra"}, strings.ToLower(s)); i >= 0 {
		return i + 1
	}
	return 4
}

// deb is the lock's form of a version.
func (c *candidate) deb() lock.Deb {
	return lock.Deb{Name: c.name, Version: c.version, Arch: c.arch, Source: c.source, URI: c.uri, Filename: c.filename,
		SHA256: c.sha256, Size: c.size, InstalledSize: c.installedSize}
}

// marked lists the packages in whose stanzas one of the texts stands, sorted by name.
func (x *Index) marked(texts []string) []string {
	found := map[string]bool{}
	for i, f := range x.files {
		for _, text := range texts {
			for at := indexFrom(f.data, []byte(text), 0); at < len(f.data); at = indexFrom(f.data, []byte(text), at+1) {
				start := bytes.LastIndex(f.data[:at], []byte("\n\n")) + 2
				if start == 1 {
					start = 0
				}
				end := indexFrom(f.data, []byte("\n\n"), at)
				found[x.nameAt(stanzaRef{int32(i), int32(start), int32(end)})] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// describe names the suites for a message.
func (x *Index) describe() string {
	var names []string
	for _, src := range x.sources {
		names = append(names, src.Suite+" "+src.Component)
	}
	return strings.Join(names, ", ")
}

// versionList names versions for a message.
func versionList(versions []*candidate) string {
	names := make([]string, len(versions))
	for i, c := range versions {
		names[i] = c.version
	}
	return strings.Join(names, ", ")
}
