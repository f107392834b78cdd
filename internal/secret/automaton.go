package secret

// Searching is done by two Aho-Corasick automata side by side: one for texts as
// they are, one for base64 and hexadecimal, which tools break into lines, so that
// blanks inside a match are stepped over. Each state stands for the longest end
// of what was read that is the beginning of a needle.
//
// A table of all transitions would take 1 KiB a state, and a secret of 500 KiB has
// millions of states. Ordinary text stays in the first few, though. So the
// states are numbered by depth, the first denseStates have a row of transitions, and the
// others have their one or few children and a link to the state to go on from.

// denseStates is how many states have a row; 1 MiB of rows stays in a processor's cache.
const denseStates = 1024

// flag marks a transition that needs a closer look: a match, a state without a
// row, or a blank in the middle of something.
const flag = 1 << 31

// crossing is how many characters a masker must have of a needle at the end of
// a line to hold it back for what comes.
const crossing = 4

// maxGap is how many blanks in a row may stand inside base64 or hexadecimal: a
// line end and an indentation.
const maxGap = 32

type automaton struct {
	needles []needle
	rows    []uint32 // of the dense states, 256 each
	wraps   bool     // blanks are stepped over
	// by state; 0 is the root
	char    []byte
	child   []int32 // the first one, 0 for none
	sibling []int32 // the next child of the parent, 0 for none
	fail    []int32 // the longest shorter end that is a state
	depth   []int32
	out     []int32 // the needle that ends here, -1 for none
	more    []int32 // the next state on the way of fail in which a needle ends, 0 for none
}

// newAutomaton makes the automaton of needles that differ and are not empty.
func newAutomaton(needles []needle, wraps bool) *automaton {
	a := &automaton{needles: needles, wraps: wraps}
	a.build(newTrie(needles))
	a.link()
	a.fillRows()
	return a
}

// trie is an automaton in the making, with states in the order of insertion.
type trie struct {
	char           []byte
	child, sibling []int32
	out            []int32
}

func newTrie(needles []needle) *trie {
	t := &trie{char: []byte{0}, child: []int32{0}, sibling: []int32{0}, out: []int32{-1}}
	for i, n := range needles {
		s := int32(0)
		for j := range len(n.text) {
			s = t.descend(s, n.text[j])
		}
		t.out[s] = int32(i)
	}
	return t
}

// descend finds or makes the child of s for b.
func (t *trie) descend(s int32, b byte) int32 {
	for c := t.child[s]; c != 0; c = t.sibling[c] {
		if t.char[c] == b {
			return c
		}
	}
	c := int32(len(t.char))
	t.char = append(t.char, b)
	t.child = append(t.child, 0)
	t.sibling = append(t.sibling, t.child[s])
	t.out = append(t.out, -1)
	t.child[s] = c
	return c
}

// build renumbers the states by depth.
func (a *automaton) build(t *trie) {
	n := len(t.char)
	a.char, a.out, a.depth = make([]byte, n), make([]int32, n), make([]int32, n)
	a.child, a.sibling = make([]int32, n), make([]int32, n)
	order := make([]int32, 1, n) // new number → old one
	a.out[0] = -1
	for s := int32(0); int(s) < len(order); s++ {
		last := int32(0)
		for c := t.child[order[s]]; c != 0; c = t.sibling[c] {
			id := int32(len(order))
			order = append(order, c)
			a.char[id], a.out[id], a.depth[id] = t.char[c], t.out[c], a.depth[s]+1
			if last == 0 {
				a.child[s] = id
			} else {
				a.sibling[last] = id
			}
			last = id
		}
	}
}

// link sets fail and more. A state's fail is less deep, so it is done before.
func (a *automaton) link() {
	a.fail, a.more = make([]int32, len(a.char)), make([]int32, len(a.char))
	for s := range a.child {
		for c := a.child[s]; c != 0; c = a.sibling[c] {
			if s == 0 {
				continue // the fail of a first character is the root
			}
			f := a.fail[s]
			for f != 0 && a.find(f, a.char[c]) == 0 {
				f = a.fail[f]
			}
			a.fail[c] = a.find(f, a.char[c])
			if a.more[c] = a.fail[c]; a.out[a.fail[c]] < 0 {
				a.more[c] = a.more[a.fail[c]]
			}
		}
	}
}

// find gives the child of s for b, 0 for none.
func (a *automaton) find(s int32, b byte) int32 {
	for c := a.child[s]; c != 0; c = a.sibling[c] {
		if a.char[c] == b {
			return c
		}
	}
	return 0
}

func (a *automaton) fillRows() {
	n := min(denseStates, len(a.char))
	a.rows = make([]uint32, n*256)
	for s := range n {
		row := a.rows[s*256 : s*256+256]
		if s > 0 {
			copy(row, a.rows[int(a.fail[s])*256:][:256])
		}
		for c := a.child[s]; c != 0; c = a.sibling[c] {
			row[a.char[c]] = uint32(c)
			if int(c) >= n || a.matches(c) {
				row[a.char[c]] |= flag
			}
		}
		if a.wraps && s > 0 {
			for _, b := range []byte(blanks) {
				row[b] = flag
			}
		}
	}
}

const blanks = "\n\r\t "

func isBlank(b byte) bool { return b == '\n' || b == ' ' || b == '\r' || b == '\t' }

// matches says whether a needle ends in s.
func (a *automaton) matches(s int32) bool { return a.out[s] >= 0 || a.more[s] != 0 }

// next is where b leads from s.
func (a *automaton) next(s int32, b byte) int32 {
	for int(s)*256 >= len(a.rows) {
		if c := a.find(s, b); c != 0 {
			return c
		}
		s = a.fail[s]
	}
	return int32(a.rows[int(s)*256+int(b)] &^ flag)
}

// pending is how many of the last characters may be the beginning of a needle
// that has not ended.
func (a *automaton) pending(s int32) int32 {
	for s != 0 && a.child[s] == 0 {
		s = a.fail[s]
	}
	return a.depth[s]
}

// cursor is a place in a text, as an automaton sees it.
type cursor struct {
	state int32
	gap   int // blanks since the last character
}

// step takes a byte and says whether it counted: a blank that is stepped over
// doesn't. With masking, a line end counts unless a good deal came before it.
func (c *cursor) step(a *automaton, b byte, masking bool) bool {
	if a.wraps && isBlank(b) {
		if c.gap++; c.gap > maxGap || masking && b == '\n' && a.depth[c.state] < crossing {
			c.state = 0
		}
		if c.state == 0 {
			c.gap = 0
		}
		return false
	}
	c.gap = 0
	c.state = a.next(c.state, b)
	return true
}

// matcher is the pair of automata.
type matcher struct{ plain, wrapped *automaton }

func newMatcher(needles []needle) *matcher {
	var plain, wrapped []needle
	for _, n := range needles {
		if wraps(n.encoding) {
			wrapped = append(wrapped, n)
		} else {
			plain = append(plain, n)
		}
	}
	return &matcher{newAutomaton(plain, false), newAutomaton(wrapped, true)}
}
