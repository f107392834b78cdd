package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/plinth-build/plinth/internal/update"
)

// newSetPreview is how many packages of a set that is new are named one by one.
const newSetPreview = 3

// Changes prints what an update moved, grouped by upstream or target. A target
// that was not locked before is one line: its packages are all new.
func Changes(w io.Writer, changes []update.Change) {
	for i := 0; i < len(changes); {
		j := i
		fresh := true
		for j < len(changes) && changes[j].Subject == changes[i].Subject {
			fresh = fresh && changes[j].Was == "" && changes[j].Item != ""
			j++
		}
		group := changes[i:j]
		if fresh && len(group) > newSetPreview {
			names := make([]string, 0, newSetPreview)
			for _, c := range group[:newSetPreview] {
				names = append(names, c.Item)
			}
			fmt.Fprintf(w, "%s: %d packages added (%s, …)\n", group[0].Subject, len(group), strings.Join(names, ", "))
		} else {
			for _, c := range group {
				fmt.Fprintln(w, c)
			}
		}
		i = j
	}
}

// ChangesJSON prints the same as one JSON object.
func ChangesJSON(w io.Writer, result update.Result) error {
	out := struct {
		Changes []update.Change `json:"changes"`
		Notes   []string        `json:"notes,omitempty"`
	}{result.Changes, result.Notes}
	if out.Changes == nil {
		out.Changes = []update.Change{}
	}
	return encode(w, out)
}
