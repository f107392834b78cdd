package findings

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/lint/waiver"
	"github.com/plinth-build/plinth/internal/report/live"
	"github.com/plinth-build/plinth/internal/report/text"
)

// pretty is for people: each finding with the line that it is about. What a rule is for, and how it is mended, is
// said the first time that it comes.
func pretty(w io.Writer, r Report) error {
	p := &printer{Report: r, seen: map[*lint.Rule]bool{}}
	if p.Width < 40 {
		p.Width = 80
	}
	for _, f := range r.Findings {
		p.finding(f)
	}
	p.rest()
	_, err := w.Write(p.Bytes())
	return err
}

type printer struct {
	bytes.Buffer
	Report
	seen map[*lint.Rule]bool
}

// The colours of severities; the word beside them says the same.
var colours = map[lint.Severity]string{lint.Error: "31", lint.Warning: "33", lint.Info: "36", lint.Style: "2"}

func (p *printer) paint(colour, s string) string {
	if !p.Colour || colour == "" {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

func (p *printer) finding(f *lint.Finding) {
	fmt.Fprintf(p, "%s %s %s\n", p.paint("1", fmt.Sprintf("%s:%d:%d", text.Visible(f.File), f.Line, f.Column)),
		p.paint(colours[f.Severity], f.Severity.String()), f.Rule.Code)
	p.WriteString(text.Hang("  ", "  ", text.Visible(message(f)), p.Width))
	p.frame(f)
	first := !p.seen[f.Rule]
	p.seen[f.Rule] = true
	if first && f.Rule.Why != "" {
		p.WriteString(text.Hang("  why: ", "       ", text.Visible(strings.ReplaceAll(text.FirstSentence(f.Rule.Why), "`", "")), p.Width))
	}
	switch {
	case f.Fix != nil:
		p.WriteString(text.Hang("  fix: ", "       ", text.Visible(f.Fix.Title)+" (plinth lint --fix)", p.Width))
	case first:
		fmt.Fprintf(p, "  more: plinth explain %s\n", f.Rule.Code)
	}
	p.WriteByte('\n')
}

// frame shows the line of a finding with a mark below its place.
func (p *printer) frame(f *lint.Finding) {
	source := p.source(f.File)
	line := lineOf(source, f.Line)
	if line == "" {
		return
	}
	from := min(max(f.Column-1, 0), len(line))
	to := len(line)
	if f.EndLine == f.Line {
		to = min(max(f.EndCol-1, from), len(line))
	}
	before, marked, after := expandTabs(line[:from]), expandTabs(line[from:to]), expandTabs(line[to:])
	number := fmt.Sprintf("%5d", f.Line)
	room := p.Width - len(number) - 3
	// a long line is shown around the place
	if cut := live.Width(before) - room/2; live.Width(before+marked+after) > room && cut > 0 {
		before = "…" + drop(before, cut+1)
	}
	shown := before + marked + after
	if live.Width(shown) > room {
		shown = take(shown, room-1) + "…"
	}
	marks := max(min(live.Width(marked), room-live.Width(before)), 1)
	fmt.Fprintf(p, "%s %s\n", p.paint("2", number+" |"), shown)
	fmt.Fprintf(p, "%s %s%s\n", p.paint("2", "      |"), strings.Repeat(" ", live.Width(before)), p.paint(colours[f.Severity], strings.Repeat("^", marks)))
}

// lineOf is a line without its end; lines count from 1.
func lineOf(source []byte, line int) string {
	for ; line > 1; line-- {
		i := bytes.IndexByte(source, '\n')
		if i < 0 {
			return ""
		}
		source = source[i+1:]
	}
	if i := bytes.IndexByte(source, '\n'); i >= 0 {
		source = source[:i]
	}
	return strings.TrimRight(string(source), "\r")
}

func expandTabs(s string) string { return text.Visible(strings.ReplaceAll(s, "\t", "    ")) }

// drop takes columns off the front of a text.
func drop(s string, columns int) string {
	for i, r := range s {
		if columns <= 0 {
			return s[i:]
		}
		columns -= live.Width(string(r))
	}
	return ""
}

// take is the front of a text, as much as fits into columns.
func take(s string, columns int) string {
	for i, r := range s {
		if columns -= live.Width(string(r)); columns < 0 {
			return s[:i]
		}
	}
	return s
}

// rest says what was waived, what was accepted, and how much there is of everything.
func (p *printer) rest() {
	for _, line := range p.waivers() {
		p.WriteString(text.Hang("", "  ", text.Visible(line), p.Width))
	}
	for _, e := range p.Stale {
		p.WriteString(text.Hang("", "  ", text.Visible(fmt.Sprintf("the baseline accepts %s in %s, which is not there any more", e.Rule, e.File)), p.Width))
	}
	p.WriteString(text.Hang("", "  ", p.totals(), p.Width))
}

// waivers says of each waiver how much it covers, and why.
func (r Report) waivers() (lines []string) {
	type use struct {
		waiver   waiver.Waiver
		findings int
		files    map[string]bool
	}
	var uses []*use
	for _, w := range r.Waived {
		i := slices.IndexFunc(uses, func(u *use) bool { return u.waiver.Pos == w.Waiver.Pos })
		if i < 0 {
			i = len(uses)
			uses = append(uses, &use{waiver: w.Waiver, files: map[string]bool{}})
		}
		uses[i].findings++
		uses[i].files[w.Finding.File] = true
	}
	for _, u := range uses {
		where := slices.Sorted(maps.Keys(u.files))
		lines = append(lines, fmt.Sprintf("waived until %s by %s: %s of %s in %s: %s", u.waiver.Expires.Format(time.DateOnly), u.waiver.Owner,
			plural(u.findings, "finding"), u.waiver.Rule, few(where), u.waiver.Reason))
	}
	return lines
}

// totals counts findings by severity.
func (r Report) totals() string {
	var parts []string
	n := map[lint.Severity]int{}
	fixable := 0
	for _, f := range r.Findings {
		n[f.Severity]++
		if f.Fix != nil {
			fixable++
		}
	}
	for _, s := range []lint.Severity{lint.Error, lint.Warning, lint.Info, lint.Style} {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	out := plural(len(r.Findings), "finding") + " in " + plural(r.Files, "file")
	if len(parts) > 0 {
		out += ": " + strings.Join(parts, ", ")
	}
	if fixable > 0 {
		out += fmt.Sprintf("; %d can be mended by plinth lint --fix", fixable)
	}
	if len(r.Waived) > 0 {
		out += fmt.Sprintf("; %d waived", len(r.Waived))
	}
	if r.Accepted > 0 {
		out += fmt.Sprintf("; %d accepted by the baseline", r.Accepted)
	}
	return out
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
