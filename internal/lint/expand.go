package lint

import "strings"

// Expand puts the values of variables into a word: $name, ${name}, ${name:-word},
// ${name-word}, ${name:+word}, ${name+word}. What is not known stays as it is
// written, and so does what the builder does in other ways (${name#pattern} and the like).
func Expand(word string, lookup func(string) (string, bool)) string {
	if strings.IndexByte(word, '$') < 0 {
		return word
	}
	var b strings.Builder
	for i := 0; i < len(word); {
		if word[i] == '\\' && i+1 < len(word) {
			b.WriteString(word[i : i+2])
			i += 2
			continue
		}
		if word[i] != '$' {
			b.WriteByte(word[i])
			i++
			continue
		}
		n, value, ok := variable(word[i:], lookup)
		if ok {
			b.WriteString(value)
		} else {
			b.WriteString(word[i : i+n])
		}
		i += n
	}
	return b.String()
}

// Word reads a word of an instruction as the builder does: the values of variables are put in, quotes and escapes
// are taken off, and in single quotes and behind an escape a dollar sign is only that. What is not known stays
// as it is written, as with Expand; so does a word that the builder would refuse.
func Word(text string, escape byte, lookup func(string) (string, bool)) string {
	if !strings.ContainsAny(text, `'"$`) && strings.IndexByte(text, escape) < 0 {
		return text
	}
	w := words{text: text, escape: escape, lookup: lookup}
	out, ok := w.until(0)
	if !ok {
		return text
	}
	return out
}

// words reads a text from left to right.
type words struct {
	text   string
	at     int
	escape byte
	lookup func(string) (string, bool)
}

// until reads up to a byte that stands for itself, and over it; 0 is the end of the text.
func (w *words) until(stop byte) (string, bool) {
	var b strings.Builder
	for w.at < len(w.text) {
		c := w.text[w.at]
		switch {
		case c == stop:
			w.at++
			return b.String(), true
		case c == '\'':
			i := strings.IndexByte(w.text[w.at+1:], '\'')
			if i < 0 {
				return "", false
			}
			b.WriteString(w.text[w.at+1 : w.at+1+i])
			w.at += i + 2
		case c == '"':
			if !w.quoted(&b) {
				return "", false
			}
		case c == '$':
			if !w.variable(&b) {
				return "", false
			}
		case c == w.escape:
			w.at++
			if w.at < len(w.text) {
				b.WriteByte(w.text[w.at])
				w.at++
			}
		default:
			b.WriteByte(c)
			w.at++
		}
	}
	return b.String(), stop == 0
}

// quoted reads what is in double quotes.
func (w *words) quoted(b *strings.Builder) bool {
	w.at++
	for w.at < len(w.text) {
		c := w.text[w.at]
		switch {
		case c == '"':
			w.at++
			return true
		case c == '$':
			if !w.variable(b) {
				return false
			}
			continue
		case c == w.escape:
			w.at++
			if w.at == len(w.text) {
				return false
			}
			if next := w.text[w.at]; next != '"' && next != '$' && next != w.escape {
				b.WriteByte(c)
				continue
			}
			c = w.text[w.at]
		}
		b.WriteByte(c)
		w.at++
	}
	return false
}

// variable reads $name or ${name…}.
func (w *words) variable(b *strings.Builder) bool {
	from := w.at
	w.at++
	if w.at == len(w.text) || w.text[w.at] != '{' {
		n := nameLen(w.text[w.at:])
		name := w.text[w.at : w.at+n]
		w.at += n
		w.put(b, from, name)
		return true
	}
	w.at++
	n := nameLen(w.text[w.at:])
	name := w.text[w.at : w.at+n]
	w.at += n
	if w.at == len(w.text) {
		return false
	}
	if w.text[w.at] == '}' {
		w.at++
		w.put(b, from, name)
		return name != ""
	}
	empty := w.text[w.at] == ':' // a value that is empty counts as none
	if empty {
		w.at++
	}
	if w.at == len(w.text) {
		return false
	}
	op := w.text[w.at]
	w.at++
	word, ok := w.until('}')
	if !ok || name == "" || strings.IndexByte("-+?", op) < 0 && (empty || strings.IndexByte("#%/", op) < 0) {
		return false
	}
	value, known := w.lookup(name)
	has := known && (value != "" || !empty)
	switch {
	case op == '-' && !has, op == '+' && has:
		b.WriteString(word)
	case op == '-', op == '?' && has:
		b.WriteString(value)
	case op == '+' && known:
	case op == '?' && known:
		return false
	default:
		b.WriteString(w.text[from:w.at])
	}
	return true
}

// put writes the value of a variable, or what is written if it is not known.
func (w *words) put(b *strings.Builder, from int, name string) {
	if value, ok := w.lookup(name); ok && name != "" {
		b.WriteString(value)
		return
	}
	b.WriteString(w.text[from:w.at])
}

// variable reads the variable that s begins with: its length, and its value if it is known.
func variable(s string, lookup func(string) (string, bool)) (n int, value string, ok bool) {
	if !strings.HasPrefix(s, "${") {
		n = 1 + nameLen(s[1:])
		if n == 1 {
			return 1, "", false
		}
		value, ok = lookup(s[1:n])
		return n, value, ok
	}
	end := closing(s)
	if end < 0 {
		return len(s), "", false
	}
	inner := s[2:end]
	name := inner[:nameLen(inner)]
	value, ok = lookup(name)
	op := inner[len(name):]
	switch {
	case name == "":
		return end + 1, "", false
	case op == "":
		return end + 1, value, ok
	case strings.HasPrefix(op, ":-"), strings.HasPrefix(op, "-"):
		if ok && (value != "" || op[0] == '-') {
			return end + 1, value, true
		}
		return end + 1, Expand(strings.TrimPrefix(strings.TrimPrefix(op, ":"), "-"), lookup), true
	case strings.HasPrefix(op, ":+"), strings.HasPrefix(op, "+"):
		word := Expand(strings.TrimPrefix(strings.TrimPrefix(op, ":"), "+"), lookup)
		if ok && (value != "" || op[0] == '+') {
			return end + 1, word, true
		}
		return end + 1, "", ok
	}
	return end + 1, "", false
}

// closing is the place of the brace that ends "${", -1 for none.
func closing(s string) int {
	depth := 0
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '{' && s[i-1] == '$':
			depth++
		case s[i] == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func nameLen(s string) int {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(s)
}

// Variables are the names of the variables in a word.
func Variables(word string) (names []string) {
	Expand(word, func(name string) (string, bool) {
		if name != "" {
			names = append(names, name)
		}
		return "", false
	})
	return names
}
