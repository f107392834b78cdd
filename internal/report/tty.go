package report

import (
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/plan"
	"github.com/plinth-build/plinth/internal/report/live"
)

// frameTime is how often a terminal is drawn.
const frameTime = 100 * time.Millisecond

// Terminal is what TTY draws on; live.Terminal is one.
type Terminal interface {
	io.Writer
	// Size is the width and height in characters, both at least 1.
	Size() (cols, rows int)
	// Foreground says whether the user of the terminal talks to this process.
	Foreground() bool
}

// TTY shows on a terminal a row for each target that is being built, and below
// them how far the run is. Targets that ended become a line each.
//
// Building never waits for the terminal: what happens is only noted, and one
// goroutine draws what has been noted.
type TTY struct {
	term  Terminal
	now   func() time.Time
	style Style
	stop  <-chan struct{} // closed when the run is being stopped

	mu    sync.Mutex
	state view

	screen    *live.Screen // of the goroutine that draws
	suspended bool         // likewise: it has been in the background
	closing   chan struct{}
	closed    sync.Once
	drawing   sync.WaitGroup
}

// NewTTY makes a TTY that draws on term until Close. stopping is closed when
// the run is interrupted, or nil.
func NewTTY(term Terminal, style Style, now func() time.Time, stopping <-chan struct{}) *TTY {
	return &TTY{term: term, now: now, style: style, stop: stopping, screen: live.NewScreen(term), closing: make(chan struct{})}
}

// Planned implements fleet.Progress: drawing begins.
func (t *TTY) Planned(o fleet.Outlook) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.begin(o, t.now())
	resumed := make(chan os.Signal, 1)
	signal.Notify(resumed, syscall.SIGCONT)
	t.drawing.Go(func() {
		defer signal.Stop(resumed)
		tick := time.NewTicker(frameTime)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				t.draw(true)
			case <-resumed: // the shell has written below the rows
				t.screen.Forget()
				t.suspended = true
			case <-t.closing:
				t.draw(false)
				return
			}
		}
	})
}

// Started implements fleet.Progress.
func (t *TTY) Started(target string, reasons []plan.Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.started(target, plan.Summary(reasons), t.now())
	if t.state.expect == nil {
		return
	}
	// only now that something is built does it matter how long it takes
	expect := t.state.expect
	t.state.expect = nil
	t.drawing.Go(func() {
		expected := expect()
		t.mu.Lock()
		defer t.mu.Unlock()
		t.state.expected = expected
	})
}

// Step implements fleet.Progress.
func (t *TTY) Step(target, step string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.step(target, step)
}

// Ended implements fleet.Progress.
func (t *TTY) Ended(row fleet.Row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.end(row, t.style)
}

// Close implements Progress: it prints what is left to be said and takes the rows away.
func (t *TTY) Close() {
	t.closed.Do(func() { close(t.closing) })
	t.drawing.Wait()
}

// draw draws a frame, without the rows for the last one.
func (t *TTY) draw(rows bool) {
	cols, height := t.term.Size()
	t.mu.Lock()
	lines, live := t.state.takeLines(), []string(nil)
	if rows {
		live = t.state.rows(t.now(), cols, height, t.style, t.stopping())
	}
	t.mu.Unlock()
	if t.suspended && !t.term.Foreground() { // only lines may appear where the shell has the terminal
		t.screen.Forget()
		if live = nil; len(lines) == 0 {
			return
		}
	}
	_ = t.screen.Draw(cols, lines, live) // a terminal that went away must not stop the build
}

func (t *TTY) stopping() bool {
	select {
	case <-t.stop:
		return true
	default:
		return false
	}
}
