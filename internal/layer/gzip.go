package layer

import (
	"bytes"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
)

const (
	// memberSize is how many bytes of tar go into one gzip member. It and the level
	// are part of the layers' digests.
	memberSize = 4 << 20
	gzipLevel  = 6
	// maxJobs keeps the memory of one layer, about 10 MB a job, in bounds.
	maxJobs = 8
)

// members compresses what is written to it as gzip members of memberSize bytes of
// content each, several at a time and written in order. The result depends on the
// content alone. Readers of gzip take the members for one stream.
type members struct {
	buf    []byte
	queue  chan chan *member
	free   chan *member
	done   chan struct{}
	failed atomic.Pointer[error] // what the destination said
}

// member is what one compression needs; it is used over and over.
type member struct {
	in  []byte
	out bytes.Buffer
	z   *gzip.Writer
}

func newMembers(dst io.Writer) *members {
	jobs := min(runtime.GOMAXPROCS(0), maxJobs)
	m := &members{queue: make(chan chan *member, jobs), free: make(chan *member, jobs+2), done: make(chan struct{})}
	for range cap(m.free) {
		m.free <- &member{}
	}
	go func() {
		defer close(m.done)
		for c := range m.queue {
			done := <-c
			if m.failed.Load() == nil {
				if _, err := dst.Write(done.out.Bytes()); err != nil {
					m.failed.Store(&err)
				}
			}
			m.free <- done
		}
	}()
	return m
}

// Write implements io.Writer. An error of the destination shows in a later call or in Close.
func (m *members) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if err := m.failed.Load(); err != nil {
			return 0, *err
		}
		if m.buf == nil {
			m.buf = make([]byte, 0, memberSize)
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

// flush starts the compression of the buffer and goes on with a free one.
func (m *members) flush() {
	job := <-m.free
	job.in, m.buf = m.buf, job.in[:0]
	c := make(chan *member, 1)
	m.queue <- c
	go func() {
		job.out.Reset()
		if job.z == nil {
			job.z, _ = gzip.NewWriterLevel(&job.out, gzipLevel) // fails on an unknown level only
		} else {
			job.z.Reset(&job.out)
		}
		job.z.ModTime = time.Unix(0, 0) // which stands for none
		_, _ = job.z.Write(job.in)      // a bytes.Buffer takes everything
		_ = job.z.Close()
		c <- job
	}()
}

// Close writes the last member and waits until everything is written.
func (m *members) Close() error {
	if len(m.buf) > 0 {
		m.flush()
	}
	close(m.queue)
	<-m.done
	if err := m.failed.Load(); err != nil {
		return *err
	}
	return nil
}
