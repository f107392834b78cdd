package secret

import (
	"io"
	"strings"
)

// mask is what stands in place of a value. Two values that overlap are one.
const mask = "***"

// Masker is a writer that passes on what is written to it with *** in place of
// values. Nothing is held back but what may be the beginning of a value, wherever
// the borders of the writes are.
type Masker struct {
	to      io.Writer
	matcher *matcher // nil when there is nothing to mask
	held    []byte   // not yet passed on
	base    int64    // offset of held in the text
	pos     int64    // offset behind the last byte taken
	plain   cursor
	wrapped cursor
	places  []int64 // offsets of the characters that wrapped.state stands for
	spans   []span  // to be masked, in order, without overlap
}

// span is a piece of the text that is masked.
type span struct {
	start, end int64
	written    bool // the *** for it
}

// Masker makes a writer that masks. It must be closed for the last bytes to arrive.
func (s *Set) Masker(to io.Writer) *Masker {
	if s.Empty() {
		return &Masker{to: to}
	}
	return &Masker{to: to, matcher: s.masking()}
}

// Mask masks a whole text.
func (s *Set) Mask(text string) string {
	if s.Empty() {
		return text
	}
	var b strings.Builder
	m := s.Masker(&b)
	_, _ = io.WriteString(m, text) // a Builder takes everything
	_ = m.Close()
	return b.String()
}

// Write implements io.Writer. An error is that of the writer below.
func (m *Masker) Write(p []byte) (int, error) {
	if m.matcher == nil {
		return m.to.Write(p)
	}
	m.held = append(m.held, p...)
	for _, b := range p {
		m.take(b)
	}
	if err := m.pass(m.safe()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close passes on what is held back. The writer below stays open, and so does
// the Masker: a text that follows is a new one.
func (m *Masker) Close() error {
	if m.matcher == nil {
		return nil
	}
	m.plain, m.wrapped, m.places = cursor{}, cursor{}, m.places[:0]
	return m.pass(m.pos)
}

// take moves both automata on by a byte and notes what ends there. Of the needles
// that end in one state the longest covers the others.
func (m *Masker) take(b byte) {
	m.pos++
	plain, wrapped := m.matcher.plain, m.matcher.wrapped
	m.plain.step(plain, b, true)
	if s, ok := longest(plain, m.plain.state); ok {
		m.cover(m.pos - int64(plain.depth[s]))
	}
	counted := m.wrapped.step(wrapped, b, true)
	if counted {
		m.places = append(m.places, m.pos-1)
	}
	m.places = m.places[len(m.places)-int(wrapped.depth[m.wrapped.state]):]
	if s, ok := longest(wrapped, m.wrapped.state); ok && counted {
		m.cover(m.places[len(m.places)-int(wrapped.depth[s])])
	}
}

// longest finds the state of the longest needle that ends in s.
func longest(a *automaton, s int32) (int32, bool) {
	if a.out[s] >= 0 {
		return s, true
	}
	return a.more[s], a.more[s] != 0
}

// cover masks from start to here.
func (m *Masker) cover(start int64) {
	s := span{start: start, end: m.pos}
	for n := len(m.spans); n > 0 && m.spans[n-1].end > s.start; n-- {
		last := m.spans[n-1]
		s.start, s.written = min(s.start, last.start), s.written || last.written
		m.spans = m.spans[:n-1]
	}
	m.spans = append(m.spans, s)
}

// safe is the offset before which no value can begin any more that has not ended.
func (m *Masker) safe() int64 {
	safe := m.pos - int64(m.matcher.plain.pending(m.plain.state))
	if n := int(m.matcher.wrapped.pending(m.wrapped.state)); n > 0 {
		safe = min(safe, m.places[len(m.places)-n])
	}
	return safe
}

// pass writes what stands before end.
func (m *Masker) pass(end int64) error {
	for m.base < end {
		if len(m.spans) == 0 || m.spans[0].start >= end {
			return m.advance(end, true)
		}
		s := &m.spans[0]
		if m.base < s.start {
			if err := m.advance(s.start, true); err != nil {
				return err
			}
		}
		if !s.written {
			s.written = true
			if _, err := io.WriteString(m.to, mask); err != nil {
				return err
			}
		}
		if err := m.advance(min(s.end, end), false); err != nil {
			return err
		}
		if s.end <= end {
			m.spans = m.spans[1:]
		}
	}
	return nil
}

// advance moves on to end, and writes the bytes up to there or drops them.
func (m *Masker) advance(end int64, write bool) error {
	n := end - m.base
	data := m.held[:n]
	m.held = m.held[n:]
	m.base = end
	if !write {
		return nil
	}
	_, err := m.to.Write(data)
	return err
}
