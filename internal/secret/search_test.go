package secret

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// naive finds all matches of a needle by trying each place. With masking, a line
// end inside a match needs so many characters before it.
func naive(text string, n needle, crossing int) (found []span) {
	for start := range len(text) {
		i, j, gap := start, 0, 0
		for i < len(text) && j < len(n.text) {
			if wraps(n.encoding) && isBlank(text[i]) {
				if gap++; j == 0 || gap > maxGap || text[i] == '\n' && j < crossing {
					break
				}
				i++
				continue
			}
			gap = 0
			if text[i] != n.text[j] {
				break
			}
			i++
			j++
		}
		if j == len(n.text) {
			found = append(found, span{start: int64(start), end: int64(i)})
		}
	}
	return found
}

// covered marks the bytes of a text that are in spans.
func covered(text string, spans []span) []bool {
	out := make([]bool, len(text))
	for _, s := range spans {
		for i := s.start; i < s.end; i++ {
			out[i] = true
		}
	}
	return out
}

// render writes *** for each span.
func render(text string, spans []span) string {
	var b strings.Builder
	at := int64(0)
	for _, s := range spans {
		b.WriteString(text[at:s.start] + mask)
		at = s.end
	}
	return b.String() + text[at:]
}

// union joins the spans that overlap.
func union(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return int(a.start - b.start) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && s.start < out[n-1].end {
			out[n-1].end = max(out[n-1].end, s.end)
			continue
		}
		out = append(out, s)
	}
	return out
}

// randomCase makes needles and a text in which they are often, whole and in part.
func randomCase(r *rand.Rand, blanks string) ([]needle, string) {
	var needles []needle
	seen := map[string]bool{}
	letters := "ab"
	if r.IntN(2) == 0 {
		letters = "abc"
	}
	for range 1 + r.IntN(5) {
		var b strings.Builder
		for range 1 + r.IntN(9) {
			b.WriteByte(letters[r.IntN(len(letters))])
		}
		e := Plain
		if r.IntN(2) == 0 {
			e = Base64
		}
		if n := (needle{id: b.String(), encoding: e, text: b.String()}); !seen[n.text] {
			seen[n.text] = true
			needles = append(needles, n)
		}
	}
	var text strings.Builder
	for range r.IntN(12) {
		n := needles[r.IntN(len(needles))].text
		switch r.IntN(3) {
		case 0:
			n = n[:r.IntN(len(n)+1)]
		case 1:
			i := r.IntN(len(n) + 1)
			n = n[:i] + strings.Repeat(string(blanks[r.IntN(len(blanks))]), r.IntN(3)) + n[i:]
		}
		text.WriteString(n)
		if r.IntN(3) == 0 {
			text.WriteByte((letters + "x" + blanks)[r.IntN(len(letters)+1+len(blanks))])
		}
		if r.IntN(20) == 0 {
			text.WriteString(strings.Repeat(" ", maxGap+r.IntN(3)-1))
		}
	}
	return needles, text.String()
}

// chunks cuts a text at random places.
func chunks(r *rand.Rand, text string) (out []string) {
	for len(text) > 0 {
		n := 1 + r.IntN(min(len(text), 1+r.IntN(20)))
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

func TestMaskerAndScannerAgreeWithNaiveSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	matches, lineEnds := 0, 0
	for range 20000 {
		blanks := " "
		if r.IntN(2) == 0 {
			blanks = " \n\r\t"
		}
		needles, text := randomCase(r, blanks)
		m := newMatcher(needles)

		var must, may []span
		var want []Finding
		for _, n := range needles {
			must = append(must, naive(text, n, crossing)...)
			found := naive(text, n, 0)
			may = append(may, found...)
			if len(found) > 0 {
				want = append(want, Finding{ID: n.id, Encoding: n.encoding})
			}
		}
		matches += len(must)
		spans := (&Masker{matcher: m}).all(text)
		if !strings.Contains(text, "\n") {
			if got, want := fmt.Sprint(spans), fmt.Sprint(union(must)); got != want {
				t.Fatalf("%v in %q: masked %s, want %s", needles, text, got, want)
			}
		}
		is, least, most := covered(text, spans), covered(text, must), covered(text, may)
		for i := range is {
			if least[i] && !is[i] || is[i] && !most[i] {
				t.Fatalf("%v in %q: masked %v, want at least %v and at most %v", needles, text, spans, union(must), union(may))
			}
		}
		if len(union(may)) != len(union(must)) {
			lineEnds++
		}

		var out strings.Builder
		masker := &Masker{to: &out, matcher: m}
		scanner := &Scanner{matcher: m}
		for _, c := range chunks(r, text) {
			for _, w := range []interface{ Write([]byte) (int, error) }{masker, scanner} {
				if n, err := w.Write([]byte(c)); n != len(c) || err != nil {
					t.Fatal(n, err)
				}
			}
			longest := 0
			for _, n := range needles {
				longest = max(longest, len(n.text))
			}
			if !strings.ContainsAny(text, blanks) && len(masker.held) > longest-1 {
				t.Fatalf("%v in %q: %d bytes held back", needles, text, len(masker.held))
			}
		}
		if err := masker.Close(); err != nil {
			t.Fatal(err)
		}
		if want := render(text, spans); out.String() != want {
			t.Fatalf("%v in %q: got %q, want %q", needles, text, out.String(), want)
		}
		got := scanner.Take()
		slices.SortFunc(got, compareFindings)
		slices.SortFunc(want, compareFindings)
		if !slices.Equal(got, want) {
			t.Fatalf("%v in %q: found %v, want %v", needles, text, got, want)
		}
	}
	if matches < 20000 || lineEnds < 100 {
		t.Errorf("%d matches, %d over line ends: too few to tell anything", matches, lineEnds)
	}
}

func compareFindings(a, b Finding) int {
	return strings.Compare(a.ID+string(a.Encoding), b.ID+string(b.Encoding))
}

// all gives what a masker masks in a text.
func (m *Masker) all(text string) []span {
	for i := range len(text) {
		m.take(text[i])
	}
	return m.spans
}

// More states than have rows of their own, and a text that leads into all of them.
func TestLongNeedles(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	long := make([]byte, 3*denseStates)
	for i := range long {
		long[i] = "ab"[r.IntN(2)]
	}
	inner := string(long[denseStates+500 : denseStates+700])
	needles := []needle{
		{id: "long", encoding: Plain, text: string(long)},
		{id: "inner", encoding: Plain, text: inner + "x"},
		{id: "wrapped", encoding: Hex, text: string(long)},
		{id: "wrapped inner", encoding: Hex, text: inner + "y"},
	}
	m := newMatcher(needles)
	wrapped := strings.Join(slices.Collect(slicesOf(string(long), 60)), "\n  ")
	for text, want := range map[string]string{
		string(long):                                "[{long plain false } {wrapped hex false }]",
		string(long[:denseStates+700]) + "x":        "[{inner plain false }]",
		string(long[:denseStates+700]) + "y":        "[{wrapped inner hex false }]",
		string(long[:len(long)-1]) + "x":            "[]",
		"ab" + wrapped:                              "[{wrapped hex false }]",
		string(long[:2000]) + "  \n" + inner + " y": "[{wrapped inner hex false }]",
	} {
		s := &Scanner{matcher: m}
		for _, c := range chunks(r, text) {
			_, _ = s.Write([]byte(c))
		}
		if got := fmt.Sprint(s.Take()); got != want {
			t.Errorf("%.20q… of %d bytes: found %s, want %s", text, len(text), got, want)
		}
	}
}

func slicesOf(text string, n int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for ; len(text) > n; text = text[n:] {
			if !yield(text[:n]) {
				return
			}
		}
		yield(text)
	}
}

func BenchmarkScanner(b *testing.B) {
	set := newSet(map[string][]byte{
		"npm":    []byte("npm_16C7e42F292c6912E7710c838347Ae178B4a"),
		"github": []byte("ghp_0123456789abcdefABCDEF0123456789abcd"),
		"key":    testKey(b),
	}, nil)
	r := rand.New(rand.NewPCG(5, 6))
	binary := make([]byte, 4<<20)
	for i := range binary {
		binary[i] = byte(r.Uint32())
	}
	text := bytes.Repeat([]byte("func main() { fmt.Println(\"The quick brown fox\", 12345) }\n\t// over the lazy dog\n"), 50000)
	for name, data := range map[string][]byte{"binary": binary, "text": text, "zeros": make([]byte, 4<<20)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			s := set.Scanner()
			for b.Loop() {
				_, _ = s.Write(data)
			}
			if len(s.Take()) > 0 {
				b.Error("found something")
			}
		})
	}
}

func BenchmarkMasker(b *testing.B) {
	set := newSet(map[string][]byte{"npm": []byte("npm_16C7e42F292c6912E7710c838347Ae178B4a"), "key": testKey(b)}, nil)
	text := bytes.Repeat([]byte("added 1 package, and audited 2 packages in 3s\n"), 2000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		m := set.Masker(discard{})
		_, _ = m.Write(text)
		_ = m.Close()
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
