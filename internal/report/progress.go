package report

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/plan"
)

// Plain prints one prefixed line for each thing that happens, for pipes and CI logs.
type Plain struct {
	mu sync.Mutex
	w  io.Writer
}

// NewPlain makes a Plain that prints to w.
func NewPlain(w io.Writer) *Plain { return &Plain{w: w} }

func (p *Plain) line(target, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "[%s] %s\n", target, fmt.Sprintf(format, args...))
}

// Started implements fleet.Progress.
func (p *Plain) Started(target string, reasons []plan.Reason) {
	p.line(target, "build: %s", plan.Summary(reasons))
}

// Step implements fleet.Progress.
func (p *Plain) Step(target, step string) { p.line(target, "%s", step) }

// Ended implements fleet.Progress. Reused targets are left to the closing table.
func (p *Plain) Ended(row fleet.Row) {
	switch row.Status {
	case fleet.Built:
		p.line(row.Target, "built in %s%s", Duration(row.Took), sameNote(row))
	case fleet.Failed:
		p.line(row.Target, "failed after %s", Duration(row.Took))
	case fleet.Blocked:
		p.line(row.Target, "blocked: %s failed", row.Cause)
	case fleet.Cancelled:
		p.line(row.Target, "cancelled")
	}
}

func sameNote(row fleet.Row) string {
	if row.Same {
		return ", the same image as before"
	}
	return ""
}

// JSON prints one JSON object a line for each thing that happens; ClosingEvent prints the last one.
type JSON struct {
	mu  sync.Mutex
	enc *json.Encoder
}

// NewJSON makes a JSON that prints to w.
func NewJSON(w io.Writer) *JSON {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &JSON{enc: enc}
}

type jsonEvent struct {
	Event   string        `json:"event"` // started, step or ended
	Target  string        `json:"target"`
	Reasons []plan.Reason `json:"reasons,omitempty"`
	Step    string        `json:"step,omitempty"`
	Row     *jsonRow      `json:"row,omitempty"`
}

type jsonRow struct {
	fleet.Row
	Error string `json:"error,omitempty"`
}

func (j *JSON) print(e jsonEvent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_ = j.enc.Encode(e) // a closed pipe must not stop the build
}

// Started implements fleet.Progress.
func (j *JSON) Started(target string, reasons []plan.Reason) {
	j.print(jsonEvent{Event: "started", Target: target, Reasons: reasons})
}

// Step implements fleet.Progress.
func (j *JSON) Step(target, step string) {
	j.print(jsonEvent{Event: "step", Target: target, Step: step})
}

// Ended implements fleet.Progress.
func (j *JSON) Ended(row fleet.Row) {
	j.print(jsonEvent{Event: "ended", Target: row.Target, Row: toJSON(row)})
}

func toJSON(row fleet.Row) *jsonRow {
	r := &jsonRow{Row: row}
	if row.Err != nil {
		r.Error = row.Err.Error()
	}
	return r
}

// Quiet prints nothing.
type Quiet struct{}

// Started implements fleet.Progress.
func (Quiet) Started(string, []plan.Reason) {}

// Step implements fleet.Progress.
func (Quiet) Step(string, string) {}

// Ended implements fleet.Progress.
func (Quiet) Ended(fleet.Row) {}
