package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// env are the variables of the tests.
var env = map[string]string{"A": "b c", "EMPTY": "", "A_1": "x", "Q": `"q"`}

func lookup(name string) (string, bool) {
	v, ok := env[name]
	return v, ok
}

func buildkitEnv() shell.EnvGetter {
	var list []string
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return shell.EnvsFromSlice(list)
}

// samples are words in which all variables are known.
var samples = []string{
	"", "a", "$A", "${A}", "a$A-b", "$A_1.x", "${A}_1", "$EMPTY", "x${EMPTY}y", "$", "a$", "$$A", "$-", "a $ b", "$Q${Q}",
	"${A:-x}", "${A-x}", "${EMPTY:-x}", "${EMPTY-x}", "${EMPTY:-$A}", "${EMPTY:-${A}}", "${EMPTY:-a${EMPTY:-b}c}",
	"${A:+x}", "${A+x}", "${EMPTY:+x}", "${EMPTY+x}", "${A:+$A:}/y", "${EMPTY:+$A}", "${A?x}", "${A:?x}",
	`\$A`, `\\$A`, `a\b`, `a\`, `'$A'`, `"$A"`, `"a'b"`, `'a"b'`, `"\$A \" \\ \a"`, `a'b'"c"d`, `'a\'b`, `"${EMPTY:-"x y"}"`, `${EMPTY:-'a}b'}`,
	`${EMPTY:-a\}b}`, `"`, `'`, `"a`, `${A`, `${`, `${}`, `${:-x}`, `${A:-x`, `"${A}`, "ä$A", `\ä`,
}

func TestWordLikeBuildKit(t *testing.T) {
	for _, s := range samples {
		for _, escape := range []byte{'\\', '`'} {
			compareWord(t, s, escape)
		}
	}
}

func compareWord(t *testing.T, text string, escape byte) {
	t.Helper()
	want, unset, err := shell.NewLex(rune(escape)).ProcessWord(text, buildkitEnv())
	if err != nil {
		want = text
	}
	if len(unset) > 0 {
		return
	}
	if got := Word(text, escape, lookup); got != want {
		t.Errorf("Word(%q, %c) = %q, want %q (%v)", text, escape, got, want, err)
	}
}

func TestExpandLikeBuildKit(t *testing.T) {
	for _, s := range samples {
		compareExpand(t, s)
	}
}

func compareExpand(t *testing.T, text string) {
	t.Helper()
	lex := shell.NewLex('\\')
	lex.SkipProcessQuotes, lex.RawEscapes = true, true
	want, unset, err := lex.ProcessWord(text, buildkitEnv())
	if err != nil || len(unset) > 0 || strings.ContainsAny(text, "?") {
		return
	}
	if strings.Contains(text, "{") && strings.Contains(text, `\`) {
		return // BuildKit takes escapes off the words in braces even so
	}
	if got := Expand(text, lookup); got != want {
		t.Errorf("Expand(%q) = %q, want %q", text, got, want)
	}
}

func TestUnknownStays(t *testing.T) {
	for text, want := range map[string]string{
		"$X":               "$X",
		"a${X}b$A":         "a${X}bb c",
		"${X:-d}":          "d",
		"${X-$A}":          "b c",
		"${X:+d}":          "${X:+d}",
		"${X+d}":           "${X+d}",
		"${X:?no}":         "${X:?no}",
		"${A#b}":           "${A#b}",
		"${A/b/c}":         "${A/b/c}",
		"$1 $@":            "$1 $@",
		"${A:-x}${X":       "${A:-x}${X",
		"$A ${X:-${Y:+z}}": "b c ${Y:+z}",
	} {
		if got := Word(text, '\\', lookup); got != want {
			t.Errorf("Word(%q) = %q, want %q", text, got, want)
		}
		if strings.Contains(text, "?") || strings.HasSuffix(text, "${X") {
			continue
		}
		if got := Expand(text, lookup); got != want {
			t.Errorf("Expand(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestVariables(t *testing.T) {
	for text, want := range map[string]string{
		"":                "",
		"a":               "",
		"$A/${B}":         "A B",
		`\$A $B`:          "B",
		"${A:-$B}":        "A B",
		"${A:+$B}":        "A B",
		"${A#x}":          "A",
		"$ $1 ${} ${A":    "",
		"$A$A_B${_C}-$d9": "A A_B _C d9",
	} {
		if got := strings.Join(Variables(text), " "); got != want {
			t.Errorf("Variables(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzWord(f *testing.F) {
	for _, s := range samples {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "#%/") || strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 || r == 0 }) {
			return // operators that are left as they are, letters that BuildKit takes for part of a name
		}
		compareWord(t, text, '\\')
		compareExpand(t, text)
	})
}
