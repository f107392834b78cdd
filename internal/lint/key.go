package lint

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Key tells a finding from others, also after lines above it have come or gone: it counts
// what stands in the line, not where that is.
type Key struct {
	File string
	Rule string
	Text string // a hash of the line without the blanks around it
	N    int    // 1 for the first finding of this rule in a line of this text, 2 for the next one
}

// Keys are the keys of findings in their total order, each of them another one. source gives
// the content of a file; where it has none, the message stands for the line.
func Keys(findings []*Finding, source func(file string) []byte) []Key {
	keys := make([]Key, len(findings))
	seen := map[Key]int{}
	var file string
	var lines [][]byte
	for i, f := range findings {
		if i == 0 || f.File != file {
			file, lines = f.File, bytes.Split(source(f.File), []byte("\n"))
		}
		text := f.Message
		if f.Line >= 1 && f.Line <= len(lines) {
			if line := bytes.TrimSpace(lines[f.Line-1]); len(line) > 0 {
				text = string(line)
			}
		}
		sum := sha256.Sum256([]byte(text))
		k := Key{File: cmp.Or(f.Rel, f.File), Rule: f.Rule.Code, Text: hex.EncodeToString(sum[:8])}
		seen[k]++
		k.N = seen[k]
		keys[i] = k
	}
	return keys
}

// Hash is the key as one word.
func (k Key) Hash() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d", k.File, k.Rule, k.Text, k.N))
	return hex.EncodeToString(sum[:16])
}
