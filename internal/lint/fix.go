package lint

import (
	"bytes"
	"cmp"
	"slices"
)

// Fixed is a file with the fixes of findings in it. Of two fixes that touch the same
// place only the first counts; a second run takes the other one, if it is still needed.
func Fixed(data []byte, findings []*Finding) []byte {
	out, _ := Apply(data, findings)
	return out
}

// Apply is Fixed, and says which of the findings had their fixes taken.
func Apply(data []byte, findings []*Finding) (fixed []byte, applied []*Finding) {
	var taken []Edit
	for _, f := range findings {
		if f.Fix == nil || slices.ContainsFunc(f.Fix.Edits, func(e Edit) bool { return overlaps(e, taken) }) {
			continue
		}
		taken = append(taken, f.Fix.Edits...)
		applied = append(applied, f)
	}
	// an insertion goes before what replaces the bytes behind it
	slices.SortStableFunc(taken, func(a, b Edit) int { return cmp.Or(a.From-b.From, a.To-b.To) })
	var out bytes.Buffer
	at := 0
	for _, e := range taken {
		out.Write(data[at:e.From])
		out.WriteString(e.Text)
		at = e.To
	}
	out.Write(data[at:])
	return out.Bytes(), applied
}

// overlaps says whether an edit and one of those taken change the same bytes, or insert at
// the same place.
func overlaps(e Edit, taken []Edit) bool {
	return slices.ContainsFunc(taken, func(t Edit) bool {
		if e.From == e.To || t.From == t.To {
			return e.From <= t.To && t.From <= e.To
		}
		return e.From < t.To && t.From < e.To
	})
}
