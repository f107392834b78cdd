package report

import (
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/plan"
)

// JSON prints one JSON object a line for each thing that happens; ClosingEvent
// prints the last one.
type JSON struct {
	now func() time.Time
	mu  sync.Mutex
	enc *json.Encoder
}

// NewJSON makes a JSON that prints to w.
func NewJSON(w io.Writer, now func() time.Time) *JSON {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &JSON{now: now, enc: enc}
}

type jsonEvent struct {
	Event   string        `json:"event"` // planned, started, step or ended
	Time    string        `json:"time"`  // RFC 3339, UTC, milliseconds
	Targets int           `json:"targets,omitempty"`
	Jobs    int           `json:"jobs,omitempty"`
	Target  string        `json:"target,omitempty"`
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
	e.Time = stamp(j.now())
	_ = j.enc.Encode(e) // a closed pipe must not stop the build
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// Planned implements fleet.Progress.
func (j *JSON) Planned(o fleet.Outlook) {
	j.print(jsonEvent{Event: "planned", Targets: o.Targets, Jobs: o.Jobs})
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

// Close implements Progress.
func (j *JSON) Close() {}

func toJSON(row fleet.Row) *jsonRow {
	r := &jsonRow{Row: row}
	if row.Err != nil {
		r.Error = row.Err.Error()
	}
	return r
}
