package secret

import "slices"

// Finding says that a value is somewhere it must not be.
type Finding struct {
	ID       string
	Encoding Encoding
	// Part says that it is not the whole value, but a part that looks like a credential.
	Part bool
	// Where is the place in a layer (a path that begins with /) or in a JSON text
	// (such as config.Env[2]); "" where only a stream was searched.
	Where string
}

// Scanner is a writer that looks for values in what is written to it, wherever
// the borders of the writes are. Write gives no errors.
type Scanner struct {
	matcher        *matcher // nil when there is nothing to look for
	plain, wrapped cursor
	findings       []Finding
}

// Scanner makes a Scanner.
func (s *Set) Scanner() *Scanner {
	if s.Empty() {
		return &Scanner{}
	}
	return &Scanner{matcher: s.finding()}
}

// Write implements io.Writer.
func (s *Scanner) Write(p []byte) (int, error) {
	if s.matcher == nil {
		return len(p), nil
	}
	a, b := s.matcher.plain, s.matcher.wrapped
	for i := 0; i < len(p); i++ {
		if int(s.plain.state)*256 < len(a.rows) && int(s.wrapped.state)*256 < len(b.rows) {
			if i = s.run(p, i); i == len(p) {
				break
			}
		}
		c := p[i]
		s.plain.step(a, c, false)
		s.note(a, s.plain.state)
		if s.wrapped.step(b, c, false) {
			s.note(b, s.wrapped.state)
		}
	}
	return len(p), nil
}

// run goes on from i as long as nothing needs a closer look, and says where it
// stopped. Both automata in one loop: the processor does them at the same time.
func (s *Scanner) run(p []byte, i int) int {
	first, second := s.matcher.plain.rows, s.matcher.wrapped.rows
	x, y := uint32(s.plain.state), uint32(s.wrapped.state)
	start := i
	for ; i < len(p); i++ {
		c := uint32(p[i])
		nextX, nextY := first[x<<8|c], second[y<<8|c]
		if (nextX|nextY)&flag != 0 {
			break
		}
		x, y = nextX, nextY
	}
	if i > start {
		s.wrapped.gap = 0
	}
	s.plain.state, s.wrapped.state = int32(x), int32(y)
	return i
}

// note takes down the needles that end in a state.
func (s *Scanner) note(a *automaton, state int32) {
	if !a.matches(state) {
		return
	}
	for ; state != 0; state = a.more[state] {
		if a.out[state] < 0 {
			continue
		}
		n := a.needles[a.out[state]]
		f := Finding{ID: n.id, Encoding: n.encoding, Part: n.part}
		if !slices.Contains(s.findings, f) {
			s.findings = append(s.findings, f)
		}
	}
}

// Take gives what was found since the last call, and begins a new text. A part is left
// out when the whole is there in the same encoding.
func (s *Scanner) Take() []Finding {
	found := s.findings
	s.findings = nil
	s.plain, s.wrapped = cursor{}, cursor{}
	return slices.DeleteFunc(found, func(f Finding) bool {
		whole := f
		whole.Part = false
		return f.Part && slices.Contains(found, whole)
	})
}
