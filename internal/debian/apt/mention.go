package apt

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// mention is the place where a package's name comes up first in the indexes.
//
// apt numbers packages as it meets their names while it reads, in a package's own
// stanza or in another one's relations, and the numbers decide between providers
// that are alike in everything else: the higher one wins. Which of eleven mail
// servers an image gets hangs on this, so it is worked out here too, but only
// for names that are in such a tie.
type mention struct {
	file, stanza int32 // the stanza's file and offset
	nth          int   // the how-manyth name in the stanza
}

func (m mention) compare(o mention) int {
	return cmp.Or(cmp.Compare(m.file, o.file), cmp.Compare(m.stanza, o.stanza), cmp.Compare(m.nth, o.nth))
}

// mentionFields are the fields in which apt meets names, in the order in which it reads them.
var mentionFields = []string{"Package", "Pre-Depends", "Depends", "Conflicts", "Breaks", "Recommends", "Suggests", "Replaces", "Enhances", "Provides"}

// firstMention finds where the name of an existing package comes up first.
func (x *Index) firstMention(name string) mention {
	x.mu.Lock()
	defer x.mu.Unlock()
	if m, ok := x.mentions[name]; ok {
		return m
	}
	own := x.names[name][0]
	m := mention{file: own.file, stanza: own.start}
	for file := range own.file + 1 {
		data := x.files[file].data
		if file == own.file {
			data = data[:own.start]
		}
		if at, nth, ok := findMention(data, name); ok {
			m = mention{file, int32(at), nth}
			break
		}
	}
	x.mentions[name] = m
	return m
}

// findMention searches whole stanzas for the name; it gives the stanza's offset and the name's place in it.
func findMention(data []byte, name string) (stanza, nth int, ok bool) {
	for from := 0; ; {
		at := indexFrom(data, []byte(name), from)
		if at == len(data) {
			return 0, 0, false
		}
		from = at + len(name)
		if !isToken(data, at, from) {
			continue
		}
		start := bytes.LastIndex(data[:at], []byte("\n\n"))
		if start < 0 {
			start = 0
		}
		for start < at && data[start] == '\n' {
			start++
		}
		end := indexFrom(data, []byte("\n\n"), from)
		if n := slices.Index(mentioned(parseParagraph(data[start:end])), name); n >= 0 {
			return start, n, true
		}
		from = end // not in a relation of this stanza, but in its text
	}
}

// isToken says whether data[start:end] can be a name in a relation field.
func isToken(data []byte, start, end int) bool {
	before := start == 0 || strings.IndexByte(" \t\n,|:", data[start-1]) >= 0
	return before && (end == len(data) || strings.IndexByte(" \t\n,|(:", data[end]) >= 0)
}

// mentioned lists the names of a stanza in the order in which apt meets them.
// A name with :any is a package of its own to apt.
func mentioned(p paragraph) []string {
	var out []string
	for _, f := range mentionFields {
		for item := range strings.FieldsFuncSeq(p.get(f), func(r rune) bool { return r == ',' || r == '|' }) {
			item = strings.TrimSpace(item)
			if i := strings.IndexAny(item, " \t\n("); i >= 0 {
				item = item[:i]
			}
			if plain, qualifier, _ := strings.Cut(item, ":"); qualifier != "any" {
				out = append(out, plain)
			}
		}
	}
	return out
}
