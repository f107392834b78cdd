package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/plinth-build/plinth/internal/report/live"
)

// Table prints rows in columns, two spaces apart. The last column is not
// padded. right holds the numbers of the columns that are set flush right.
// What a terminal would take for a command is left out of the cells.
func Table(w io.Writer, header []string, rows [][]string, right ...int) {
	safe := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			safe[i] = append(safe[i], oneLine(cell))
		}
	}
	table(w, header, safe, right...)
}

// table is Table for cells that may have colours.
func table(w io.Writer, header []string, rows [][]string, right ...int) {
	all := append([][]string{header}, rows...)
	widths := make([]int, len(header))
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], live.Width(cell))
		}
	}
	flush := map[int]bool{}
	for _, i := range right {
		flush[i] = true
	}
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-live.Width(cell))
			if i > 0 {
				line.WriteString("  ")
			}
			if flush[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// cutLast shortens the cells of the last column so that rows are at most width
// columns wide, unless that would leave nothing worth reading.
func (s Style) cutLast(width int, header []string, rows [][]string) {
	last := len(header) - 1
	for i := range last {
		widest := live.Width(header[i])
		for _, row := range rows {
			widest = max(widest, live.Width(row[i]))
		}
		width -= widest + 2
	}
	if width < leastDetail {
		return
	}
	for _, row := range rows {
		row[last] = s.cut(row[last], width)
	}
}

// Size prints bytes as people say them, in powers of 1000 as disks and registries do: "49.2 MB".
func Size(n int64) string {
	switch {
	case n <= 0:
		return "-"
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	}
	v, units := float64(n)/1000, []string{"kB", "MB", "GB", "TB"}
	i := 0
	for v >= 999.95 && i < len(units)-1 {
		v /= 1000
		i++
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// Duration prints a time span with the precision that matters: "35ms", "4.2s", "3m05s".
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute-50*time.Millisecond: // what is left would be printed as 60.0s
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
}
