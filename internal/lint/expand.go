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
		if ok && (value != "" || op[0] == '+') {
			return end + 1, Expand(strings.TrimPrefix(strings.TrimPrefix(op, ":"), "+"), lookup), true
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
		case s[i] == '{':
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
