package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/report/live"
)

// view is what is known of a run while it goes on, and how it looks: values
// and the time in, rows of text out.
type view struct {
	began    time.Time
	targets  int
	jobs     int
	expect   func() []fleet.Expected // nil once it was called
	expected []fleet.Expected

	running []*running // in the order in which they began
	ended   map[string]fleet.Status
	lines   []string // of targets that ended, not printed yet
	widest  int      // the widest name so far, so that columns do not jump
}

// running is a target that is being built.
type running struct {
	target, why, step string
	since             time.Time
}

func (v *view) begin(o fleet.Outlook, now time.Time) {
	v.began, v.targets, v.jobs, v.expect = now, o.Targets, o.Jobs, o.Expect
	v.ended = map[string]fleet.Status{}
}

func (v *view) started(target, why string, now time.Time) {
	v.running = append(v.running, &running{target: target, why: oneLine(why), since: now})
	v.widest = max(v.widest, live.Width(target))
}

func (v *view) step(target, step string) {
	for _, r := range v.running {
		if r.target == target {
			r.step = strings.Join(strings.Fields(oneLine(step)), " ")
		}
	}
}

func (v *view) end(row fleet.Row, style Style) {
	v.ended[row.Target] = row.Status
	why := ""
	v.running = slices.DeleteFunc(v.running, func(r *running) bool {
		if r.target == row.Target {
			why = r.why
		}
		return r.target == row.Target
	})
	words := ending(row)
	if words == "" {
		return
	}
	symbol, paint := style.mark(row.Status)
	line := style.paint(paint, symbol) + " " + style.paint(bold, row.Target) + " " + style.paint(paint, words)
	if why != "" {
		line += style.paint(dim, "  "+style.because()+why)
	}
	v.lines = append(v.lines, line)
}

// takeLines returns the lines that are to be printed and forgets them.
func (v *view) takeLines() []string {
	lines := v.lines
	v.lines = nil
	return lines
}

// rows is what changes in place on a screen of cols by height characters: as
// many running targets as there is room for, those that have run longest first,
// and the line with the counts.
func (v *view) rows(now time.Time, cols, height int, style Style, stopping bool) []string {
	room := cols - 1 // a terminal may wrap a line that is as wide as itself
	free := height - 1
	if free < 1 {
		return nil
	}
	shown := v.running
	if len(shown) > free-1 {
		shown = shown[:max(0, free-2)]
	}
	var out []string
	for _, r := range shown {
		out = append(out, v.row(r, now, room, style))
	}
	if more := len(v.running) - len(shown); more > 0 && free > 1 {
		out = append(out, style.row(room, piece{fmt.Sprintf("%s and %d more running", style.ellipsis(), more), dim}))
	}
	return append(out, v.counts(now, room, style, stopping))
}

const (
	elapsedWidth = 6  // "59m59s"
	leastName    = 6  // columns; what is cut more says nothing
	leastDetail  = 12 // likewise, of a step or a reason
	usualStep    = 40 // columns that a step may take before its target's reason gets some
)

// row is one running target:
//
//	⠹ debian13-java21   1m05s  [2/4] RUN apt-get install -y …  ← context: setup.sh changed
//
// On a narrow screen it has no step, then no time.
func (v *view) row(r *running, now time.Time, room int, style Style) string {
	const around = 2 // the spinner with its space, and the gap between columns
	name := min(v.widest, room*2/5)
	rest := room - around - name - around - elapsedWidth - around
	if rest < leastDetail {
		name = min(v.widest, room-around-around-elapsedWidth)
	}
	pieces := []piece{{style.spinner(int(now.Sub(v.began)/frameTime)) + " ", cyan}}
	if name < min(v.widest, leastName) {
		return style.row(room, append(pieces, piece{style.cutMiddle(r.target, room-around), bold})...)
	}
	pieces = append(pieces, piece{pad(style.cutMiddle(r.target, name), name, false), bold},
		piece{"  " + pad(clock(now.Sub(r.since)), elapsedWidth, true), none})
	if rest < leastDetail {
		return style.row(room, pieces...)
	}
	if r.step == "" {
		return style.row(room, append(pieces, piece{"  " + style.cut(style.because()+r.why, rest), dim})...)
	}
	step := min(live.Width(r.step), max(usualStep, rest*2/3), rest)
	pieces = append(pieces, piece{"  " + style.cut(r.step, step), none})
	if why := rest - step - 2; why >= leastDetail && r.why != "" {
		pieces = append(pieces, piece{"  " + style.cut(style.because()+r.why, why), dim})
	} else {
		pieces[len(pieces)-1].text = "  " + style.cut(r.step, rest)
	}
	return style.row(room, pieces...)
}

// counts is the last row:
//
//	23/200 done, 4 running, 173 waiting, 0 failed, 12s, about 1m left
//
// On a narrow screen it leaves out what matters least.
func (v *view) counts(now time.Time, width int, style Style, stopping bool) string {
	count := map[fleet.Status]int{}
	for _, status := range v.ended {
		count[status]++
	}
	done, failed := count[fleet.Built]+count[fleet.Reused], count[fleet.Failed]
	waiting := max(0, v.targets-len(v.ended)-len(v.running))
	type part struct {
		rank  int // what has a low one is shown first
		text  string
		paint paint
	}
	var parts []part
	add := func(rank int, p paint, format string, args ...any) {
		parts = append(parts, part{rank, fmt.Sprintf(format, args...), p})
	}
	if stopping {
		add(0, yellow, "stopping")
	}
	add(1, bold, "%d/%d done", done, v.targets)
	add(3, none, "%d running", len(v.running))
	add(6, none, "%d waiting", waiting)
	if failed > 0 {
		add(2, red, "%d failed", failed)
	} else {
		add(7, none, "0 failed")
	}
	add(4, none, "%s", clock(now.Sub(v.began)))
	if left := v.left(now); left > 0 && failed == 0 && !stopping {
		add(5, none, "about %s left", roughly(left))
	}
	fits, room := map[int]bool{}, width+2 // there is no comma after the last one
	for _, p := range slices.SortedFunc(slices.Values(parts), func(a, b part) int { return a.rank - b.rank }) {
		if len(fits) == 0 || len(p.text)+2 <= room {
			fits[p.rank] = true
			room -= len(p.text) + 2
		}
	}
	parts = slices.DeleteFunc(parts, func(p part) bool { return !fits[p.rank] })
	var pieces []piece
	for i, p := range parts {
		if i > 0 {
			pieces = append(pieces, piece{", ", none})
		}
		pieces = append(pieces, piece{p.text, p.paint})
	}
	return style.row(width, pieces...)
}

// left is how long the run is going to take, as far as the last builds of what
// is left tell: neither less than the longest chain of targets nor less than
// their sum divided by how many are built at once. 0 means that nobody knows.
func (v *view) left(now time.Time) time.Duration {
	since := map[string]time.Time{}
	for _, r := range v.running {
		since[r.target] = r.since
	}
	var longest, sum time.Duration
	chain := map[string]time.Duration{} // until the target is built, from now
	for _, e := range v.expected {
		if _, ok := v.ended[e.Target]; ok {
			continue
		}
		if e.Took == 0 {
			return 0
		}
		took := e.Took
		if began, ok := since[e.Target]; ok {
			took = max(0, took-now.Sub(began))
			delete(since, e.Target)
		}
		sum += took
		for _, p := range e.Parents {
			chain[e.Target] = max(chain[e.Target], chain[p])
		}
		chain[e.Target] += took
		longest = max(longest, chain[e.Target])
	}
	if len(since) > 0 {
		return 0 // something runs that was not expected
	}
	return max(longest, sum/time.Duration(max(1, v.jobs)))
}

// clock is a time span as a clock that runs shows it: whole seconds.
func clock(d time.Duration) string {
	s := int(max(0, d).Seconds())
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
}

// roughly is a time span that is a guess.
func roughly(d time.Duration) string {
	const five = 5 * time.Second
	if d <= time.Minute-five {
		return clock((d + five - 1).Truncate(five))
	}
	if d = max(time.Minute, d.Round(time.Minute)); d < time.Hour {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return clock(d)
}
