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

// Closing prints the table at the end of a run and what it took as a whole.
func Closing(w io.Writer, rows []fleet.Row, summary fleet.Summary) {
	cells := make([][]string, 0, len(rows))
	for _, r := range rows {
		cells = append(cells, closingCells(r))
	}
	Table(w, closingHeader(), cells, closingRight()...)
	fmt.Fprintf(w, "\n%s\n", strings.Join(totals(rows, summary), "\n"))
}

// Closing prints the same as it is best read on a terminal: with symbols, and
// without the reused targets if all of them would not fit on the screen.
func (t *TTY) Closing(rows []fleet.Row, summary fleet.Summary) {
	cols, height := t.term.Size()
	sums := totals(rows, summary)
	const around = 4 // empty lines, the header and the shell's prompt
	reused := fleet.Counts(rows)[fleet.Reused]
	fits := len(rows)+len(sums)+around <= height
	if fits {
		reused = 0
	}
	var cells [][]string
	for _, r := range rows {
		if r.Status == fleet.Reused && !fits {
			continue
		}
		line := closingCells(r)
		symbol, paint := t.style.mark(r.Status)
		line[1] = t.style.paint(paint, symbol+" "+line[1])
		cells = append(cells, line)
	}
	var b strings.Builder
	if len(cells) > 0 {
		b.WriteString("\n")
		t.style.cutLast(cols-1, closingHeader(), cells)
		table(&b, closingHeader(), cells, closingRight()...)
		if reused > 0 {
			b.WriteString(t.style.paint(dim, fmt.Sprintf("(and %s that %s reused)", Plural(reused, "target"), wasWere(reused))) + "\n")
		}
		b.WriteString("\n")
	}
	b.WriteString(strings.Join(sums, "\n") + "\n")
	_, _ = io.WriteString(t.term, b.String()) // there is nobody to tell
}

func wasWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

func closingHeader() []string { return []string{"TARGET", "RESULT", "TIME", "SIZE", "WHY"} }

// closingRight are the columns that are set flush right.
func closingRight() []int { return []int{2, 3} }

func closingCells(r fleet.Row) []string {
	took := "-"
	if r.Status == fleet.Built || r.Status == fleet.Failed {
		took = Duration(r.Took)
	}
	return []string{r.Target, string(r.Status), took, Size(r.Size), oneLine(why(r))}
}

// totals are the lines below the table. What only repeats the table is left out.
func totals(rows []fleet.Row, s fleet.Summary) []string {
	lines := []string{fmt.Sprintf("%s in %s", countLine(rows), Duration(s.Wall))}
	counts := fleet.Counts(rows)
	if counts[fleet.Built]+counts[fleet.Failed]+counts[fleet.Cancelled] == 0 {
		return lines
	}
	more := "CPU time " + Duration(s.CPU)
	if counts[fleet.Built] > 1 {
		more += fmt.Sprintf(", critical path %s: %s", Duration(s.CriticalTook), strings.Join(s.Critical, " → "))
	}
	return append(lines, more)
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
func ClosingJSON(w io.Writer, rows []fleet.Row, summary fleet.Summary) error {
	return encode(w, closing(rows, summary))
}

// ClosingEvent prints the same as the last line of a JSON's events; now is the
// time in it.
func ClosingEvent(w io.Writer, rows []fleet.Row, summary fleet.Summary, now time.Time) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Event string `json:"event"` // "finished"
		Time  string `json:"time"`  // as in the other events
		jsonClosing
	}{"finished", stamp(now), closing(rows, summary)})
}

// jsonClosing has its times in nanoseconds.
type jsonClosing struct {
	Targets      []*jsonRow           `json:"targets"`
	Counts       map[fleet.Status]int `json:"counts"`
	Took         time.Duration        `json:"took"` // wall time
	CPU          time.Duration        `json:"cpu"`
	Critical     []string             `json:"critical_path"`
	CriticalTook time.Duration        `json:"critical_took"`
}

func closing(rows []fleet.Row, s fleet.Summary) jsonClosing {
	out := jsonClosing{Targets: []*jsonRow{}, Counts: fleet.Counts(rows), Took: s.Wall, CPU: s.CPU,
		Critical: append([]string{}, s.Critical...), CriticalTook: s.CriticalTook}
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
				fmt.Fprintf(w, "  │ %s\n", oneLine(l))
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
