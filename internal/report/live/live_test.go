package live

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"golang.org/x/sys/unix"
)

// vt is a terminal of the kind that wraps its lines anew when it is resized.
// It knows the control sequences of a Screen and fails for others.
type vt struct {
	t          *testing.T
	cols, rows int
	lines      []vtLine // the history and the screen
	x, y       int      // y counts from the first line of the history
	synced     bool
	writes     int
}

// vtLine is one row of the screen; next is set if the text goes on in the next one.
type vtLine struct {
	cells []rune
	next  bool
}

func newVT(t *testing.T, cols, rows int) *vt {
	return &vt{t: t, cols: cols, rows: rows, lines: []vtLine{{}}}
}

// top is the first line of the screen.
func (v *vt) top() int { return max(0, len(v.lines)-v.rows) }

func (v *vt) down() {
	if v.y++; v.y == len(v.lines) {
		v.lines = append(v.lines, vtLine{})
	}
}

func (v *vt) put(r rune) {
	w := runewidth.RuneWidth(r)
	if v.x+w > v.cols {
		v.lines[v.y].next = true
		v.x = 0
		v.down()
	}
	line := &v.lines[v.y]
	for len(line.cells) < v.x+w {
		line.cells = append(line.cells, ' ')
	}
	line.cells[v.x] = r
	for i := 1; i < w; i++ {
		line.cells[v.x+i] = 0
	}
	v.x += w
}

func (v *vt) Write(p []byte) (int, error) {
	v.writes++
	text := []rune(string(p))
	for i := 0; i < len(text); i++ {
		switch r := text[i]; r {
		case '\r':
			v.x = 0
		case '\n':
			v.x = 0
			v.down()
		case '\x1b':
			end := i + 2
			for end < len(text) && (text[end] < '@' || text[end] > '~') {
				end++
			}
			v.escape(string(text[i+1 : end+1]))
			i = end
		default:
			v.put(r)
		}
	}
	return len(p), nil
}

func (v *vt) escape(seq string) {
	n := 0
	switch {
	case seq == "[?2026h":
		v.synced = true
	case seq == "[?2026l":
		v.synced = false
	case seq == "[K":
		v.lines[v.y].cells = v.lines[v.y].cells[:min(v.x, len(v.lines[v.y].cells))]
		v.lines[v.y].next = false
	case seq == "[J":
		v.escape("[K")
		v.lines = v.lines[:v.y+1]
	case strings.HasSuffix(seq, "A"):
		if _, err := fmt.Sscanf(seq, "[%dA", &n); err != nil || n == 0 {
			v.t.Errorf("escape %q", seq)
		}
		v.y = max(v.top(), v.y-n)
	case strings.HasSuffix(seq, "m"):
	default:
		v.t.Errorf("escape %q", seq)
	}
}

// resize wraps all lines anew.
func (v *vt) resize(cols int) {
	old, y := v.lines, v.y
	v.lines, v.x, v.y, v.cols = []vtLine{{}}, 0, 0, cols
	for i, line := range old {
		for _, r := range line.cells {
			if r != 0 {
				v.put(r)
			}
		}
		if i == y {
			break
		}
		if !line.next {
			v.x = 0
			v.down()
		}
	}
}

// String is everything that was printed, history and screen.
func (v *vt) String() string {
	var out []string
	for _, l := range v.lines {
		out = append(out, strings.TrimRight(strings.ReplaceAll(string(l.cells), "\x00", ""), " "))
	}
	return strings.Join(out, "\n")
}

func (v *vt) want(what string, lines ...string) {
	v.t.Helper()
	if got, want := v.String(), strings.Join(lines, "\n"); got != want {
		v.t.Errorf("%s:\n--- got\n%s\n--- want\n%s", what, got, want)
	}
	if v.x != 0 || v.y != len(v.lines)-1 || v.synced {
		v.t.Errorf("%s: the cursor is at %d, %d of %d lines, synchronised %v", what, v.x, v.y, len(v.lines), v.synced)
	}
}

// draw draws a frame, which must be one write.
func (v *vt) draw(s *Screen, lines, rows []string) {
	v.t.Helper()
	before := v.writes
	if err := s.Draw(v.cols, lines, rows); err != nil || v.writes != before+1 {
		v.t.Errorf("error %v, %d writes", err, v.writes-before)
	}
}

func TestRowsChangeInPlaceAndLinesStay(t *testing.T) {
	v := newVT(t, 20, 10)
	fmt.Fprint(v, "$ plinth build\n")
	s := NewScreen(v)
	v.draw(s, nil, []string{"a runs", "b runs", "2 running"})
	v.want("first", "$ plinth build", "a runs", "b runs", "2 running", "")
	v.draw(s, nil, []string{"a", "b still", "2 running"})
	v.want("shorter row", "$ plinth build", "a", "b still", "2 running", "")
	v.draw(s, []string{"a is finished, which takes more than one row"}, []string{"b still", "1 running"})
	v.want("line above", "$ plinth build", "a is finished, which", " takes more than one", " row", "b still", "1 running", "")
	v.draw(s, []string{"b 1", "b 2"}, nil)
	v.want("no rows", "$ plinth build", "a is finished, which", " takes more than one", " row", "b 1", "b 2", "")
	v.draw(s, nil, []string{"c"})
	v.draw(s, nil, nil)
	v.want("rows gone", "$ plinth build", "a is finished, which", " takes more than one", " row", "b 1", "b 2", "")
}

func TestLinesScrollIntoTheHistory(t *testing.T) {
	v := newVT(t, 20, 4)
	s := NewScreen(v)
	var want []string
	for i := range 30 {
		line := fmt.Sprintf("target %d built", i)
		v.draw(s, []string{line}, []string{"x runs", "y runs", "2 running"}[i%3:])
		want = append(want, line)
	}
	v.draw(s, nil, nil)
	v.want("all lines", append(want, "")...)
}

func TestColoursAndWideCharactersAreCounted(t *testing.T) {
	v := newVT(t, 12, 10)
	s := NewScreen(v)
	v.draw(s, nil, []string{"\x1b[31m日本\x1b[0m abc", "\x1b[2mx\x1b[0m"})
	v.want("before", "日本 abc", "x", "")
	v.resize(7) // 8 columns become two rows
	v.draw(s, nil, []string{"y"})
	v.want("after", "y", "")
	for text, want := range map[string]int{"": 0, "abc": 3, "日本": 4, "\x1b[31m日\x1b[0m": 2, "a\x1b[1;31mb\x1b[0mc": 3, "\x1b[31": 0} {
		if got := Width(text); got != want {
			t.Errorf("%q is %d columns wide, want %d", text, got, want)
		}
	}
}

func TestResizeLeavesNothingBehind(t *testing.T) {
	v := newVT(t, 80, 24)
	s := NewScreen(v)
	row := func(n int) string { return strings.Repeat("x", n) }
	v.draw(s, []string{"kept"}, []string{row(79), row(40), row(41), ""})
	v.resize(40) // 2, 1, 2 and 1 rows
	v.draw(s, nil, []string{row(39), "end"})
	v.want("narrower", "kept", row(39), "end", "")
	v.resize(200)
	v.draw(s, nil, []string{row(199), "end"})
	v.want("wider", "kept", row(199), "end", "")
	v.resize(20)
	v.draw(s, []string{"kept too"}, nil)
	v.want("narrow again", "kept", "kept too", "")
}

func TestTypingIsDrawnOver(t *testing.T) {
	v := newVT(t, 20, 10)
	s := NewScreen(v)
	v.draw(s, nil, []string{"a", "b", "c"})
	fmt.Fprint(v, "hello^C")
	v.draw(s, nil, []string{"a", "b", "c"})
	v.want("typed", "a", "b", "c", "")
	fmt.Fprint(v, "\n") // one row stays, and only one
	for range 3 {
		v.draw(s, nil, []string{"a", "b", "c"})
	}
	v.want("new line", "a", "a", "b", "c", "")
}

func TestForgetLeavesTheRows(t *testing.T) {
	v := newVT(t, 20, 10)
	s := NewScreen(v)
	v.draw(s, nil, []string{"a", "b"})
	fmt.Fprint(v, "^Z\n$ fg\n")
	s.Forget()
	v.draw(s, nil, []string{"c", "d"})
	v.draw(s, nil, []string{"e", "f"})
	v.want("after fg", "a", "b", "^Z", "$ fg", "e", "f", "")
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestErrorOfTheTerminalIsReturned(t *testing.T) {
	if err := NewScreen(broken{}).Draw(80, nil, []string{"a"}); err == nil || err.Error() != "gone" {
		t.Errorf("error %v", err)
	}
}

// openPTY makes a pseudo terminal.
func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

func TestTerminal(t *testing.T) {
	_, slave := openPTY(t)
	term, ok := Open(slave)
	if !ok {
		t.Fatal("a pseudo terminal is no terminal")
	}
	if cols, rows := term.Size(); cols != 80 || rows != 24 {
		t.Errorf("a terminal without a size is %d by %d", cols, rows)
	}
	if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: 132, Row: 50}); err != nil {
		t.Fatal(err)
	}
	if cols, rows := term.Size(); cols != 132 || rows != 50 {
		t.Errorf("size %d by %d", cols, rows)
	}
	if !term.Foreground() { // it is nobody's controlling terminal
		t.Error("the test is in the background of a terminal without jobs")
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, ok := Open(file); ok {
		t.Error("a file is a terminal")
	}
	if _, ok := Open(&bytes.Buffer{}); ok {
		t.Error("a buffer is a terminal")
	}
}
