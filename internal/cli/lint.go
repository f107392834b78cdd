package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/lint/baseline"
	"github.com/plinth-build/plinth/internal/lint/fixer"
	"github.com/plinth-build/plinth/internal/lint/rules"
	"github.com/plinth-build/plinth/internal/lint/shellcheck"
	"github.com/plinth-build/plinth/internal/lint/waiver"
	"github.com/plinth-build/plinth/internal/report"
	"github.com/plinth-build/plinth/internal/report/findings"
	"github.com/plinth-build/plinth/internal/report/live"
	"github.com/plinth-build/plinth/internal/wholefile"
)

// lintFlags are the flags of plinth lint.
type lintFlags struct {
	profile       choiceOf
	failOn        choiceOf
	rules         []string
	since         string
	staged        bool
	stdinName     string
	fix           bool
	diff          bool
	baseline      string
	writeBaseline bool
	noShellcheck  bool
	format        *format
}

// choiceOf is a flag with a fixed set of values, "" when it is not given.
type choiceOf struct {
	format
	what string
}

// Type implements pflag.Value.
func (c *choiceOf) Type() string { return c.what }

func (a *app) lintCommand() *cobra.Command {
	f := &lintFlags{
		profile: choiceOf{format{allowed: lint.ProfileNames()}, "PROFILE"},
		failOn:  choiceOf{format{allowed: []string{"error", "warning", "info", "style", "off"}}, "SEVERITY"},
	}
	cmd := &cobra.Command{
		Use:   "lint [FILE|FOLDER|SELECTOR|-…]",
		Short: "Look for mistakes in Dockerfiles",
		Long: `Look for mistakes in Dockerfiles: those of the catalog, or files and folders,
which need no catalog. Folders are searched for Dockerfiles; - reads standard input.

In a catalog each rule sees what an image inherits: a USER that a parent set counts
in its children. Nothing is built, and nothing is looked up in the network.

Comments switch rules off: "# plinth ignore=DL3008 a reason" for the next instruction,
"# plinth global ignore=DL3008" for the file; those for hadolint and BuildKit count too.

The exit code is 2 when something is found that is as bad as --fail-on says, otherwise 0.

` + selectorHelp,
		Example: `  plinth lint                         # the catalog, or this folder
  plinth lint Dockerfile web/         # a file and a folder
  plinth lint --fix --diff java17     # what --fix would change
  plinth lint --staged                # what the next commit has, for a hook
  plinth lint --profile hadolint .    # what hadolint reports, and nothing else`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, to string) ([]cobra.Completion, cobra.ShellCompDirective) {
			names, _ := a.completeTargets(cmd, args, to)
			return names, cobra.ShellCompDirectiveDefault
		},
	}
	fl := cmd.Flags()
	fl.Var(&f.profile, "profile", "set of rules: recommended, strict, base-image, hadolint, buildkit")
	fl.Var(&f.failOn, "fail-on", "mildest severity that makes the exit code 2: error, warning, info, style; off: never")
	fl.StringArrayVar(&f.rules, "rule", nil, "severity of a rule: CODE=error, warning, info, style or off")
	fl.StringVar(&f.since, "changed-since", "", "only files that changed since this commit or branch")
	fl.BoolVar(&f.staged, "staged", false, "only what is staged for the next commit, as it is staged")
	fl.StringVar(&f.stdinName, "stdin-filename", "", "the file that standard input is the content of")
	fl.BoolVar(&f.fix, "fix", false, "mend what can be mended")
	fl.BoolVar(&f.diff, "diff", false, "with --fix: show what it would change, and change nothing")
	fl.StringVar(&f.baseline, "baseline", "", "file with accepted findings: only others are reported")
	fl.BoolVar(&f.writeBaseline, "write-baseline", false, "accept all that is found now, in the file that --baseline names")
	fl.BoolVar(&f.noShellcheck, "no-shellcheck", false, "leave the program shellcheck out")
	f.format = formatFlag(cmd, findings.Names()...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.lint(cmd, f, args) }
	return cmd
}

func (a *app) lint(cmd *cobra.Command, f *lintFlags, args []string) error {
	switch {
	case f.diff && !f.fix:
		return usage(cmd, "cannot use --diff without --fix")
	case f.writeBaseline && f.baseline == "":
		return usage(cmd, "cannot use --write-baseline without --baseline FILE")
	case f.fix && f.staged:
		return usage(cmd, "cannot use --fix with --staged: what is staged is not what is on the disk")
	case f.fix && !f.diff && slices.Contains(args, "-"):
		return usage(cmd, "cannot mend standard input: add --diff to see what would change")
	}
	l := &lintFiles{}
	if err := l.openCatalog(a); err != nil {
		return err
	}
	setup, err := l.setup(f)
	if err != nil {
		return err
	}
	if err := l.choose(args, cmd.InOrStdin(), f.stdinName); err != nil {
		return err
	}
	if err := l.narrow(cmd.Context(), f.since, f.staged); err != nil {
		return err
	}
	// a run ends before the memory that it takes matters, and a third of its time would go into keeping that small
	debug.SetGCPercent(400)
	if len(l.list) == 0 && l.broken.Len() > 0 && f.format.value == findings.Names()[0] {
		return l.ended(nil)
	}
	files := l.check(setup.linter)
	if f.fix {
		if err := l.mend(a, f, setup, files); err != nil || f.diff {
			return l.ended(err)
		}
	}
	found := join(files)
	if !f.noShellcheck {
		more, err := a.shellcheck(cmd.Context(), f.format.value, setup, files)
		if err != nil {
			return err
		}
		found = lint.Sort(append(found, more...))
	}
	waived := waiver.Apply(found, l.waivers(), a.now(), l.targetsOf(files))
	if len(args) > 0 || f.since != "" || f.staged {
		// of a part of the catalog nobody can tell which waivers are needed
		waived.Problems = slices.DeleteFunc(waived.Problems, func(p *lint.Finding) bool { return p.Rule == waiver.Unused })
	}
	found = lint.Sort(append(waived.Kept, waived.Problems...))
	if f.writeBaseline {
		if err := baseline.New(found, contents(files)).Write(f.baseline); err != nil {
			return err
		}
		fmt.Fprintf(a.err, "%s accepted in %s\n", report.Plural(len(found), "finding"), f.baseline)
		return l.ended(nil)
	}
	r := findings.Report{Findings: found, Waived: waived.Waived, Files: len(files), Source: contents(files), Version: Version}
	if term, ok := live.Open(a.out); ok {
		r.Width, _ = term.Size()
		r.Colour = report.StyleFor(os.Getenv).Colour
	}
	if f.baseline != "" {
		b, err := baseline.Read(f.baseline)
		if err != nil {
			return err
		}
		r.Findings, r.Accepted, r.Stale = b.Filter(found, contents(files), checkedFiles(files))
	}
	if err := findings.Write(a.out, f.format.value, r); err != nil {
		return diag.Errorf(diag.Position{}, "cannot write the findings: %w", err)
	}
	return l.ended(findingsError(r.Findings, setup.failOn))
}

// ended is what the run ends with: what could not be read, and what was found.
func (l *lintFiles) ended(err error) error {
	l.broken.AddErr(err)
	return l.broken.Err()
}

// findingsError is the error of findings that are as bad as a severity; they are printed already.
func findingsError(found []*lint.Finding, failOn lint.Severity) error {
	if failOn == lint.Off || !slices.ContainsFunc(found, func(f *lint.Finding) bool { return f.Severity >= failOn }) {
		return nil
	}
	return diag.Said(diag.ExitFindings)
}

func join(files []*checked) (all []*lint.Finding) {
	for _, f := range files {
		all = append(all, f.findings...)
	}
	return lint.Sort(all)
}

func checkedFiles(files []*checked) func(string) bool {
	return func(name string) bool {
		return slices.ContainsFunc(files, func(f *checked) bool { return f.path == name })
	}
}

// waivers are those of the catalog.
func (l *lintFiles) waivers() (out []waiver.Waiver) {
	if l.catalog == nil {
		return nil
	}
	for _, w := range l.catalog.Config.Lint.Waivers {
		code, _ := knownCode(rules.All(), w.Rule)
		w.Pos.File = filepath.ToSlash(shown(filepath.Join(l.catalog.Root, w.Pos.File)))
		out = append(out, waiver.Waiver{Rule: code, Paths: w.Files, Targets: w.Targets, Reason: w.Reason, Owner: w.Owner, Expires: w.Expires, Pos: w.Pos})
	}
	return out
}

// shellcheck asks the program for what the rules here do not know.
func (a *app) shellcheck(ctx context.Context, format string, s *lintSetup, files []*checked) ([]*lint.Finding, error) {
	program, ok := shellcheck.Find()
	if !ok {
		if format == findings.Names()[0] { // for people
			fmt.Fprintln(a.err, "note: "+shellcheck.NotFound)
		}
		return nil, nil
	}
	var docs []*lint.Doc
	for _, f := range files {
		docs = append(docs, f.docs[0])
	}
	found, err := shellcheck.Run(ctx, program, docs, nativeCodes()...)
	if err != nil {
		return nil, diag.Errorf(diag.Position{}, "cannot ask shellcheck: %w", err).Hint("leave it out: plinth lint --no-shellcheck")
	}
	var all []*lint.Finding
	for _, f := range files {
		all = append(all, s.linter.Filter(f.docs[0], found[f.docs[0]])...)
	}
	return all, nil
}

// nativeCodes are ShellCheck's codes that the rules here look for themselves.
func nativeCodes() (codes []string) {
	for _, r := range rules.All() {
		if r.Family == lint.Shell {
			codes = append(codes, r.Code)
		}
	}
	return codes
}

// mend fixes what can be fixed, or shows what that would change.
func (l *lintFiles) mend(a *app, f *lintFlags, s *lintSetup, files []*checked) error {
	for _, c := range files {
		again := func(data []byte) []*lint.Finding {
			changed := c.lintFile
			changed.data = data
			docs, contexts := l.docs(changed, s.linter.Options())
			return checkDocs(s.linter, docs, contexts)
		}
		result := fixer.Fix(c.path, c.data, again)
		if string(result.Data) == string(c.data) {
			continue
		}
		if f.diff {
			if _, err := a.out.Write(fixer.Diff(c.path, c.data, result.Data)); err != nil {
				return err
			}
			continue
		}
		if err := rewrite(c.abs, result.Data); err != nil {
			return diag.Errorf(diag.Position{File: c.path}, "cannot write the mended file: %w", cause(err))
		}
		fmt.Fprintf(a.err, "%s: mended %s\n", c.path, report.Plural(len(result.Fixed), "finding"))
		c.data, c.findings = result.Data, result.Left
		c.docs, _ = l.docs(c.lintFile, s.linter.Options())
	}
	return nil
}

// rewrite writes a file whole or not at all, with the permissions that it has; a link stays one.
func rewrite(path string, data []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	if err := wholefile.Bytes(path, data); err != nil {
		return err
	}
	return os.Chmod(path, info.Mode().Perm())
}
