package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/plan"
)

// Closing prints the table at the end of a run and one line that sums it up.
func Closing(w io.Writer, rows []fleet.Row, took time.Duration) {
	lines := make([][]string, 0, len(rows))
	for _, r := range rows {
		took := "-"
		if r.Status == fleet.Built || r.Status == fleet.Failed {
			took = Duration(r.Took)
		}
		lines = append(lines, []string{r.Target, string(r.Status), took, Size(r.Size), why(r)})
	}
	Table(w, []string{"TARGET", "RESULT", "TIME", "SIZE", "WHY"}, lines, 2, 3)
	fmt.Fprintf(w, "\n%s in %s\n", countLine(rows), Duration(took))
}

func why(r fleet.Row) string {
	switch r.Status {
	case fleet.Built:
		return plan.Summary(r.Reasons) + strings.Replace(sameNote(r), ", ", " → ", 1)
	case fleet.Blocked:
		return r.Cause + " failed"
	case fleet.Failed:
		return plan.Summary(r.Reasons)
	case fleet.NotStarted:
		return "the run was stopped"
	}
	return ""
}

// countLine is "12 targets: 3 built, 9 reused".
func countLine(rows []fleet.Row) string {
	counts := fleet.Counts(rows)
	var parts []string
	for _, s := range []fleet.Status{fleet.Built, fleet.Reused, fleet.Failed, fleet.Blocked, fleet.Cancelled, fleet.NotStarted} {
		if n := counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return fmt.Sprintf("%s: %s", Plural(len(rows), "target"), strings.Join(parts, ", "))
}

// Plural is a number with its noun: "1 target", "2 targets".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// ClosingJSON prints the same as one JSON object.
func ClosingJSON(w io.Writer, rows []fleet.Row, took time.Duration) error {
	return encode(w, closing(rows, took))
}

// ClosingEvent prints the same as the last line of a JSON's events.
func ClosingEvent(w io.Writer, rows []fleet.Row, took time.Duration) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Event string `json:"event"` // "finished"
		jsonClosing
	}{"finished", closing(rows, took)})
}

type jsonClosing struct {
	Targets []*jsonRow           `json:"targets"`
	Counts  map[fleet.Status]int `json:"counts"`
	Took    time.Duration        `json:"took"` // nanoseconds
}

func closing(rows []fleet.Row, took time.Duration) jsonClosing {
	out := jsonClosing{Targets: []*jsonRow{}, Counts: fleet.Counts(rows), Took: took}
	for _, r := range rows {
		out.Targets = append(out.Targets, toJSON(r))
	}
	return out
}

// Failures prints, for each failed target, the end of its log and where the whole log is.
func Failures(w io.Writer, rows []fleet.Row) {
	for _, r := range rows {
		if r.Status != fleet.Failed {
			continue
		}
		if len(r.Tail) > 0 {
			fmt.Fprintf(w, "\n%s, the last lines of its log:\n", r.Target)
			for _, l := range r.Tail {
				fmt.Fprintf(w, "  │ %s\n", l)
			}
		}
		fmt.Fprintln(w)
		Errors(w, r.Err)
		if r.Log != "" {
			fmt.Fprintf(w, "  full log: %s\n", r.Log)
		}
	}
}

func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
