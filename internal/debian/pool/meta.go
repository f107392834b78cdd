package pool

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"maps"
	"slices"

	"github.com/plinth-build/plinth/internal/debian/deb"
)

// The metadata file is
//
//	magic, SHA-256 of what follows, then the fields of Package in a row:
//	numbers as varints, strings and byte strings with their length in front
//
// because an image of 75 packages reads 20,000 entries before it can tell that
// there is nothing to do, and JSON takes 50 times as long. A file of another
// format number is not read but made anew.

// metaMagic ends in the format number: of this file, of the sections, of what isDoc and isSmall choose.
const metaMagic = "plinth-deb 1\n"

var errMeta = errors.New("damaged package metadata")

// encodeMeta writes p; the same package gives the same bytes.
func encodeMeta(p *Package) []byte {
	sum, err := hex.DecodeString(p.SHA256)
	if err != nil || len(sum) != sha256.Size {
		panic("pool: package without a hash") // Get checked it
	}
	w := &encoder{}
	w.b = append(w.b, sum...)
	w.files(p.Control)
	w.files(p.Small)
	for _, s := range []Section{p.Main, p.Docs} {
		w.number(s.Size)
		w.number(s.Raw)
		w.b = append(w.b, s.Sum[:]...)
	}
	w.number(p.Newest)
	w.number(int64(len(p.Entries)))
	for _, e := range p.Entries {
		var flags byte
		if e.Doc {
			flags |= 1
		}
		if e.Aliased {
			flags |= 2
		}
		w.b = append(w.b, byte(e.Type), flags)
		w.str(e.Path)
		w.number(int64(e.Mode))
		w.number(int64(e.UID))
		w.number(int64(e.GID))
		w.number(e.MTime)
		switch e.Type {
		case deb.File:
			w.number(e.Size)
			w.b = append(w.b, e.Sum[:]...)
		case deb.Symlink, deb.Link:
			w.str(e.Link)
		}
	}
	return seal(metaMagic, w.b)
}

// decodeMeta reads what encodeMeta wrote. Strings of the result share the data's memory.
func decodeMeta(data []byte) (*Package, error) {
	body, err := unseal(metaMagic, data)
	if err != nil {
		return nil, err
	}
	r := &decoder{b: body, s: string(body)}
	p := &Package{}
	var sum [32]byte
	r.sum(&sum)
	p.SHA256 = hex.EncodeToString(sum[:])
	p.Control = r.files()
	p.Small = r.files()
	for _, s := range []*Section{&p.Main, &p.Docs} {
		s.Size, s.Raw = r.number(), r.number()
		r.sum(&s.Sum)
	}
	p.Newest = r.number()
	n := r.number()
	if n > int64(len(r.b)) {
		return nil, errMeta
	}
	p.Entries = make([]Entry, n)
	for i := range p.Entries {
		e := &p.Entries[i]
		e.Type = deb.Type(r.octet())
		flags := r.octet()
		e.Doc, e.Aliased = flags&1 != 0, flags&2 != 0
		e.Path = r.str()
		e.Mode, e.UID, e.GID, e.MTime = uint32(r.number()), int(r.number()), int(r.number()), r.number()
		switch e.Type {
		case deb.File:
			e.Size = r.number()
			r.sum(&e.Sum)
		case deb.Symlink, deb.Link:
			e.Link = r.str()
		case deb.Dir:
		default:
			return nil, errMeta
		}
	}
	if r.bad || r.at != len(r.b) {
		return nil, errMeta
	}
	if p.Stanza, err = deb.ParseControl(p.Control["control"]); err != nil {
		return nil, err
	}
	return p, nil
}

// seal puts magic and the body's SHA-256 in front of it.
func seal(magic string, body []byte) []byte {
	sum := sha256.Sum256(body)
	return slices.Concat([]byte(magic), sum[:], body)
}

// unseal checks and removes what seal added.
func unseal(magic string, data []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(data, []byte(magic))
	if !ok || len(rest) < sha256.Size {
		return nil, errMeta
	}
	if sum := sha256.Sum256(rest[sha256.Size:]); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return nil, errMeta
	}
	return rest[sha256.Size:], nil
}

type encoder struct{ b []byte }

func (w *encoder) number(n int64) { w.b = binary.AppendUvarint(w.b, uint64(n)) }
func (w *encoder) str(s string) {
	w.number(int64(len(s)))
	w.b = append(w.b, s...)
}

func (w *encoder) files(files map[string][]byte) {
	w.number(int64(len(files)))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w.str(name)
		w.number(int64(len(files[name])))
		w.b = append(w.b, files[name]...)
	}
}

// decoder reads b. After the first mistake everything it returns is zero.
type decoder struct {
	b   []byte
	s   string // the same bytes, so that strings need no copies
	at  int
	bad bool
}

func (r *decoder) number() int64 {
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 || v > 1<<62 {
		r.bad, r.at = true, len(r.b)
		return 0
	}
	r.at += n
	return int64(v)
}

func (r *decoder) octet() byte {
	if r.at >= len(r.b) {
		r.bad = true
		return 0
	}
	r.at++
	return r.b[r.at-1]
}

// span takes the next n bytes and returns their place.
func (r *decoder) span(n int64) (from, to int) {
	if n > int64(len(r.b)-r.at) {
		r.bad, r.at = true, len(r.b)
		return 0, 0
	}
	from = r.at
	r.at += int(n)
	return from, r.at
}

func (r *decoder) str() string {
	from, to := r.span(r.number())
	return r.s[from:to]
}

func (r *decoder) sum(dst *[32]byte) {
	from, to := r.span(32)
	copy(dst[:], r.b[from:to])
}

func (r *decoder) files() map[string][]byte {
	n := r.number()
	if n > int64(len(r.b)) {
		r.bad = true
		return nil
	}
	files := make(map[string][]byte, min(n, 256))
	for range n {
		name := r.str()
		from, to := r.span(r.number())
		if r.bad {
			return nil
		}
		files[name] = r.b[from:to:to]
	}
	return files
}
