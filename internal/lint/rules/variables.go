package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

// variable is a place where the builder puts the value of a variable.
type variable struct {
	Name    string
	Text    syntax.Text // $NAME or ${NAME…}
	Guarded bool        // there is something for when it has no value: ${NAME:-x}, ${NAME:+x}
}

// variables finds the variables in a text as the builder does: none behind an escape, and none in single
// quotes if quotes mean something there.
func variables(t syntax.Text, escape byte, quotes bool) (out []variable) {
	s := t.S
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == escape && quote != '\'':
			i++
		case quotes && quote != 0 && c == quote:
			quote = 0
		case quotes && quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == '$' && quote != '\'':
			n, inside := variableAt(t.Slice(i, len(s)), escape)
			out = append(out, inside...)
			i += n - 1
		}
	}
	return out
}

// variableAt reads the variable that a text begins with: its length, at least 1, and it with those that
// are in it.
func variableAt(t syntax.Text, escape byte) (n int, out []variable) {
	s := t.S
	braces := strings.HasPrefix(s, "${")
	start := 1
	if braces {
		start = 2
	}
	end := start
	for end < len(s) && (s[end] == '_' || s[end] >= 'a' && s[end] <= 'z' || s[end] >= 'A' && s[end] <= 'Z' || end > start && s[end] >= '0' && s[end] <= '9') {
		end++
	}
	if end == start {
		return 1, nil
	}
	v := variable{Name: s[start:end]}
	if !braces {
		v.Text = t.Slice(0, end)
		return end, []variable{v}
	}
	n = end
	for depth := 1; n < len(s); n++ {
		if s[n] == escape {
			n++
		} else if s[n] == '{' && s[n-1] == '$' {
			depth++
		} else if s[n] == '}' {
			if depth--; depth == 0 {
				break
			}
		}
	}
	if n >= len(s) {
		return 1, nil
	}
	v.Text = t.Slice(0, n+1)
	op := s[end:n]
	word := strings.TrimPrefix(op, ":")
	v.Guarded = word != "" && strings.IndexByte("-+?", word[0]) >= 0
	out = append(out, v)
	for _, in := range variables(t.Slice(n-len(word), n), escape, true) {
		in.Guarded = in.Guarded || in.Name == v.Name // ${A:+$A:} uses it where it has a value
		out = append(out, in)
	}
	return n + 1, out
}
