package text

import (
	"slices"
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, nil},
		{" \n ", 10, nil},
		{"a", 10, []string{"a"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 6, []string{"one", "two", "three"}},
		{"one two three", 8, []string{"one two", "three"}},
		{" one\n\ttwo  three ", 13, []string{"one two three"}},
		{"a longer-than-that b", 6, []string{"a", "longer-than-that", "b"}},
		{"日本 日本", 8, []string{"日本", "日本"}},
		{"日本 日本", 9, []string{"日本 日本"}},
		{"\x1b[31mone\x1b[0m two", 7, []string{"\x1b[31mone\x1b[0m two"}},
	} {
		if got := Wrap(test.text, test.width); !slices.Equal(got, test.want) {
			t.Errorf("%q in %d: %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

func TestHang(t *testing.T) {
	if got := Hang("why ", "    ", "one two three", 11); got != "why one two\n    three\n" {
		t.Errorf("%q", got)
	}
	if got := Hang("", "  ", "one two three", 7); got != "one\n  two\n  three\n" {
		t.Errorf("%q", got)
	}
	if got := Hang("why ", "    ", " ", 11); got != "why\n" {
		t.Errorf("%q", got)
	}
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain ~":               "plain ~",
		"a\tb\r\nc\u00a0d":      "a b  c d",
		"\x1b[31mred":           "?[31mred",
		"\x7f\u009b":            "??",
		"right \u202eto left":   "right to left",
		"zero\u200bwidth\ufe0f": "zerowidth",
		"日本 é e\u0301":          "日本 é e\u0301",
		"bad \xff":              "bad ?",
	} {
		if got := Visible(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestFirstSentence(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"One.":                          "One.",
		"Say `COPY . .` here. Then go.": "Say `COPY . .` here.",
		"No end":                        "No end",
		"One. Two.":                     "One.",
		"One! Two.":                     "One!",
		"One? Two.":                     "One?",
		"One, e.g. this. Two.":          "One, e.g. this.",
		"Version 1.2 of it. Two.":       "Version 1.2 of it.",
		"One\n  line. `Two` is another": "One line.",
		"One. Ärger":                    "One.",
	} {
		if got := FirstSentence(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for text, want := range map[string]string{
		"a-b.c (d)":        "a-b.c (d)",
		"a|b":              `a\|b`,
		"`x` *y* _z_ ~w~":  "\\`x\\` \\*y\\* \\_z\\_ \\~w\\~",
		"<b> & [l](u)":     `\<b\> &amp; \[l\](u)`,
		`\ $x`:             `\\ \$x`,
		"a\n b\t\r\nc":     "a b c",
		"@acme/x fixes #1": "@&#8203;acme/x fixes #&#8203;1",
		"日本":               "日本",
	} {
		if got := Markdown(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"":        "",
		"a":       "`a`",
		"a|b":     "`a\\|b`",
		"a`b":     "``a`b``",
		"a``b`c":  "```a``b`c```",
		"`a":      "`` `a ``",
		"a`":      "`` a` ``",
		"a\nb":    "`a b`",
		"<b> & *": "`<b> & *`",
	} {
		if got := Code(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if strings.Contains(Code("\n"), "`") {
		t.Error("nothing became code")
	}
}
