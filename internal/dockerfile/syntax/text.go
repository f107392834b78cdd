package syntax

import (
	"encoding/json"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is a piece of a file as the builder reads it: continued lines are joined,
// and comments between them are gone. Each of its bytes knows where it stands.
type Text struct {
	S string

	runs []run // shared by all texts of an instruction
	from int   // where S begins in what the runs describe
}

// run says that the bytes from text on stand at offset and behind it, up to the next run.
type run struct {
	text, offset int
	nowhere      bool // all of its bytes stand at offset: they are not in the file
}

type builder struct {
	s    strings.Builder
	runs []run
}

func (b *builder) add(data []byte, offset int) {
	b.runs = append(b.runs, run{text: b.s.Len(), offset: offset})
	b.s.Write(data)
}

func (b *builder) text() Text { return Text{S: b.s.String(), runs: b.runs} }

// Offset is where byte i of the text stands in the file. len(S) gives the place
// behind the last byte.
func (t Text) Offset(i int) int {
	if len(t.runs) == 0 {
		return 0
	}
	at := t.from + i
	back := 0
	if i > 0 && i == len(t.S) {
		at, back = at-1, 1 // behind the last byte, not at the start of the next line
	}
	r := t.run(at)
	if r.nowhere {
		return r.offset
	}
	return r.offset + at - r.text + back
}

// run is the one that has a byte, counted from where the runs begin.
func (t Text) run(at int) run {
	n := sort.Search(len(t.runs), func(k int) bool { return t.runs[k].text > at })
	return t.runs[max(n-1, 0)]
}

// Slice is a part of a text.
func (t Text) Slice(from, to int) Text {
	return Text{S: t.S[from:to], runs: t.runs, from: t.from + from}
}

// Join makes one text of several. A part that stands nowhere, such as Text{S: "\n"}, is where the part before
// it ends.
func Join(parts ...Text) Text {
	var b builder
	end := 0
	for _, t := range parts {
		at := b.s.Len()
		if len(t.runs) > 0 {
			b.runs = append(b.runs, run{at, t.Offset(0), t.run(t.from).nowhere})
			for _, r := range t.runs {
				if r.text > t.from && r.text < t.from+len(t.S) {
					b.runs = append(b.runs, run{at + r.text - t.from, r.offset, r.nowhere})
				}
			}
			end = t.Offset(len(t.S))
		} else {
			b.runs = append(b.runs, run{at, end, true})
		}
		b.s.WriteString(t.S)
	}
	return b.text()
}

// Trim takes the blanks off both ends.
func (t Text) Trim() Text {
	from := len(t.S) - len(strings.TrimLeftFunc(t.S, unicode.IsSpace))
	to := len(strings.TrimRightFunc(t.S, unicode.IsSpace))
	if from >= to {
		return t.Slice(len(t.S), len(t.S))
	}
	return t.Slice(from, to)
}

// CutSpace splits a text at its first blanks.
func (t Text) CutSpace() (first, rest Text, ok bool) {
	i := strings.IndexFunc(t.S, unicode.IsSpace)
	if i < 0 {
		return t, t.Slice(len(t.S), len(t.S)), false
	}
	return t.Slice(0, i), t.Slice(i, len(t.S)).Trim(), true
}

// Fields splits a text at blanks, quotes are like other characters: so the
// builder reads FROM, COPY, ADD, EXPOSE and VOLUME.
func (t Text) Fields() (fields []Text) {
	start := -1
	for i := 0; i < len(t.S); i++ {
		switch blank := isSpace(t.S[i]); {
		case blank && start >= 0:
			fields = append(fields, t.Slice(start, i))
			start = -1
		case !blank && start < 0:
			start = i
		}
	}
	if start >= 0 {
		fields = append(fields, t.Slice(start, len(t.S)))
	}
	return fields
}

// Words splits a text at blanks that are neither quoted nor escaped, as the builder reads ENV,
// LABEL and ARG. The quotes stay.
func (t Text) Words(escape byte) (words []Text) {
	s := t.S
	start, quote := -1, byte(0)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if start < 0 && !unicode.IsSpace(r) {
			start = i
		}
		switch {
		case s[i] == escape && quote != '\'' && start >= 0:
			if i+1 < len(s) {
				n += runeLen(s, i+1)
			}
		case quote != 0 && s[i] == quote:
			quote = 0
		case quote == 0 && (s[i] == '\'' || s[i] == '"'):
			quote = s[i]
		case quote == 0 && unicode.IsSpace(r) && start >= 0:
			words = append(words, t.Slice(start, i))
			start = -1
		}
		i += n
	}
	if start >= 0 {
		words = append(words, t.Slice(start, len(s)))
	}
	return words
}

// Pair is a name and a value in ENV, LABEL or ARG.
type Pair struct {
	Key    Text // as it is written
	Value  Text // as it is written, with quotes
	Has    bool // there is a value
	Legacy bool // ENV name value, without an equals sign
}

// Name is the key without quotes.
func (p Pair) Name(escape byte) string { return Unquote(p.Key.S, escape) }

// Pairs reads the arguments of ENV, LABEL and ARG. A word that has no equals sign
// is a name without a value, except in the old form with a blank.
func (in *Instruction) Pairs() (pairs []Pair) {
	words := in.Args.Words(in.file.Escape)
	if len(words) == 0 {
		return nil
	}
	if in.Keyword != "ARG" && !strings.Contains(words[0].S, "=") {
		key, value, ok := in.Args.CutSpace()
		return []Pair{{Key: key, Value: value, Has: ok, Legacy: true}}
	}
	for _, w := range words {
		i := strings.IndexByte(w.S, '=')
		if i < 0 {
			pairs = append(pairs, Pair{Key: w, Value: w.Slice(len(w.S), len(w.S))})
			continue
		}
		pairs = append(pairs, Pair{Key: w.Slice(0, i), Value: w.Slice(i+1, len(w.S)), Has: true})
	}
	return pairs
}

// JSONValues are the strings of an argument list in JSON form.
func (in *Instruction) JSONValues() (values []string, ok bool) {
	for _, t := range in.json {
		var s string
		if json.Unmarshal([]byte(`"`+t.S+`"`), &s) != nil {
			s = t.S
		}
		values = append(values, s)
	}
	return values, in.list
}

// parseJSON reads an array of strings.
func parseJSON(args Text) (list []Text, ok bool) {
	if !strings.HasPrefix(args.S, "[") {
		return nil, false
	}
	var values []string
	// null is not a string, but a []string takes it for ""
	if json.Unmarshal([]byte(args.S), &values) != nil || strings.Contains(args.S, "null") && hasNull(args.S) {
		return nil, false
	}
	for i := 1; i < len(args.S); i++ {
		if args.S[i] != '"' {
			continue
		}
		start := i + 1
		for i = start; args.S[i] != '"'; i++ {
			if args.S[i] == '\\' {
				i++
			}
		}
		list = append(list, args.Slice(start, i))
	}
	return list, true
}

func hasNull(s string) bool {
	var values []any
	if json.Unmarshal([]byte(s), &values) != nil {
		return true
	}
	for _, v := range values {
		if v == nil {
			return true
		}
	}
	return false
}
