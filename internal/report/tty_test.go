package report

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/fleet"
)

// screen is a terminal that keeps what is written.
type screen struct {
	lockedBuffer
	cols, rows int
	background atomic.Bool
}

func (s *screen) Size() (cols, rows int) { return s.cols, s.rows }
func (s *screen) Foreground() bool       { return !s.background.Load() }

// since returns what has been written after the first n bytes, in words.
func (s *screen) since(n int) string {
	return strings.NewReplacer("\x1b[?2026h\r", "", "\x1b[?2026l", "", "\x1b[K", "", "\x1b", "ESC").Replace(s.String()[n:])
}

func TestTTYDraws(t *testing.T) {
	s := &screen{cols: 80, rows: 24}
	c := &fakeClock{noon}
	stop := make(chan struct{})
	p := NewTTY(s, Style{}, c.read, stop)
	p.state.begin(fleet.Outlook{Targets: 6}, noon)
	n := 0
	want := func(what, want string) {
		t.Helper()
		if got := s.since(n); got != want {
			t.Errorf("%s:\n--- got\n%s\n--- want\n%s", what, got, want)
		}
		n = len(s.String())
	}
	p.draw(true)
	want("begin", "0/6 done, 0 running, 6 waiting, 0 failed, 0s\nESC[J")
	p.Started("java", because("context: x changed"))
	c.now = c.now.Add(2300 * time.Millisecond)
	p.draw(true)
	want("started", "ESC[1A⠸ java      2s  ← context: x changed\n0/6 done, 1 running, 5 waiting, 0 failed, 2s\nESC[J")
	p.Step("java", "RUN \x1b[31mmake\x1b[0m\n  all")
	p.Step("other", "RUN rm")
	s.cols = 40
	p.draw(true)
	want("resized", "ESC[3A⠸ java      2s  RUN make all\n0/6 done, 1 running, 5 waiting, 2s\nESC[J")
	p.Ended(rows[0])
	p.Ended(rows[1])
	p.draw(true)
	want("ended", "ESC[2AESC[J✓ java built in 1.5s, the same image as before  ← context: x changed\n2/6 done, 0 running, 4 waiting, 2s\nESC[J")
	close(stop)
	p.draw(true)
	want("stopping", "ESC[1Astopping, 2/6 done, 0 running, 2s\nESC[J")
	p.suspended = true
	p.draw(true)
	want("in the foreground again", "ESC[1Astopping, 2/6 done, 0 running, 2s\nESC[J")
	s.background.Store(true)
	p.draw(true)
	want("in the background", "")
	p.Ended(rows[3])
	p.draw(true)
	want("a line in the background", "ESC[J! web blocked: shop failed\nESC[J")
	s.background.Store(false)
	p.draw(true)
	want("back", "stopping, 2/6 done, 0 running, 2s\nESC[J")
	p.Ended(rows[4])
	p.draw(false)
	want("last", "ESC[1AESC[J■ api cancelled\nESC[J")
}

// The goroutine that draws does so until Close, and nothing waits for a terminal that is stopped.
func TestTTYRuns(t *testing.T) {
	s := &screen{cols: 80, rows: 24}
	p := NewTTY(s, Style{}, time.Now, nil)
	asked := make(chan struct{})
	p.Planned(fleet.Outlook{Targets: 2, Jobs: 1, Expect: func() []fleet.Expected {
		close(asked) // a second time would panic
		return []fleet.Expected{{Target: "a", Took: 30 * time.Minute}, {Target: "b", Took: 30 * time.Minute}}
	}})
	await := func(what string) {
		t.Helper()
		for began := time.Now(); !strings.Contains(s.String(), what); time.Sleep(time.Millisecond) {
			if time.Since(began) > 20*time.Second {
				t.Fatalf("%q does not come:\n%q", what, s.String())
			}
		}
	}
	await("0/2 done")
	select {
	case <-asked:
		t.Error("durations are asked for although nothing is built")
	default:
	}
	p.Started("a", because("x"))
	await("about 1h00m left")
	p.Ended(fleet.Row{Target: "a", Status: fleet.Built})
	p.Started("b", because("x"))
	await("1/2 done, 1 running")
	s.mu.Lock() // the terminal takes nothing
	time.Sleep(3 * frameTime)
	p.Step("b", "RUN x")
	p.Ended(fleet.Row{Target: "b", Status: fleet.Failed})
	s.mu.Unlock()
	p.Close()
	end := s.String()
	last := end[strings.LastIndex(end, "\x1b[?2026h"):]
	if !strings.Contains(end, "\x1b[J✗ b failed after 0ms  ← x\n") || strings.Contains(last, "done") {
		t.Errorf("the end is %q", end)
	}
	time.Sleep(2 * frameTime)
	p.Close()
	if s.String() != end {
		t.Errorf("after the end comes %q", s.String()[len(end):])
	}
}

func TestTTYClosesWithoutARun(t *testing.T) {
	s := &screen{cols: 80, rows: 24}
	p := NewTTY(s, Style{}, time.Now, nil)
	p.Close()
	if s.String() != "" {
		t.Errorf("it printed %q", s.String())
	}
}

func TestTTYClosing(t *testing.T) {
	const header = "TARGET  RESULT         TIME     SIZE  WHY\n"
	const others = `java    ✓ built        1.5s  45.0 kB  Dockerfile changed → the same image as before
shop    ✗ failed       20ms        -  never built here
web     ! blocked         -        -  shop failed
api     ■ cancelled       -        -
db      · not started     -        -  the run was stopped
`
	const sum = "\n6 targets: 1 built, 1 reused, 1 failed, 1 blocked, 1 cancelled, 1 not started in 1m30s\nCPU time 2m05s\n"
	closing := func(cols, height int, style Style, rows []fleet.Row) string {
		s := &screen{cols: cols, rows: height}
		NewTTY(s, style, time.Now, nil).Closing(rows, sums)
		return s.String()
	}
	fits := "\n" + header + "base    = reused          -   2.0 MB\n" + others + sum
	for _, tt := range []struct{ what, got, want string }{
		{"fits", closing(100, 12, Style{}, rows), fits},
		{"one reused", closing(100, 11, Style{}, rows), "\n" + header + others + "(and 1 target that was reused)\n" + sum},
		{"two reused", closing(100, 1, Style{}, append(rows[:1:1], rows...)),
			"\n" + header + others + "(and 2 targets that were reused)\n" + strings.Replace(strings.Replace(sum, "6 targets", "7 targets", 1), "1 reused", "2 reused", 1)},
		{"all reused", closing(100, 4, Style{}, rows[:1]), "1 target: 1 reused in 1m30s\n"},
		{"narrow", closing(60, 12, Style{}, rows), strings.Replace(fits, " the same image as before", "…", 1)},
		{"too narrow for reasons", closing(50, 12, Style{}, rows), fits},
		{"ASCII", closing(100, 12, Style{ASCII: true}, rows), strings.NewReplacer("✓", "+", "✗", "x", "■", "#", "·", ".").Replace(fits)},
		{"colours", strings.ReplaceAll(closing(100, 12, Style{Colour: true}, rows[:2]), "\x1b", "ESC"),
			"\nTARGET  RESULT    TIME     SIZE  WHY\nbase    ESC[2m= reusedESC[0m     -   2.0 MB\njava    ESC[32m✓ builtESC[0m   1.5s  45.0 kB  Dockerfile changed → the same image as before\n\n" +
				"2 targets: 1 built, 1 reused in 1m30s\nCPU time 2m05s\n"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s:\n--- got\n%s\n--- want\n%s", tt.what, tt.got, tt.want)
		}
	}
}

// A fleet of which nearly everything is reused stays readable on a terminal, and complete elsewhere.
func TestClosingOfALargeFleet(t *testing.T) {
	var many []fleet.Row
	for i := range 200 {
		many = append(many, fleet.Row{Target: fmt.Sprintf("img%03d", i), Status: fleet.Reused, Size: 1000})
	}
	many[7].Status = fleet.Built
	s := &screen{cols: 80, rows: 24}
	NewTTY(s, Style{}, time.Now, nil).Closing(many, sums)
	if n := strings.Count(s.String(), "\n"); n != 7 {
		t.Errorf("%d lines:\n%s", n, s.String())
	}
	var b bytes.Buffer
	Closing(&b, many, sums)
	if n := strings.Count(b.String(), " reused  "); n != 199 {
		t.Errorf("%d reused targets in\n%s", n, b.String())
	}
}
