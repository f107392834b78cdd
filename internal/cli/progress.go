package cli

import (
	"context"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/report"
	"github.com/plinth-build/plinth/internal/report/live"
)

// progress makes what shows a build. ctx ends when the build is interrupted.
func (a *app) progress(ctx context.Context, name, format string) report.Progress {
	switch name {
	case "json":
		return report.NewJSON(a.out, a.now)
	case "quiet":
		return report.Quiet{}
	}
	to := a.progressTo(format)
	term, ok := live.Open(to)
	if name == "tty" || name == "auto" && ok && report.Animated(os.Getenv) {
		return report.NewTTY(term, report.StyleFor(os.Getenv), a.now, ctx.Done())
	}
	return report.NewPlain(to, a.now)
}

// progressTo is where people read what goes on: with --format json standard
// output is for the program that reads it.
func (a *app) progressTo(format string) io.Writer {
	if format == "json" {
		return a.err
	}
	return a.out
}

// needsTerminal is the error of --progress tty where there is no terminal.
func (a *app) needsTerminal(cmd *cobra.Command, format string) error {
	to := a.progressTo(format)
	if _, ok := live.Open(to); ok {
		return nil
	}
	name := "standard output"
	if to == a.err {
		name = "standard error"
	}
	return diag.Errorf(diag.Position{}, "cannot use \"tty\" for --progress: %s is not a terminal", name).
		Hint("%s --progress auto shows what suits where it is shown", cmd.CommandPath()).WithCode(diag.ExitUsage)
}

// cpuTime is the processor time that this process and the ended programs that
// it started have used.
func cpuTime() time.Duration {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}
