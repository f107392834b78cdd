package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/report"
	"github.com/plinth-build/plinth/internal/sched"
	"github.com/plinth-build/plinth/internal/store"
)

// buildFlags are the flags of plinth build.
type buildFlags struct {
	jobs      int
	keepGoing bool
	failFast  bool
	dryRun    bool
	noCache   bool

	noCacheFilter []string
	choice        *choice
	secrets       *secretFlags
	metadataFile  string
	buildNumber   *string
	progress      string
}

func (a *app) buildCommand() *cobra.Command {
	var flags buildFlags
	cmd := &cobra.Command{
		Use:   "build [SELECTOR…]",
		Short: "Build what changed",
		Long: `Build the targets that changed, and what stands on them, in parallel. Without
SELECTOR all targets are meant; the parents of what is selected are built too.

` + selectorHelp + `

When a target fails, running ones finish and nothing new starts.`,
		Example: `  plinth build                      # everything that changed
  plinth build debian12-java17+     # one target and all that stand on it
  plinth build 'debian13-*' -j 4
  plinth build --dry-run            # what would be built, and why`,
		ValidArgsFunction: a.completeTargets,
	}
	fl := cmd.Flags()
	fl.IntVarP(&flags.jobs, "jobs", "j", max(2, runtime.NumCPU()), "how many targets are built at once")
	fl.BoolVarP(&flags.keepGoing, "keep-going", "k", false, "after a failure, build everything that does not stand on it (exit 4)")
	fl.BoolVar(&flags.failFast, "fail-fast", false, "after a failure, stop the running targets too")
	fl.BoolVarP(&flags.dryRun, "dry-run", "n", false, "only say what would be built, as plinth plan does")
	fl.BoolVar(&flags.noCache, "no-cache", false, "build the selected targets afresh, whatever is stored")
	fl.StringSliceVar(&flags.noCacheFilter, "no-cache-filter", nil, "build these afresh when they are part of the run: selectors, separated by commas")
	fl.StringVar(&flags.progress, "progress", "auto", "how to show what goes on: "+strings.Join(progressNames, ", "))
	_ = cmd.RegisterFlagCompletionFunc("progress", cobra.FixedCompletions(toCompletions(progressNames), cobra.ShellCompDirectiveNoFileComp))
	fl.StringVar(&flags.metadataFile, "metadata-file", "", "write digests and names of the images to this file, as docker buildx bake does")
	flags.buildNumber = buildNumberFlag(cmd)
	flags.choice = a.choiceFlags(cmd)
	flags.secrets = addSecretFlags(cmd)
	a.setFlag(cmd)
	f := formatFlag(cmd, "pretty", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case flags.jobs < 1:
			return usage(cmd, "cannot use \"%d\" for --jobs: at least one target must be built at once", flags.jobs)
		case flags.keepGoing && flags.failFast:
			return usage(cmd, "cannot use --keep-going and --fail-fast together")
		case !slices.Contains(progressNames, flags.progress):
			return usage(cmd, "cannot use %q for --progress: it must be one of: %s", flags.progress, strings.Join(progressNames, ", "))
		}
		if flags.progress == "tty" {
			if err := a.needsTerminal(cmd, f.value); err != nil {
				return err
			}
		}
		return a.build(cmd.Context(), args, flags, f.value)
	}
	return cmd
}

var progressNames = []string{"auto", "tty", "plain", "json", "quiet"}

func (a *app) build(ctx context.Context, selectors []string, flags buildFlags, format string) (err error) {
	began, cpu := a.now(), cpuTime()
	s, err := a.session()
	if err != nil {
		return err
	}
	if flags.dryRun {
		return a.printPlan(ctx, s, flags.selection(selectors), format)
	}
	held, err := store.Acquire(s.state, "plinth build")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.Release()) }()
	st, err := store.Open(s.storeDir())
	if err != nil {
		return err
	}
	if held.Stale {
		if err := sweep(ctx, s.state, st); err != nil {
			return err
		}
	}
	planner, targets, err := s.planner(ctx, st, flags.selection(selectors), began)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return a.nothingChosen(flags, format)
	}
	s.warnCutOff(a.err, targets)
	names, err := s.wantMetadata(flags, targets, began)
	if err != nil {
		return err
	}
	b := &builder{state: s.state, registry: s.catalog.Config.Registry, jobs: flags.jobs, epoch: s.epoch, lock: s.lock, store: st, plan: planner, given: s.given}
	opts := fleet.Options{Jobs: flags.jobs, Policy: flags.policy(), LogDir: filepath.Join(s.state, "logs"), Durations: filepath.Join(s.state, "cache", "durations"), Now: a.now}
	progress := a.progress(ctx, flags.progress, format)
	defer progress.Close()
	rows, err := fleet.Run(ctx, targets, planner, st, b, opts, progress)
	progress.Close()
	err = aftermath(rows, errors.Join(err, b.close(), s.cache.Save())) //nolint:contextcheck // closing goes on when the run was interrupted
	for i := range rows {
		if rows[i].Log != "" {
			rows[i].Log = shown(rows[i].Log)
		}
	}
	if flags.metadataFile != "" {
		err = errors.Join(err, s.writeMetadata(flags.metadataFile, targets, rows, names, st))
	}
	summary := fleet.Summarise(targets, rows, a.now().Sub(began), cpuTime()-cpu)
	report.Failures(a.err, rows)
	switch {
	case flags.progress == "json":
		err = errors.Join(err, report.ClosingEvent(a.out, rows, summary, a.now()))
	case format == "json":
		err = errors.Join(err, report.ClosingJSON(a.out, rows, summary))
	case flags.progress != "quiet":
		if t, ok := progress.(*report.TTY); ok {
			t.Closing(rows, summary)
			break
		}
		fmt.Fprintln(a.out)
		report.Closing(a.out, rows, summary)
	}
	return errors.Join(err, ctx.Err(), failed(rows, flags))
}

// noTarget is said when flags leave no target.
const noTarget = "no target is chosen by these flags: there is nothing to build"

// nothingChosen ends a run whose flags leave no target, such as --changed-since
// a commit after which nothing changed.
func (a *app) nothingChosen(flags buildFlags, format string) error {
	switch {
	case flags.progress == "json":
		return report.ClosingEvent(a.out, nil, fleet.Summary{}, a.now())
	case format == "json":
		return report.ClosingJSON(a.out, nil, fleet.Summary{})
	case flags.progress != "quiet":
		fmt.Fprintln(a.out, noTarget)
	}
	return nil
}

// aftermath drops from the errors of a run's end those that repeat why a
// target failed: that there is no room on the disk.
func aftermath(rows []fleet.Row, err error) error {
	if !slices.ContainsFunc(rows, func(r fleet.Row) bool { return fleet.DiskFull(r.Err) }) {
		return err
	}
	var rest diag.List
	for _, e := range diag.Flatten(err) {
		if !fleet.DiskFull(e) {
			rest.Add(e)
		}
	}
	return rest.Err()
}

// failed is the error of a run with failed targets; their own messages have been printed.
func failed(rows []fleet.Row, flags buildFlags) error {
	counts := fleet.Counts(rows)
	if counts[fleet.Failed] == 0 {
		return nil
	}
	var failed []string
	for _, r := range rows {
		if r.Status == fleet.Failed {
			failed = append(failed, r.Target)
		}
	}
	const named = 3
	if more := len(failed) - named; more > 1 {
		failed = append(failed[:named], fmt.Sprintf("%d more", more))
	}
	what := []string{strings.Join(failed, ", ") + " failed"}
	missing := counts[fleet.Failed]
	for _, s := range []fleet.Status{fleet.Blocked, fleet.Cancelled, fleet.NotStarted} {
		if n := counts[s]; n > 0 {
			what = append(what, fmt.Sprintf("%d %s", n, s))
			missing += n
		}
	}
	if len(rows) == 1 {
		return diag.Errorf(diag.Position{}, "cannot build %s", failed[0])
	}
	e := diag.Errorf(diag.Position{}, "cannot build %d of %s: %s", missing, report.Plural(len(rows), "target"), strings.Join(what, ", "))
	if counts[fleet.NotStarted]+counts[fleet.Cancelled] > 0 {
		e = e.Hint("--keep-going builds everything that does not stand on a failed target")
	}
	if flags.keepGoing && counts[fleet.Built]+counts[fleet.Reused] > 0 {
		return e.WithCode(diag.ExitPartial)
	}
	return e
}

// selection is what the flags and arguments ask for.
func (f buildFlags) selection(selectors []string) selection {
	return selection{choice: f.choice.with(selectors), secrets: f.secrets, noCache: f.noCache, noCacheFilter: f.noCacheFilter}
}

func (f buildFlags) policy() sched.Policy {
	switch {
	case f.keepGoing:
		return sched.KeepGoing
	case f.failFast:
		return sched.FailFast
	}
	return sched.StopStarting
}

func (a *app) planCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "plan [SELECTOR…]",
		Short:             "Say what a build would do, and why",
		Long:              "Say what plinth build would do, and why. Nothing is changed.\n\n" + selectorHelp,
		ValidArgsFunction: a.completeTargets,
	}
	noCache := cmd.Flags().Bool("no-cache", false, "as if plinth build --no-cache")
	chosen := a.choiceFlags(cmd)
	secrets := addSecretFlags(cmd)
	a.setFlag(cmd)
	f := formatFlag(cmd, "pretty", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := a.session()
		if err != nil {
			return err
		}
		return a.printPlan(cmd.Context(), s, selection{choice: chosen.with(args), secrets: secrets, noCache: *noCache}, f.value)
	}
	return cmd
}

func (a *app) printPlan(ctx context.Context, s *session, sel selection, format string) error {
	planner, targets, err := s.planner(ctx, store.View(s.storeDir()), sel, a.now())
	if err != nil {
		return err
	}
	steps := planner.Plan(targets)
	if format == "json" {
		return report.PlanJSON(a.out, steps)
	}
	if len(steps) == 0 {
		fmt.Fprintln(a.out, noTarget)
		return nil
	}
	report.Plan(a.out, steps)
	return nil
}

func (a *app) whyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "why TARGET",
		Short: "Say why a target is going to be built, or was",
		Long: `Say why a target is going to be built, down to the file, package or upstream
that changed. For a target that is up to date: why it was built the last time.`,
		Args:              exactly(1, "one target"),
		ValidArgsFunction: a.completeTargets,
	}
	secrets := addSecretFlags(cmd)
	a.setFlag(cmd)
	f := formatFlag(cmd, "pretty", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := a.session()
		if err != nil {
			return err
		}
		selected, err := s.graph.Select(args[0])
		if err != nil {
			return err
		}
		if len(selected) != 1 {
			return diag.Errorf(diag.Position{}, "cannot explain %s: it is %d targets: %s", args[0], len(selected), names(selected)).
				Hint("name one of them: plinth why %s", selected[0].Name).WithCode(diag.ExitUsage)
		}
		planner, targets, err := s.planner(cmd.Context(), store.View(s.storeDir()), selection{choice: choice{selectors: args}, secrets: secrets}, a.now())
		if err != nil {
			return err
		}
		chain := planner.Why(selected[0], planner.Plan(targets))
		if f.value == "json" {
			return report.WhyJSON(a.out, chain)
		}
		report.Why(a.out, chain)
		return nil
	}
	return cmd
}
