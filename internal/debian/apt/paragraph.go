package apt

import (
	"bytes"
	"strings"
)

// paragraph is a stanza of a control file: field names in the file's order.
type paragraph []field

type field struct {
	name  string
	value string // surrounding blanks removed; lines joined by \n, their leading blank removed
}

// get returns a field's value; names are compared without regard to case, and the first wins.
func (p paragraph) get(name string) string {
	for i := range p {
		if strings.EqualFold(p[i].name, name) {
			return p[i].value
		}
	}
	return ""
}

// parseParagraph reads one stanza. What is no field and no continuation of one
// is skipped: the file is signed, and apt and dpkg do not stop there either.
func parseParagraph(stanza []byte) paragraph {
	p := make(paragraph, 0, 24)
	for len(stanza) > 0 {
		var line []byte
		line, stanza, _ = bytes.Cut(stanza, []byte("\n"))
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || len(name) == 0 || bytes.IndexByte(blankOrComment, name[0]) >= 0 {
			continue
		}
		text := string(bytes.TrimSpace(value))
		if folded := continuation(stanza); folded > 0 {
			text += unfold(stanza[:folded])
			stanza = stanza[folded:]
		}
		p = append(p, field{string(name), text})
	}
	return p
}

var blankOrComment = []byte(" \t\r#")

// continuation is the length of the lines at the start of b that belong to the field before them.
func continuation(b []byte) int {
	n := 0
	for n < len(b) && (b[n] == ' ' || b[n] == '\t') {
		i := bytes.IndexByte(b[n:], '\n')
		if i < 0 {
			return len(b)
		}
		n += i + 1
	}
	return n
}

// unfold joins continuation lines, each with a line break before it.
func unfold(lines []byte) string {
	var b strings.Builder
	b.Grow(len(lines))
	for line := range bytes.Lines(lines) {
		b.WriteByte('\n')
		b.Write(bytes.TrimSpace(line))
	}
	return b.String()
}
