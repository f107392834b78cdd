// Package diag holds what every other package says to a user: a position in a
// file, an error with hints and an exit code, and the total order in which
// problems are printed.
//
// A package that finds problems collects them in a List and returns List.Err;
// the command line prints them once, in order. Nothing here prints, and
// nothing here exits: only main does.
package diag

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a file. Line and Column count from 1 in bytes; 0
// means unknown, and the parts after an unknown one are not printed.
type Position struct {
	File   string
	Line   int
	Column int
}

// String prints file:line:column as compilers do, so that editors can jump there.
func (p Position) String() string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Compare orders positions by file, line and column.
func (p Position) Compare(q Position) int {
	return cmp.Or(strings.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// ExitCode is what the process returns to its caller.
type ExitCode int

// The exit codes of plinth. When several apply, the first of 130, 64, 1, 4, 3, 2 wins.
const (
	ExitOK          ExitCode = 0
	ExitError       ExitCode = 1   // an error, also a build that failed
	ExitFindings    ExitCode = 2   // findings, a gate, or something that moved under --check
	ExitTests       ExitCode = 3   // tests failed
	ExitPartial     ExitCode = 4   // partly done under --keep-going
	ExitUsage       ExitCode = 64  // the command line is wrong
	ExitInterrupted ExitCode = 130 // SIGINT
	ExitTerminated  ExitCode = 143 // SIGTERM
)

// Error is a problem as the user reads it: what could not be done, where, why,
// and what to type next. Err is the cause, reachable through errors.Is and
// errors.As; its text is printed only when Msg does not hold it already.
type Error struct {
	Pos   Position
	Msg   string   // "cannot …", without the position, the hints and the cause
	Err   error    // the cause, may be nil
	Hints []string // what to do next, one line each, as a whole sentence or a command
	Code  ExitCode // 0 means ExitError
	Quiet bool     // the user has read it already: only the exit code counts
}

// Said is an error whose text was printed already, as findings are. It has only an exit code.
func Said(c ExitCode) *Error { return &Error{Msg: "see above", Code: c, Quiet: true} }

// Errorf makes an Error at pos. A %w in the format becomes the cause.
func Errorf(pos Position, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Pos: pos, Msg: err.Error(), Err: errors.Unwrap(err)}
}

// Hint adds a line that says what to do next.
func (e *Error) Hint(format string, args ...any) *Error {
	e.Hints = append(e.Hints, fmt.Sprintf(format, args...))
	return e
}

// WithCode sets the exit code.
func (e *Error) WithCode(c ExitCode) *Error {
	e.Code = c
	return e
}

// Error is the one-line form: position, message, cause.
func (e *Error) Error() string {
	var b strings.Builder
	if p := e.Pos.String(); p != "" {
		b.WriteString(p)
		b.WriteString(": ")
	}
	b.WriteString(e.Msg)
	if e.Err != nil && !strings.Contains(e.Msg, e.Err.Error()) {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// List collects errors so that a user sees all of them at once.
type List struct{ errs []*Error }

// Add appends e; nil is ignored.
func (l *List) Add(e *Error) {
	if e != nil {
		l.errs = append(l.errs, e)
	}
}

// AddErr appends any error: a List's or joined errors one by one, a bare error
// without a position.
func (l *List) AddErr(err error) {
	for _, e := range Flatten(err) {
		l.Add(e)
	}
}

// Len is the number of collected errors.
func (l *List) Len() int { return len(l.errs) }

// Err returns nil when nothing was collected, otherwise one error that unwraps
// to all of them in their total order (file, line, column, message), repeats removed.
func (l *List) Err() error {
	if len(l.errs) == 0 {
		return nil
	}
	errs := slices.Clone(l.errs)
	slices.SortStableFunc(errs, func(a, b *Error) int {
		return cmp.Or(a.Pos.Compare(b.Pos), strings.Compare(a.Msg, b.Msg))
	})
	errs = slices.CompactFunc(errs, func(a, b *Error) bool { return a.Pos == b.Pos && a.Msg == b.Msg })
	return &joined{errs}
}

type joined struct{ errs []*Error }

func (j *joined) Error() string {
	lines := make([]string, len(j.errs))
	for i, e := range j.errs {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

func (j *joined) Unwrap() []error {
	out := make([]error, len(j.errs))
	for i, e := range j.errs {
		out[i] = e
	}
	return out
}

// Flatten turns any error into the list of user-facing errors that it holds, in
// the order in which they were joined. A bare error becomes one without a position.
func Flatten(err error) []*Error {
	if err == nil {
		return nil
	}
	switch e := err.(type) { //nolint:errorlint // one level at a time, so that nothing is left out
	case *Error:
		return []*Error{e}
	case interface{ Unwrap() []error }:
		var out []*Error
		for _, sub := range e.Unwrap() {
			out = append(out, Flatten(sub)...)
		}
		return out
	}
	var user *Error
	if errors.As(err, &user) {
		wrapped := *user
		if !strings.Contains(err.Error(), user.Error()) || err.Error() == user.Error() {
			return []*Error{&wrapped}
		}
		// keep the words that a caller put around the error
		wrapped.Msg = strings.Replace(err.Error(), user.Error(), wrapped.Msg, 1)
		return []*Error{&wrapped}
	}
	return []*Error{{Msg: err.Error(), Err: err}}
}

// Code is the exit code that err asks for: the first of 130, 143, 64, 1, 4, 3, 2
// among the errors it holds.
func Code(err error) ExitCode {
	if err == nil {
		return ExitOK
	}
	best := -1
	rank := []ExitCode{ExitInterrupted, ExitTerminated, ExitUsage, ExitError, ExitPartial, ExitTests, ExitFindings}
	for _, e := range Flatten(err) {
		code := e.Code
		if code == ExitOK {
			code = ExitError
		}
		if i := slices.Index(rank, code); i >= 0 && (best < 0 || i < best) {
			best = i
		}
	}
	if best < 0 {
		return ExitError
	}
	return rank[best]
}
