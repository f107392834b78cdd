package pool

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

const (
	// memberSize is how many bytes of tar go into one gzip member. It is part of
	// the layers' digests: a change needs a new format number.
	memberSize = 4 << 20
	gzipLevel  = 6
)

// compress returns data as gzip members.
func compress(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w := newMembers(&out, 1)
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

// members writes what is written to it as gzip members of memberSize bytes of
// content each, compressed in parallel and written in order. The result depends
// on the content alone.
type members struct {
	buf   []byte
	queue chan chan []byte
	done  chan error
}

// newMembers begins a stream to dst. jobs is how many members are compressed at a time.
func newMembers(dst io.Writer, jobs int) *members {
	m := &members{queue: make(chan chan []byte, max(jobs, 1)-1), done: make(chan error, 1)}
	go func() {
		var err error
		for c := range m.queue {
			data := <-c
			if err == nil {
				_, err = dst.Write(data)
			}
		}
		m.done <- err
	}()
	return m
}

var (
	buffers = sync.Pool{New: func() any { return new([memberSize]byte) }}
	gzips   = sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(io.Discard, gzipLevel) // fails on an unknown level only
		return w
	}}
)

// Write implements io.Writer. An error of the destination shows in Close.
func (m *members) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if m.buf == nil {
			m.buf = buffers.Get().(*[memberSize]byte)[:0]
		}
		k := min(len(p), memberSize-len(m.buf))
		m.buf = append(m.buf, p[:k]...)
		p = p[k:]
		if len(m.buf) == memberSize {
			m.flush()
		}
	}
	return n, nil
}

func (m *members) flush() {
	buf := m.buf
	m.buf = nil
	c := make(chan []byte, 1)
	m.queue <- c
	go func() {
		var out bytes.Buffer
		out.Grow(len(buf)/3 + 64)
		w := gzips.Get().(*gzip.Writer)
		w.Reset(&out)
		_, _ = w.Write(buf) // a bytes.Buffer takes everything
		_ = w.Close()
		gzips.Put(w)
		buffers.Put((*[memberSize]byte)(buf[:memberSize]))
		c <- out.Bytes()
	}()
}

// Close writes the last member and waits until everything is written.
func (m *members) Close() error {
	if len(m.buf) > 0 {
		m.flush()
	}
	close(m.queue)
	return <-m.done
}
