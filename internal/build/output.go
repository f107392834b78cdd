package build

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"

	"github.com/plinth-build/plinth/internal/secret"
)

// State is what happened to a step.
type State string

// The states of a step. A step ends in one of the last three.
const (
	StepStarted   State = "started"
	StepCompleted State = "completed"
	StepCached    State = "cached"
	StepFailed    State = "failed"
)

// Event says that a step began or ended.
type Event struct {
	Name  string // as in the log: "[2/5] RUN make"
	Step  int    // 2 in "[2/5]", 0 where there is no number (metadata, export)
	Total int    // 5 in "[2/5]"; each stage counts its own
	State State
	Time  time.Time     // of the event
	Took  time.Duration // for a step that ended, 0 for a cached one
}

// output writes the engine's status as text, turns it into events and keeps the
// last lines of each step for the error of one that fails.
type output struct {
	log      io.Writer
	progress func(Event)
	done     chan struct{}
	steps    map[digest.Digest]*step
	failed   *step // the first one
	secrets  *secret.Set
}

// step is a step of the build, as far as it has come.
type step struct {
	number  int // in the log, from 1, in order of appearance
	name    string
	started time.Time
	ended   bool
	streams [2]*secret.Masker // of what it prints and of its errors
	partial []byte            // a line that has no end yet
	tail    []string          // the last tailLines lines
}

const tailLines = 20

func newOutput(log io.Writer, progress func(Event)) *output {
	if log == nil {
		log = io.Discard
	}
	if progress == nil {
		progress = func(Event) {}
	}
	return &output{log: log, progress: progress, done: make(chan struct{}), steps: map[digest.Digest]*step{}}
}

// start gives the channel that the engine's client writes to and closes.
func (o *output) start() chan *client.SolveStatus {
	ch := make(chan *client.SolveStatus)
	go func() {
		defer close(o.done)
		for status := range ch {
			o.take(status)
		}
		for _, s := range o.steps {
			o.flush(s)
		}
	}()
	return ch
}

func (o *output) wait() { <-o.done }

func (o *output) take(status *client.SolveStatus) {
	for _, v := range status.Vertexes {
		o.vertex(v)
	}
	for _, l := range status.Logs {
		if s := o.steps[l.Vertex]; s != nil {
			o.mask(s, l.Stream, l.Data)
		}
	}
	// the end of a step comes after its log
	for _, v := range status.Vertexes {
		o.end(v)
	}
}

func (o *output) vertex(v *client.Vertex) {
	s := o.steps[v.Digest]
	if s == nil {
		s = &step{name: o.secrets.Mask(v.Name)}
		o.steps[v.Digest] = s
	}
	if v.Started != nil && s.started.IsZero() {
		s.started = *v.Started
		s.number = 1
		for _, other := range o.steps {
			if other != s && other.number >= s.number {
				s.number = other.number + 1
			}
		}
		fmt.Fprintf(o.log, "#%d %s\n", s.number, s.name)
		if !v.Cached {
			o.event(s, StepStarted, *v.Started, 0)
		}
	}
}

func (o *output) end(v *client.Vertex) {
	s := o.steps[v.Digest]
	if v.Completed == nil || s.ended || s.number == 0 {
		return
	}
	s.ended = true
	o.flush(s)
	took := v.Completed.Sub(s.started)
	switch {
	case v.Error != "":
		if o.failed == nil && !strings.HasSuffix(v.Error, "context canceled") {
			o.failed = s
		}
		fmt.Fprintf(o.log, "#%d ERROR: %s\n\n", s.number, o.secrets.Mask(v.Error))
		o.event(s, StepFailed, *v.Completed, took)
	case v.Cached:
		fmt.Fprintf(o.log, "#%d CACHED\n\n", s.number)
		o.event(s, StepCached, *v.Completed, 0)
	default:
		fmt.Fprintf(o.log, "#%d DONE %.1fs\n\n", s.number, took.Seconds())
		o.event(s, StepCompleted, *v.Completed, took)
	}
}

func (o *output) event(s *step, state State, at time.Time, took time.Duration) {
	n, total := stepNumbers(s.name)
	o.progress(Event{Name: s.name, Step: n, Total: total, State: state, Time: at, Took: took})
}

// write prints whole lines of a step's log with its number in front.
func (o *output) write(s *step, data []byte) {
	for {
		line, rest, ok := bytes.Cut(data, []byte("\n"))
		s.partial = append(s.partial, line...)
		if !ok {
			return
		}
		o.line(s, string(s.partial))
		s.partial = s.partial[:0]
		data = rest
	}
}

func (o *output) flush(s *step) {
	o.unmask(s)
	if len(s.partial) > 0 {
		o.line(s, string(s.partial))
		s.partial = nil
	}
}

func (o *output) line(s *step, text string) {
	text = strings.TrimSuffix(text, "\r")
	// of a line that a progress bar wrote over, the last state is what a terminal shows
	if i := strings.LastIndexByte(text, '\r'); i >= 0 {
		text = text[i+1:]
	}
	fmt.Fprintf(o.log, "#%d %s\n", s.number, text)
	s.tail = append(s.tail, text)
	if len(s.tail) > tailLines {
		s.tail = s.tail[1:]
	}
}

// stepNumbers reads n and m from a name like "[stage n/m] RUN …".
func stepNumbers(name string) (n, m int) {
	inner, ok := strings.CutPrefix(name, "[")
	if !ok {
		return 0, 0
	}
	inner, _, ok = strings.Cut(inner, "]")
	if !ok {
		return 0, 0
	}
	a, b, ok := strings.Cut(inner[strings.LastIndexByte(inner, ' ')+1:], "/")
	if !ok {
		return 0, 0
	}
	n, err1 := strconv.Atoi(a)
	m, err2 := strconv.Atoi(b)
	if err1 != nil || err2 != nil {
		return 0, 0
	}
	return n, m
}
