package report

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/plan"
)

// Progress shows what goes on.
type Progress interface {
	fleet.Progress
	// Close ends it; it may be called again. Nothing is printed after it returns.
	Close()
}

// ending is how a target ended, in words; "" for what is left to the closing table.
func ending(row fleet.Row) string {
	switch row.Status {
	case fleet.Built:
		return "built in " + Duration(row.Took) + sameNote(row)
	case fleet.Failed:
		return "failed after " + Duration(row.Took)
	case fleet.Blocked:
		return "blocked: " + row.Cause + " failed"
	case fleet.Cancelled:
		return "cancelled"
	}
	return ""
}

func sameNote(row fleet.Row) string {
	if row.Same {
		return ", the same image as before"
	}
	return ""
}

const (
	silence  = time.Minute     // after which Plain says what a target is still doing
	beatTime = 5 * time.Second // how often it looks
)

// Plain prints one prefixed line for each thing that happens, for pipes and CI
// logs, and one each minute for a target that is silent, because CI systems
// end jobs that print nothing.
type Plain struct {
	now     func() time.Time
	closing chan struct{}
	closed  sync.Once
	beating sync.WaitGroup

	mu      sync.Mutex
	w       io.Writer
	running []*doing // in the order in which they began
}

// doing is what a target is doing.
type doing struct {
	target, step   string
	since, printed time.Time
}

// NewPlain makes a Plain that prints to w.
func NewPlain(w io.Writer, now func() time.Time) *Plain {
	return &Plain{w: w, now: now, closing: make(chan struct{})}
}

// line prints a line. The caller holds the lock.
func (p *Plain) line(target, text string) { fmt.Fprintf(p.w, "[%s] %s\n", target, oneLine(text)) }

// Planned implements fleet.Progress.
func (p *Plain) Planned(fleet.Outlook) {
	p.beating.Go(func() {
		tick := time.NewTicker(beatTime)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.beat()
			case <-p.closing:
				return
			}
		}
	})
}

// Started implements fleet.Progress.
func (p *Plain) Started(target string, reasons []plan.Reason) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(target, "build: "+plan.Summary(reasons))
	now := p.now()
	p.running = append(p.running, &doing{target: target, since: now, printed: now})
}

// Step implements fleet.Progress.
func (p *Plain) Step(target, step string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(target, step)
	for _, d := range p.running {
		if d.target == target {
			now := p.now()
			d.step, d.since, d.printed = step, now, now
		}
	}
}

// Ended implements fleet.Progress. Reused targets are left to the closing table.
func (p *Plain) Ended(row fleet.Row) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, d := range p.running {
		if d.target == row.Target {
			p.running = append(p.running[:i], p.running[i+1:]...)
			break
		}
	}
	if words := ending(row); words != "" {
		p.line(row.Target, words)
	}
}

// Close implements Progress.
func (p *Plain) Close() {
	p.closed.Do(func() { close(p.closing) })
	p.beating.Wait()
}

// beat says of each target that has been silent for long what it is doing.
func (p *Plain) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for _, d := range p.running {
		if now.Sub(d.printed) < silence {
			continue
		}
		d.printed = now
		step := d.step
		if step == "" {
			step = "preparing"
		}
		p.line(d.target, fmt.Sprintf("still running: %s (%s)", step, clock(now.Sub(d.since))))
	}
}

// Quiet prints nothing.
type Quiet struct{}

// Planned implements fleet.Progress.
func (Quiet) Planned(fleet.Outlook) {}

// Started implements fleet.Progress.
func (Quiet) Started(string, []plan.Reason) {}

// Step implements fleet.Progress.
func (Quiet) Step(string, string) {}

// Ended implements fleet.Progress.
func (Quiet) Ended(fleet.Row) {}

// Close implements Progress.
func (Quiet) Close() {}
