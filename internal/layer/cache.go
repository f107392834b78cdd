package layer

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/opencontainers/go-digest"

	"github.com/plinth-build/plinth/internal/wholefile"
)

// Cache is a folder that keeps what layers say, without the contents of their
// files, under the layers' digests. A file in it is written whole or not at all,
// and one that is damaged counts as not there; everything may be deleted at any
// time. Several processes may use a Cache. The empty Cache keeps nothing.
type Cache string

// cacheMagic begins a file of a cache. The number changes with the form of what follows.
const cacheMagic = "plinth-layer-index 1\n"

func (c Cache) file(d digest.Digest) string {
	return filepath.Join(string(c), d.Algorithm().String(), d.Encoded()[:2], d.Encoded())
}

// get gives the entries of the layer, if they are there.
func (c Cache) get(d digest.Digest) ([]entry, bool) {
	if c == "" {
		return nil, false
	}
	data, err := os.ReadFile(c.file(d))
	if err != nil {
		return nil, false
	}
	rest, ok := bytes.CutPrefix(data, []byte(cacheMagic))
	if !ok || len(rest) < sha256.Size {
		return nil, false
	}
	body := rest[sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return nil, false
	}
	return decodeEntries(string(body))
}

// put keeps the entries of the layer.
func (c Cache) put(d digest.Digest, entries []entry) error {
	if c == "" {
		return nil
	}
	file := c.file(d)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	body := encodeEntries(entries)
	sum := sha256.Sum256(body)
	return wholefile.Bytes(file, slices.Concat([]byte(cacheMagic), sum[:], body))
}

// encodeEntries writes the entries in their order. Of a path it leaves out what it
// has in common with the one before.
func encodeEntries(entries []entry) []byte {
	var b []byte
	num := func(n int64) { b = binary.AppendVarint(b, n) }
	str := func(s string) {
		num(int64(len(s)))
		b = append(b, s...)
	}
	num(int64(len(entries)))
	last := ""
	for i := range entries {
		e := &entries[i]
		same := 0
		for same < min(len(last), len(e.path)) && last[same] == e.path[same] {
			same++
		}
		last = e.path
		b = append(b, byte(e.kind))
		num(int64(same))
		str(e.path[same:])
		str(e.link)
		for _, n := range []int64{int64(e.meta.mode), int64(e.meta.uid), int64(e.meta.gid), e.meta.mtime, e.major, e.minor, e.size, int64(e.num), e.data} {
			num(n)
		}
		num(int64(len(e.meta.xattrs)))
		for _, k := range slices.Sorted(maps.Keys(e.meta.xattrs)) {
			str(k)
			str(e.meta.xattrs[k])
		}
	}
	return b
}

// decodeEntries reads what encodeEntries wrote.
func decodeEntries(s string) ([]entry, bool) {
	d := decoder{rest: s}
	n := d.num()
	const least = 14 // bytes an entry: one for its kind, and one for each number and length
	if n < 0 || n > int64(len(s)/least) {
		return nil, false
	}
	entries := make([]entry, n)
	last := ""
	for i := range entries {
		e := &entries[i]
		if len(d.rest) == 0 {
			return nil, false
		}
		e.kind = kind(d.rest[0])
		d.rest = d.rest[1:]
		same := d.num()
		if same < 0 || same > int64(len(last)) {
			return nil, false
		}
		if e.path = d.str(); same > 0 {
			e.path = last[:same] + e.path
		}
		last = e.path
		e.link = d.str()
		e.meta.mode, e.meta.uid, e.meta.gid, e.meta.mtime = uint32(d.num()), int(d.num()), int(d.num()), d.num()
		e.major, e.minor, e.size, e.num, e.data = d.num(), d.num(), d.num(), int(d.num()), d.num()
		for range d.num() {
			if d.bad {
				break
			}
			if e.meta.xattrs == nil {
				e.meta.xattrs = map[string]string{}
			}
			k := d.str()
			e.meta.xattrs[k] = d.str()
		}
	}
	return entries, !d.bad && d.rest == ""
}

// decoder reads a string. After the first mistake everything it gives is zero.
type decoder struct {
	rest string
	bad  bool
}

func (d *decoder) num() int64 {
	v, n := binary.Varint([]byte(d.rest[:min(len(d.rest), binary.MaxVarintLen64)]))
	if n <= 0 {
		d.rest, d.bad = "", true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) str() string {
	n := d.num()
	if n < 0 || n > int64(len(d.rest)) {
		d.rest, d.bad = "", true
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}
