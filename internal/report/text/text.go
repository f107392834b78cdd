// Package text fits words into terminals and Markdown pages.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/plinth-build/plinth/internal/report/live"
)

// Wrap breaks text at its blanks into lines of at most width columns; a longer word has a
// line to itself. Colours are not counted; a coloured piece must not have blanks in it.
func Wrap(text string, width int) []string {
	var lines []string
	var line strings.Builder
	used := 0
	for word := range strings.FieldsSeq(text) {
		w := live.Width(word)
		if used > 0 && used+1+w > width {
			lines = append(lines, line.String())
			line.Reset()
			used = 0
		}
		if used > 0 {
			line.WriteByte(' ')
			used++
		}
		line.WriteString(word)
		used += w
	}
	if used > 0 {
		lines = append(lines, line.String())
	}
	return lines
}

// Hang wraps text and puts first before its first line and rest before the others. It ends with a line end.
func Hang(first, rest, text string, width int) string {
	var b strings.Builder
	lines := Wrap(text, width-max(live.Width(first), live.Width(rest)))
	if len(lines) == 0 {
		lines = []string{""}
	}
	for i, line := range lines {
		lead := rest
		if i == 0 {
			lead = first
		}
		b.WriteString(strings.TrimRight(lead+line, " ") + "\n")
	}
	return b.String()
}

// Glyph is a character as a terminal may have it: one that is not printed is a question mark,
// white space is a space, and what only changes the characters around it is nothing.
func Glyph(r rune) string {
	switch {
	case r >= ' ' && r < 0x7f:
		return string(r)
	case unicode.IsSpace(r):
		return " "
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r): // terminals disagree on their width
		return ""
	case r == utf8.RuneError, !unicode.IsPrint(r):
		return "?"
	}
	return string(r)
}

// Visible makes text from outside harmless to a terminal, and one line.
func Visible(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		b.WriteString(Glyph(r))
	}
	return b.String()
}

// FirstSentence is the first sentence of a paragraph, all of it when it has one only.
func FirstSentence(paragraph string) string {
	paragraph = strings.Join(strings.Fields(paragraph), " ")
	code := false
	for i := range paragraph {
		end := i + 1
		if paragraph[i] == '`' {
			code = !code
		}
		if code || (paragraph[i] != '.' && paragraph[i] != '!' && paragraph[i] != '?') || end >= len(paragraph) || paragraph[end] != ' ' {
			continue
		}
		if next, _ := utf8.DecodeRuneInString(paragraph[end+1:]); unicode.IsLower(next) {
			continue // "e.g. this"
		}
		return paragraph[:end]
	}
	return paragraph
}

// Markdown escapes what Markdown would take for more than a character. The text is one line afterwards, and
// may stand in a table.
func Markdown(text string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		switch {
		case strings.ContainsRune("\\`*_[]<>|~$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '&':
			b.WriteString("&amp;")
		case r == '@' || r == '#': // no mention of anybody, and no number of an issue
			b.WriteRune(r)
			b.WriteString("&#8203;")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Code is text as Markdown code, also in a table.
func Code(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + strings.ReplaceAll(text, "|", `\|`) + fence
}
