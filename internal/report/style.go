package report

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"

	"github.com/plinth-build/plinth/internal/fleet"
)

// Style is how things look on a terminal. Nothing is told by colour alone:
// beside a colour there is always a symbol and a word.
type Style struct {
	Colour bool
	ASCII  bool // the terminal or the locale may not have other characters
}

// StyleFor finds the style for an environment. The Linux console and a locale
// without UTF-8 get ASCII; see no-color.org for what takes the colours away.
func StyleFor(getenv func(string) string) Style {
	locale := cmp.Or(getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG"))
	utf8 := strings.Contains(strings.ToLower(strings.ReplaceAll(locale, "-", "")), "utf8")
	return Style{
		Colour: getenv("NO_COLOR") == "",
		ASCII:  getenv("TERM") == "linux" || locale != "" && !utf8,
	}
}

// Animated says whether a terminal in this environment is one to redraw: not
// a dumb one, and not that of a CI system, which is a log.
func Animated(getenv func(string) string) bool {
	term, ci := getenv("TERM"), getenv("CI")
	return term != "" && term != "dumb" && (ci == "" || ci == "false" || ci == "0")
}

// paint is the parameter of the escape sequence that chooses a colour.
type paint string

const (
	none   paint = ""
	bold   paint = "1"
	dim    paint = "2"
	red    paint = "31"
	green  paint = "32"
	yellow paint = "33"
	cyan   paint = "36"
)

func (s Style) paint(p paint, text string) string {
	if !s.Colour || p == none || text == "" {
		return text
	}
	return "\x1b[" + string(p) + "m" + text + "\x1b[0m"
}

// mark is the symbol of an end and its colour.
func (s Style) mark(status fleet.Status) (string, paint) {
	pick := func(symbol, ascii string) string {
		if s.ASCII {
			return ascii
		}
		return symbol
	}
	switch status {
	case fleet.Built:
		return pick("✓", "+"), green
	case fleet.Reused:
		return "=", dim
	case fleet.Failed:
		return pick("✗", "x"), red
	case fleet.Blocked:
		return "!", yellow
	case fleet.Cancelled:
		return pick("■", "#"), yellow
	default:
		return pick("·", "."), dim
	}
}

// spinner is the picture of something that runs, number n.
func (s Style) spinner(n int) string {
	pictures := []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}
	if s.ASCII {
		pictures = []string{"|", "/", "-", `\`}
	}
	return pictures[n%len(pictures)]
}

func (s Style) ellipsis() string {
	if s.ASCII {
		return "..."
	}
	return "…"
}

func (s Style) because() string {
	if s.ASCII {
		return "<- "
	}
	return "← "
}

// cut shortens text to width columns.
func (s Style) cut(text string, width int) string {
	if width <= 0 {
		return ""
	}
	if e := s.ellipsis(); runewidth.StringWidth(e) <= width {
		return runewidth.Truncate(text, width, e)
	}
	return runewidth.Truncate(text, width, "")
}

// cutMiddle shortens a name to width columns. Names of a fleet differ at both ends.
func (s Style) cutMiddle(text string, width int) string {
	all, gap := runewidth.StringWidth(text), runewidth.StringWidth(s.ellipsis())
	if all <= width || width < gap+2 {
		return s.cut(text, width)
	}
	tail := (width - gap) / 2
	return runewidth.Truncate(text, width-gap-tail, "") + s.ellipsis() + runewidth.TruncateLeft(text, all-tail, "")
}

// piece is a part of a row in one colour.
type piece struct {
	text  string
	paint paint
}

// row puts pieces beside each other; what is beyond width columns is cut.
func (s Style) row(width int, pieces ...piece) string {
	var b strings.Builder
	for _, p := range pieces {
		text := s.cut(p.text, width)
		width -= runewidth.StringWidth(text)
		b.WriteString(s.paint(p.paint, text))
	}
	return b.String()
}

// pad fills text up with spaces to width columns, at its left if right is set.
func pad(text string, width int, right bool) string {
	fill := strings.Repeat(" ", max(0, width-runewidth.StringWidth(text)))
	if right {
		return fill + text
	}
	return text + fill
}

// oneLine makes text from outside, as a Dockerfile or a file's name, harmless
// to a terminal and as wide as it is counted: escape sequences and characters
// that are not printed are left out, line ends and tabs become spaces.
func oneLine(text string) string {
	plain := true
	for i := 0; i < len(text) && plain; i++ {
		plain = text[i] >= ' ' && text[i] < 0x7f
	}
	if plain {
		return text
	}
	var b strings.Builder
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case r == '\x1b':
			i += escapeLength(runes[i+1:])
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.Is(unicode.Variation_Selector, r): // terminals disagree on the width of what they select
		case unicode.IsPrint(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// escapeLength is how long the escape sequence is whose first character was
// just before text. One that has no end is taken for its beginning alone.
func escapeLength(text []rune) int {
	if len(text) == 0 {
		return 0
	}
	i := 0
	switch text[0] {
	case '[': // parameters, then a letter or the like
		for i = 1; i < len(text) && text[i] >= ' ' && text[i] <= '?'; i++ {
		}
	case ']', 'P', 'X', '^', '_': // ends with BEL, which is not printed, or with ESC and a backslash, a sequence of its own
		end := slices.IndexFunc(text, func(r rune) bool { return r == '\a' || r == '\x1b' })
		if end < 0 {
			return 1
		}
		return end
	default:
		for i < len(text) && text[i] >= ' ' && text[i] <= '/' {
			i++
		}
	}
	if i < len(text) && text[i] > ' ' && text[i] <= '~' {
		i++
	}
	return i
}
