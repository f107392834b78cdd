// Package cli is the command line: one file a command, and the only place
// where the steps are wired together.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/report"
)

// Version is set by the linker.
var Version = "development"

// app is what the commands share.
type app struct {
	out, err io.Writer
	now      func() time.Time
	dir      string   // --catalog
	set      []string // --set
	state    string   // --state-dir
}

// Main runs the command line and returns the exit code. It prints errors; it does not exit.
func Main(args []string, out, errw io.Writer) diag.ExitCode {
	a := &app{out: out, err: errw, now: time.Now}
	ctx, signals := interruptible(context.Background())
	defer signals.stop()
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if got := signals.got(); got != nil && err != nil {
		err = interrupted(got, err)
	}
	report.Errors(errw, err)
	return diag.Code(err)
}

func (a *app) root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plinth",
		Short: "Manage a fleet of container base images",
		Long: `plinth builds a company's container base images from one catalog: a folder an
image, with a Dockerfile or a list of Debian packages. It finds out which image
stands on which, builds what changed, in parallel, and says why.

It needs no Docker daemon and no registry.

Each flag has an environment variable: --jobs is PLINTH_JOBS, --state-dir is
PLINTH_STATE. The command line goes first, then the environment, then plinth.yaml.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              noArgs,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return flagsFromEnv(cmd) },
	}
	cmd.Version = versionLine()
	cmd.SetVersionTemplate("{{.Version}}\n")
	cmd.SetOut(a.out)
	cmd.SetErr(a.err)
	cmd.SetFlagErrorFunc(flagError)
	cmd.SetGlobalNormalizationFunc(americanSpelling)
	cmd.PersistentFlags().StringVarP(&a.dir, "catalog", "C", "", "folder with plinth.yaml (default: this one or the nearest above it)")
	cmd.PersistentFlags().StringVar(&a.state, "state-dir", "", "folder for everything plinth stores (default: state in plinth.yaml, then .plinth)")
	cmd.AddCommand(
		a.buildCommand(),
		a.lintCommand(),
		a.explainCommand(),
		a.lspCommand(),
		a.planCommand(),
		a.whyCommand(),
		a.updateCommand(),
		a.listCommand(),
		a.graphCommand(),
		a.exportCommand(),
		a.pruneCommand(),
		a.initCommand(),
		a.doctorCommand(),
		a.schemaCommand(),
		a.versionCommand(),
	)
	cmd.CompletionOptions.HiddenDefaultCmd = false
	return cmd
}

// americanSpelling lets --flavour be written without its u.
func americanSpelling(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if name == "flavor" {
		name = "flavour"
	}
	return pflag.NormalizedName(name)
}

// usage is an error of the command line.
func usage(cmd *cobra.Command, format string, args ...any) error {
	return diag.Errorf(diag.Position{}, format, args...).
		Hint("see: %s --help", cmd.CommandPath()).WithCode(diag.ExitUsage)
}

// flagError puts what is wrong with a flag into words.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		if in := unknown.GetSpecifiedShortnames(); in != "" {
			return usage(cmd, "cannot use -%s: there is no flag -%s", in, name)
		}
		e := diag.Errorf(diag.Position{}, "cannot use --%s: there is no such flag", name).WithCode(diag.ExitUsage)
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near := diag.Nearest(name, known); near != "" {
			e = e.Hint("did you mean --%s?", near)
		}
		return e.Hint("see: %s --help", cmd.CommandPath())
	case errors.As(err, &invalid):
		return usage(cmd, "cannot use %q for --%s: %w", invalid.GetValue(), invalid.GetFlag().Name, badValue(err))
	case errors.As(err, &missing):
		return usage(cmd, "cannot use --%s without a value", missing.GetFlag().Name)
	}
	return usage(cmd, "cannot read the flags: %w", err)
}

// badValue says what is wrong with a flag's value.
func badValue(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	var number *strconv.NumError
	switch cause := errors.Unwrap(invalid); {
	case errors.As(cause, &number) && number.Func == "ParseBool":
		return errors.New("it must be true or false")
	case errors.As(cause, &number):
		return errors.New("it must be a whole number")
	default:
		return cause
	}
}

// noArgs refuses arguments; on the root command they are misspelt commands.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		var names []string
		for _, c := range cmd.Commands() {
			names = append(names, c.Name())
		}
		e := diag.Errorf(diag.Position{}, "cannot run %q: there is no such command", args[0]).WithCode(diag.ExitUsage)
		if near := diag.Nearest(args[0], names); near != "" {
			e = e.Hint("did you mean: plinth %s", near)
		}
		return e.Hint("see: plinth --help")
	}
	return usage(cmd, "cannot use %q: %s takes no arguments", args[0], cmd.CommandPath())
}

func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usage(cmd, "cannot run %s with %s: it takes %s", cmd.CommandPath(), report.Plural(len(args), "argument"), what)
		}
		return nil
	}
}

// format is the --format flag.
type format struct {
	value   string
	allowed []string
}

func formatFlag(cmd *cobra.Command, allowed ...string) *format {
	f := &format{value: allowed[0], allowed: allowed}
	cmd.Flags().Var(f, "format", "how to print: "+strings.Join(allowed, ", "))
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(toCompletions(allowed), cobra.ShellCompDirectiveNoFileComp))
	return f
}

func toCompletions(words []string) []cobra.Completion {
	return append([]cobra.Completion(nil), words...)
}

// String implements pflag.Value.
func (f *format) String() string { return f.value }

// Type implements pflag.Value.
func (f *format) Type() string { return "FORMAT" }

// Set implements pflag.Value.
func (f *format) Set(s string) error {
	for _, a := range f.allowed {
		if a == s {
			f.value = s
			return nil
		}
	}
	return fmt.Errorf("it must be one of: %s", strings.Join(f.allowed, ", "))
}

// load reads the catalog and its graph.
func (a *app) load() (*catalog.Catalog, *graph.Graph, error) {
	root := a.dir
	if root == "" {
		wd, err := os.Getwd()
		if err != nil {
			return nil, nil, diag.Errorf(diag.Position{}, "cannot find the catalog: %w", err)
		}
		if root, err = catalog.FindRoot(wd); err != nil {
			return nil, nil, err
		}
	}
	c, err := catalog.Load(root)
	if err != nil {
		return nil, nil, err
	}
	var overrides []graph.Override
	for _, s := range a.set {
		o, err := graph.ParseOverride(s)
		if err != nil {
			return nil, nil, err
		}
		overrides = append(overrides, o)
	}
	g, err := graph.Build(c, overrides...)
	if err == nil && len(g.Targets) == 0 {
		err = diag.Errorf(diag.Position{}, "cannot find an image in %s: no folder has a Dockerfile or an image.yaml", c.Root).
			Hint("a folder with a Dockerfile is an image: make one beside plinth.yaml, such as 0000-base/Dockerfile")
	}
	return c, g, err
}

// stateDir is where everything is stored: flag (or its variable), plinth.yaml, default.
func (a *app) stateDir(c *catalog.Catalog) (string, error) {
	dir := a.state
	if dir != "" {
		return filepath.Abs(dir)
	}
	if dir = c.Config.State; dir == "" {
		dir = ".plinth"
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(c.Root, dir)
	}
	return dir, nil
}

// shown is path as it is best shown to the user: relative when it is below the working folder.
func shown(path string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return rel
		}
	}
	return path
}

// completeTargets offers target names to the shell.
func (a *app) completeTargets(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	_, g, err := a.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, t := range g.Targets {
		names = append(names, t.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// signals remembers the first signal, so that the exit code can tell.
type signals struct {
	ch    chan os.Signal
	first chan os.Signal
}

// interruptible ends its context at the first SIGINT or SIGTERM; the second
// one ends the process as if nothing caught it.
func interruptible(ctx context.Context) (context.Context, *signals) {
	ctx, cancel := context.WithCancel(ctx)
	s := &signals{ch: make(chan os.Signal, 1), first: make(chan os.Signal, 1)}
	signal.Notify(s.ch, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		sig, ok := <-s.ch
		if !ok {
			return
		}
		s.first <- sig
		signal.Stop(s.ch)
		cancel()
	}()
	return ctx, s
}

func (s *signals) got() os.Signal {
	select {
	case sig := <-s.first:
		return sig
	default:
		return nil
	}
}

func (s *signals) stop() { signal.Stop(s.ch) }

// interrupted replaces what a cancelled run returned by one clear line, and
// keeps errors that are not about the cancellation.
func interrupted(sig os.Signal, err error) error {
	code, word := diag.ExitInterrupted, "interrupted"
	if sig == syscall.SIGTERM {
		code, word = diag.ExitTerminated, "terminated"
	}
	var l diag.List
	for _, e := range diag.Flatten(err) {
		if !errors.Is(e, context.Canceled) {
			l.Add(e)
		}
	}
	l.Add((&diag.Error{Msg: word + "; what is finished is kept, the next run goes on from there"}).WithCode(code))
	return l.Err()
}
