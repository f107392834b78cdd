package debtest

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault is what goes wrong with requests whose path holds a given text.
type Fault struct {
	Status   int                 // answer with this status and no content
	Truncate int                 // send only so many bytes of what Content-Length announces; -1 sends none
	Tamper   func([]byte) []byte // change the content
	Hang     time.Duration       // wait before the answer; ends early when the client goes away
	HangBody time.Duration       // send half of the content, then wait
	Reset    bool                // close the connection without an answer
	Times    int                 // how many requests it hits; 0 means all
}

// Handler serves archives from memory and keeps count. Its methods may be
// called while requests run.
type Handler struct {
	archives []*Archive
	mu       sync.Mutex
	faults   []*fault
	requests []string
	open     int
	maxOpen  int
	closed   chan struct{}
}

type fault struct {
	Fault
	match string
	left  int
}

// NewHandler serves the suites of one mirror.
func NewHandler(archives ...*Archive) *Handler {
	return &Handler{archives: archives, closed: make(chan struct{})}
}

// Server is a mirror on the loopback interface.
type Server struct {
	*Handler
	URL string // without a slash at the end
}

// NewServer starts a mirror that ends with the test.
func NewServer(t testing.TB, archives ...*Archive) *Server {
	t.Helper()
	h := NewHandler(archives...)
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		close(h.closed) // lets hanging requests go
		s.Close()
	})
	return &Server{Handler: h, URL: s.URL}
}

// Fault makes requests whose path holds match go wrong. A later fault goes before an earlier one.
func (h *Handler) Fault(match string, f Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append([]*fault{{f, match, f.Times}}, h.faults...)
}

// ClearFaults makes the mirror good again.
func (h *Handler) ClearFaults() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = nil
}

// Count is the number of requests so far whose path holds match.
func (h *Handler) Count(match string) int {
	n := 0
	for _, r := range h.Requests() {
		if strings.Contains(r, match) {
			n++
		}
	}
	return n
}

// Requests lists the paths asked for so far, in order.
func (h *Handler) Requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.requests...)
}

// MaxOpen is the largest number of requests that were open at one time.
func (h *Handler) MaxOpen() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.maxOpen
}

// take notes a request and picks the fault that hits it.
func (h *Handler) take(path string) Fault {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, path)
	for _, f := range h.faults {
		if !strings.Contains(path, f.match) || f.Times > 0 && f.left == 0 {
			continue
		}
		f.left--
		return f.Fault
	}
	return Fault{}
}

func (h *Handler) count(by int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open += by
	h.maxOpen = max(h.maxOpen, h.open)
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.count(1)
	defer h.count(-1)
	f := h.take(r.URL.Path)
	h.wait(r, f.Hang)
	switch {
	case f.Reset:
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		w.WriteHeader(f.Status)
		return
	}
	data, ok, err := h.find(strings.TrimPrefix(r.URL.Path, "/"))
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	case !ok:
		http.NotFound(w, r)
		return
	}
	if f.Tamper != nil {
		data = f.Tamper(append([]byte(nil), data...))
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	send := len(data)
	switch {
	case f.Truncate > 0:
		send = min(send, f.Truncate)
	case f.Truncate < 0:
		send = 0
	}
	if f.HangBody > 0 {
		half := send / 2
		if _, err := w.Write(data[:half]); err != nil {
			return
		}
		flush(w)
		h.wait(r, f.HangBody)
		data, send = data[half:], send-half
	}
	if _, err := w.Write(data[:send]); err != nil {
		return
	}
	if f.Truncate != 0 {
		flush(w)
		panic(http.ErrAbortHandler)
	}
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

func (h *Handler) wait(r *http.Request, d time.Duration) {
	if d == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-h.closed:
	}
}

func (h *Handler) find(path string) ([]byte, bool, error) {
	for _, a := range h.archives {
		files, err := a.Files()
		if err != nil {
			return nil, false, err
		}
		if data, ok := files[path]; ok {
			return data, true, nil
		}
	}
	return nil, false, nil
}
