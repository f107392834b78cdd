package lsp

import (
	"net/url"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/plinth-build/plinth/internal/lint"
)

// document is a file as the editor has it.
type document struct {
	uri      string
	path     string
	version  *int
	text     string
	findings []*lint.Finding
}

// offset is the byte that a position means. One behind the end of its line is that end.
func (d *document) offset(p position) int {
	at := 0
	for range p.Line {
		i := strings.IndexByte(d.text[at:], '\n')
		if i < 0 {
			return len(d.text)
		}
		at += i + 1
	}
	units := 0
	for at < len(d.text) && d.text[at] != '\n' && units < p.Character {
		r, n := utf8.DecodeRuneInString(d.text[at:])
		units += utf16Len(r)
		at += n
	}
	return at
}

// position is the place of a byte.
func (d *document) position(offset int) position {
	offset = min(offset, len(d.text))
	before := d.text[:offset]
	p := position{Line: strings.Count(before, "\n")}
	for _, r := range before[strings.LastIndexByte(before, '\n')+1:] {
		p.Character += utf16Len(r)
	}
	return p
}

// utf16Len is how many units of UTF-16 a character is.
func utf16Len(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

func (d *document) span(s lint.Span) textRange {
	return textRange{d.position(s.From), d.position(s.To)}
}

// apply carries out changes, each on what the one before left.
func (d *document) apply(changes []change) {
	for _, c := range changes {
		if c.Range == nil {
			d.text = c.Text
			continue
		}
		from, to := d.offset(c.Range.Start), d.offset(c.Range.End)
		if from > to {
			from, to = to, from
		}
		d.text = d.text[:from] + c.Text + d.text[to:]
	}
}

// line is the text of a line up to a byte in it.
func (d *document) lineUpTo(offset int) string {
	return d.text[strings.LastIndexByte(d.text[:offset], '\n')+1 : offset]
}

// filePath is the file that a URI names, "" if it names none.
func filePath(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" {
		return ""
	}
	return filepath.FromSlash(u.Path)
}
