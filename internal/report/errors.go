// Package report turns values into what a user reads: errors, plans, tables
// and progress, as text or JSON. It decides nothing.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/diag"
)

// Errors prints every error that err holds, each with its hints. Neighbours
// with the same hints get them once, after the last one.
//
//	error: 0100-java17/Dockerfile:1:6: cannot build java17: upstream debian:12 is not locked
//	  hint: pin it with: plinth update debian:12
func Errors(w io.Writer, err error) {
	errs := slices.DeleteFunc(diag.Flatten(err), func(e *diag.Error) bool { return e.Quiet })
	for i, e := range errs {
		lines := strings.Split(strings.TrimRight(e.Error(), "\n"), "\n")
		fmt.Fprintf(w, "error: %s\n", lines[0])
		for _, l := range lines[1:] {
			fmt.Fprintf(w, "  %s\n", l)
		}
		if i+1 < len(errs) && slices.Equal(e.Hints, errs[i+1].Hints) {
			continue
		}
		for _, h := range e.Hints {
			fmt.Fprintf(w, "  hint: %s\n", strings.ReplaceAll(h, "\n", "\n        "))
		}
	}
}
