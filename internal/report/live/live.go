// Package live keeps a few rows at the bottom of a terminal that change in
// place. What is finished scrolls away above them as any output does, and
// stays in the terminal's history.
//
//	term, ok := live.Open(os.Stdout) // ok: it is a terminal
//	screen := live.NewScreen(term)
//	cols, rows := term.Size()
//	screen.Draw(cols, []string{"a is finished"}, []string{"b is running"})
//	screen.Draw(cols, []string{"b is finished"}, nil)
//
// It reads no keys and changes no mode of the terminal: Ctrl-C is a signal as
// ever, and whenever the process ends, by kill -9 too, there is nothing to put
// back. For the same reason the cursor stays visible, on the free line below
// the rows.
//
// Where the rows are is known only by counting, so a row may be left behind
// when someone types a new line, or when a terminal that does not wrap its
// lines anew (xterm, the Linux console) becomes narrower. The next frame is
// right again, because each one is drawn whole.
package live

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

const (
	beginUpdate = "\x1b[?2026h" // terminals that know it show the frame at once; others ignore it
	endUpdate   = "\x1b[?2026l"
	eraseRight  = "\x1b[K"
	eraseBelow  = "\x1b[J"
)

// Screen draws on a terminal. Its methods must not be called concurrently.
type Screen struct {
	w     io.Writer
	drawn []int // the columns that each row takes that can be drawn over
}

// NewScreen makes a Screen whose rows begin where the cursor is, which must be
// the beginning of a line.
func NewScreen(w io.Writer) *Screen { return &Screen{w: w} }

// Draw prints lines, which may be of any length and stay, and below them rows
// in place of those of the last call. cols is the width of the terminal, which
// each row must be narrower than; there must be fewer rows than the terminal has.
// A frame is one Write.
func (s *Screen) Draw(cols int, lines, rows []string) error {
	var b strings.Builder
	b.WriteString(beginUpdate + "\r") // someone may have typed
	if up := s.height(cols); up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	if len(lines) > 0 {
		b.WriteString(eraseBelow) // a line may take several rows of the screen
	}
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	s.drawn = s.drawn[:0]
	for _, r := range rows {
		b.WriteString(r + eraseRight + "\n")
		s.drawn = append(s.drawn, Width(r))
	}
	b.WriteString(eraseBelow + endUpdate)
	_, err := io.WriteString(s.w, b.String())
	return err
}

// Forget leaves the rows where they are: the next frame is drawn below the
// cursor. It is for when something else has written to the terminal.
func (s *Screen) Forget() { s.drawn = s.drawn[:0] }

// height is how many rows of the screen the drawn rows take now: a terminal
// that has become narrower has wrapped them.
func (s *Screen) height(cols int) int {
	n := 0
	for _, w := range s.drawn {
		n += max(1, (w+cols-1)/max(1, cols))
	}
	return n
}

// Width is how many columns text takes. Colours take none.
func Width(text string) int {
	if !strings.Contains(text, "\x1b[") {
		return runewidth.StringWidth(text)
	}
	n := 0
	before, rest, coloured := strings.Cut(text, "\x1b[")
	for coloured {
		n += runewidth.StringWidth(before)
		_, rest, _ = strings.Cut(rest, "m")
		before, rest, coloured = strings.Cut(rest, "\x1b[")
	}
	return n + runewidth.StringWidth(before)
}
