// Package baseline keeps the findings of today as accepted, so that only new ones are reported.
//
//	b, err := baseline.Read("lint-baseline.json")
//	fresh, accepted, stale := b.Filter(findings, source, nil)
//
// A finding is accepted by its file, its rule and the text of its line, and by how often that
// is there. Lines may move; a line that changes is new. The text itself is not in the
// file, only a hash of it: it may be what should not be there at all.
package baseline

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/wholefile"
)

// Version is that of the file's form.
const Version = 1

// Baseline is what is accepted.
type Baseline struct {
	Entries []Entry // sorted
}

// Entry is a line of a file in which a rule's findings are accepted.
type Entry struct {
	File  string `json:"file"`
	Rule  string `json:"rule"`
	Text  string `json:"text"`  // as in lint.Key
	Count int    `json:"count"` // of findings
}

func (e Entry) compare(o Entry) int {
	return cmp.Or(strings.Compare(e.File, o.File), strings.Compare(e.Rule, o.Rule), strings.Compare(e.Text, o.Text))
}

// document is the file.
type document struct {
	Version  int     `json:"version"`
	Findings []Entry `json:"findings"`
}

// New accepts findings. source gives the content of a file.
func New(findings []*lint.Finding, source func(file string) []byte) *Baseline {
	count := map[Entry]int{}
	for _, k := range lint.Keys(findings, source) {
		count[Entry{File: k.File, Rule: k.Rule, Text: k.Text}]++
	}
	b := &Baseline{}
	for e, n := range count {
		e.Count = n
		b.Entries = append(b.Entries, e)
	}
	slices.SortFunc(b.Entries, Entry.compare)
	return b
}

// Filter splits findings, which are in their total order, into those that are new and those that are
// accepted. Of more findings than were accepted the last ones are new. stale are the entries
// that nothing matches any more, with how many are missing; of files for which checked
// says false nothing is known. A nil checked says that all files were looked at.
func (b *Baseline) Filter(findings []*lint.Finding, source func(file string) []byte, checked func(file string) bool) (
	fresh []*lint.Finding, accepted int, stale []Entry) {
	left := map[Entry]int{}
	for _, e := range b.Entries {
		left[Entry{File: e.File, Rule: e.Rule, Text: e.Text}] = e.Count
	}
	for i, k := range lint.Keys(findings, source) {
		e := Entry{File: k.File, Rule: k.Rule, Text: k.Text}
		if left[e] == 0 {
			fresh = append(fresh, findings[i])
			continue
		}
		left[e]--
		accepted++
	}
	for _, e := range b.Entries {
		e.Count = left[Entry{File: e.File, Rule: e.Rule, Text: e.Text}]
		if e.Count > 0 && (checked == nil || checked(e.File)) {
			stale = append(stale, e)
		}
	}
	return fresh, accepted, stale
}

// Write writes the baseline to a file, which is there whole or not at all. Equal findings give
// equal bytes.
func (b *Baseline) Write(file string) error {
	if err := wholefile.Bytes(file, b.encode()); err != nil {
		return diag.Errorf(diag.Position{File: file}, "cannot write the baseline: %w", err)
	}
	return nil
}

// encode has an entry on each line, for small differences and easy merges.
func (b *Baseline) encode() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n  \"version\": %d,\n  \"findings\": [", Version)
	for i, e := range b.Entries {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n    ")
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(e) // strings and a number: it can't fail
		out.Truncate(out.Len() - 1)
	}
	if len(b.Entries) > 0 {
		out.WriteString("\n  ")
	}
	out.WriteString("]\n}\n")
	return out.Bytes()
}

// Read reads a baseline.
func Read(file string) (*Baseline, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err // the position names the file
		}
		return nil, diag.Errorf(diag.Position{File: file}, "cannot read the baseline: %w", err)
	}
	return parse(file, data)
}

func parse(file string, data []byte) (*Baseline, error) {
	var probe struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(data, &probe); err != nil {
		return nil, broken(file, data, err)
	}
	switch {
	case probe.Version == nil:
		return nil, diag.Errorf(diag.Position{File: file}, "cannot read the baseline: it has no version, and may be another file")
	case *probe.Version != Version:
		return nil, diag.Errorf(diag.Position{File: file}, "cannot read the baseline: its version is %d, and this plinth knows %d",
			*probe.Version, Version).Hint("use the plinth that wrote it, or write it anew")
	}
	var doc document
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, broken(file, data, err)
	}
	b := &Baseline{}
	for i, e := range doc.Findings {
		if e.File == "" || e.Rule == "" || e.Text == "" || e.Count < 1 {
			return nil, diag.Errorf(diag.Position{File: file}, "cannot read the baseline: entry %d needs file, rule, text, and a count of at least 1", i+1)
		}
		b.Entries = append(b.Entries, e)
	}
	slices.SortFunc(b.Entries, func(a, b Entry) int { return cmp.Or(a.compare(b), cmp.Compare(b.Count, a.Count)) })
	// a merge of two branches may leave the same finding twice
	b.Entries = slices.CompactFunc(b.Entries, func(a, b Entry) bool { return a.compare(b) == 0 })
	return b, nil
}

// broken says where a file is no JSON, or not the right one.
func broken(file string, data []byte, err error) error {
	pos := diag.Position{File: file}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		pos.Line, pos.Column = place(data, syntax.Offset)
	case errors.As(err, &kind):
		pos.Line, pos.Column = place(data, kind.Offset)
		where := ""
		if kind.Field != "" {
			where = kind.Field + ": "
		}
		return diag.Errorf(pos, "cannot read the baseline: %sunexpected %s", where, kind.Value)
	}
	return diag.Errorf(pos, "cannot read the baseline: %w", err).Hint("write it anew if a merge has broken it")
}

// place is the line and the column of the byte before an offset.
func place(data []byte, offset int64) (line, column int) {
	at := max(0, min(int(offset)-1, len(data)))
	line = 1 + bytes.Count(data[:at], []byte("\n"))
	return line, at - bytes.LastIndexByte(data[:at], '\n')
}
