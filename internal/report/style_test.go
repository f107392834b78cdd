package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/plinth-build/plinth/internal/fleet"
)

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		"RUN apt-get install -y ~":   "RUN apt-get install -y ~",
		"a\tb\r\nc\u00a0d\u2028e":    "a b  c d e",
		"\x1b[31mred\x1b[0m":         "red",
		"\x1b[1;38;5;200mx\x1b[K":    "x",
		"\x1b[?25lhidden":            "hidden",
		"\x1b]0;title\aafter":        "after",
		"\x1b]8;;http://x\x1b\\link": "link",
		"\x1bP1$r\x1b\\a":            "a",
		"\x1b(Bb\x1b=c\x1bMd":        "bcd",
		"\x1b]0;no end":              "0;no end",
		"a\x1b[":                     "a",
		"a\x1b[31":                   "a",
		"a\x1b":                      "a",
		"a\x1b\nb":                   "a b",
		"a\x1b[3é":                   "aé",
		"a\x1b(\nb":                  "a b",
		"\x1b\x1b[1mx":               "x",
		"bell\a null\x00 del\x7f":    "bell null del",
		"c1 \u009b31m \u0085x":       "c1 31m  x",
		"right \u202eto\u202c left":  "right to left",
		"zero\u200bwidth\u200d":      "zerowidth",
		"❤\ufe0f":                    "❤",
		"日本 é ü":                     "日本 é ü",
		"bad \xff utf8":              "bad \ufffd utf8",
	} {
		if got := oneLine(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzOneLine(f *testing.F) {
	for _, s := range []string{"a", "\x1b[31mx", "\x1b]0;t\a", "\x1b", "日\u202e\xff", "\x1b(B\x1b[?1049h\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := oneLine(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q became %q", text, got)
		}
		if again := oneLine(got); again != got {
			t.Errorf("%q became %q, then %q", text, got, again)
		}
		if n := escapeLength([]rune(text)); n > len([]rune(text)) {
			t.Errorf("%q has an escape sequence of %d", text, n)
		}
	})
}

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestStyleFor(t *testing.T) {
	for _, tt := range []struct {
		env  func(string) string
		want Style
	}{
		{env(), Style{Colour: true}},
		{env("NO_COLOR", "1"), Style{}},
		{env("NO_COLOR", ""), Style{Colour: true}},
		{env("LANG", "en_GB.UTF-8"), Style{Colour: true}},
		{env("LANG", "C.utf8", "TERM", "xterm"), Style{Colour: true}},
		{env("LANG", "C"), Style{Colour: true, ASCII: true}},
		{env("LANG", "C.UTF-8", "LC_ALL", "POSIX"), Style{Colour: true, ASCII: true}},
		{env("LANG", "C", "LC_CTYPE", "de_DE.UTF-8"), Style{Colour: true}},
		{env("LANG", "de_DE.UTF-8", "TERM", "linux"), Style{Colour: true, ASCII: true}},
	} {
		if got := StyleFor(tt.env); got != tt.want {
			t.Errorf("got %+v, want %+v", got, tt.want)
		}
	}
}

func TestAnimated(t *testing.T) {
	for _, tt := range []struct {
		env  func(string) string
		want bool
	}{
		{env("TERM", "xterm"), true},
		{env("TERM", "dumb"), false},
		{env(), false},
		{env("TERM", "xterm", "CI", "true"), false},
		{env("TERM", "xterm", "CI", "1"), false},
		{env("TERM", "xterm", "CI", "false"), true},
		{env("TERM", "xterm", "CI", "0"), true},
	} {
		if got := Animated(tt.env); got != tt.want {
			t.Errorf("TERM=%s CI=%s: %v", tt.env("TERM"), tt.env("CI"), got)
		}
	}
}

// Who sees no colours tells all ends apart.
func TestMarksDiffer(t *testing.T) {
	for _, s := range []Style{{}, {ASCII: true}} {
		seen := map[string]fleet.Status{}
		for _, status := range []fleet.Status{fleet.Built, fleet.Reused, fleet.Failed, fleet.Blocked, fleet.Cancelled, fleet.NotStarted} {
			symbol, _ := s.mark(status)
			if other, ok := seen[symbol]; ok {
				t.Errorf("%s and %s are both %q", status, other, symbol)
			}
			seen[symbol] = status
			if s.ASCII && symbol[0] >= 0x80 {
				t.Errorf("%s is %q in ASCII", status, symbol)
			}
		}
		first, next := s.spinner(0), s.spinner(1)
		if first == next || s.spinner(20) != first {
			t.Errorf("the spinner goes %q, %q, … %q", first, next, s.spinner(20))
		}
	}
}

func TestCut(t *testing.T) {
	u, a := Style{}, Style{ASCII: true}
	for _, tt := range []struct{ got, want string }{
		{u.cut("abcdef", 6), "abcdef"}, {u.cut("abcdef", 5), "abcd…"}, {u.cut("abcdef", 1), "…"}, {u.cut("abcdef", 0), ""}, {u.cut("abcdef", -1), ""},
		{a.cut("abcdef", 5), "ab..."}, {a.cut("abcdef", 2), "ab"}, {u.cut("日本語", 5), "日本…"}, {u.cut("日本語", 4), "日…"},
		{u.cutMiddle("abcdef", 6), "abcdef"}, {u.cutMiddle("abcdef", 5), "ab…ef"}, {u.cutMiddle("abcdef", 4), "ab…f"}, {u.cutMiddle("abcdef", 3), "a…f"}, {u.cutMiddle("abcdef", 2), "a…"},
		{a.cutMiddle("abcdefgh", 6), "ab...h"}, {u.cutMiddle("日本語日本語", 7), "日… 語"},
		{pad("日", 4, true), "  日"}, {pad("日", 4, false), "日  "}, {pad("abc", 2, true), "abc"},
		{u.row(5, piece{"abc", red}, piece{"def", bold}), "abcd…"}, {u.row(3, piece{"abc", red}, piece{"def", bold}), "abc"},
		{Style{Colour: true}.row(4, piece{"ab", red}, piece{"c", none}, piece{"", dim}, piece{"d", dim}, piece{"e", dim}), "\x1b[31mab\x1b[0mc\x1b[2md\x1b[0m"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
