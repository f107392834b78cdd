package cli

import (
	"cmp"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/lint/custom"
	"github.com/plinth-build/plinth/internal/lint/family"
	"github.com/plinth-build/plinth/internal/lint/hadolintyaml"
	"github.com/plinth-build/plinth/internal/lint/rules"
)

// lintSetup is what flags, plinth.yaml and .hadolint.yaml make together: the command line over the
// catalog's settings, and these over hadolint's.
type lintSetup struct {
	linter *lint.Linter
	failOn lint.Severity // the mildest severity that makes the run fail; Off: none does
}

func (l *lintFiles) setup(f *lintFlags) (*lintSetup, error) {
	var section catalog.LintConfig
	if l.catalog != nil {
		section = l.catalog.Config.Lint
	}
	had, err := hadolintyaml.Load(l.root(), "", os.LookupEnv)
	if err != nil {
		return nil, err
	}
	c := lint.Config{Severity: had.Severity, Options: had.Options}
	if c.Profile, err = lint.ParseProfile(cmp.Or(f.profile.value, section.Profile, "recommended")); err != nil {
		return nil, diag.Errorf(diag.Position{}, "cannot use the profile: %w", err).WithCode(diag.ExitUsage)
	}
	all := rules.All()
	var problems diag.List
	own, err := customRules(section.Custom)
	problems.AddErr(err)
	all = append(all, own...)
	for code := range c.Severity {
		if _, ok := knownCode(all, code); !ok {
			delete(c.Severity, code) // a rule of a hadolint that is newer or older than what is known here
		}
	}
	read := func(list []catalog.LintRule, into map[string]lint.Severity) {
		for _, r := range list {
			severity, err := lint.ParseSeverity(r.Severity)
			if code, ok := knownCode(all, r.Code); !ok {
				problems.Add(unknownRule(all, r.Code, r.Pos))
			} else if err == nil { // the catalog has checked the word
				into[code] = severity
			}
		}
	}
	if section.RequireDigest {
		c.Severity["PL4001"] = lint.Error // in whatever profile
	}
	read(section.Rules, c.Severity)
	for _, p := range section.Paths {
		path := lint.PathConfig{Globs: p.Files, Severity: map[string]lint.Severity{}}
		read(p.Rules, path.Severity)
		c.Paths = append(c.Paths, path)
	}
	for _, w := range section.Waivers {
		if _, ok := knownCode(all, w.Rule); !ok {
			problems.Add(unknownRule(all, w.Rule, w.Pos))
		}
	}
	c.Options.TrustedRegistries = append(c.Options.TrustedRegistries, section.TrustedRegistries...)
	if len(c.Options.TrustedRegistries) > 0 && l.catalog != nil && l.catalog.Config.Registry != "" {
		host, _, _ := strings.Cut(l.catalog.Config.Registry, "/")
		c.Options.TrustedRegistries = append(c.Options.TrustedRegistries, host)
	}
	if section.LabelSchema != nil {
		c.Options.LabelSchema = section.LabelSchema
	}
	c.Options.StrictLabels = c.Options.StrictLabels || section.StrictLabels
	c.Options.RequireDigest, c.Options.BaseArg = section.RequireDigest, section.BaseArg
	for _, r := range f.rules {
		name, word, ok := strings.Cut(r, "=")
		severity, err := lint.ParseSeverity(word)
		code, known := knownCode(all, name)
		switch {
		case !known:
			problems.Add(unknownRule(all, name, diag.Position{}).WithCode(diag.ExitUsage))
		case !ok || err != nil:
			problems.Add(diag.Errorf(diag.Position{}, "cannot use %q for --rule", r).
				Hint("write the severity behind it: --rule %s=error, warning, info, style or off", name).WithCode(diag.ExitUsage))
		default:
			c.Severity[code] = severity
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	s := &lintSetup{failOn: lint.Warning}
	switch {
	case had.FailureThreshold == lint.Off: // hadolint's none: the mildest finding counts
		s.failOn = lint.Style
	case had.FailureThreshold != lint.Info || c.Profile == lint.HadolintProfile: // info is what hadolint does unasked
		s.failOn = had.FailureThreshold
	}
	if had.NoFail {
		s.failOn = lint.Off
	}
	if word := cmp.Or(f.failOn.value, section.FailOn); word != "" {
		if s.failOn, err = lint.ParseSeverity(word); err != nil {
			return nil, diag.Errorf(diag.Position{}, "cannot use --fail-on: %w", err).WithCode(diag.ExitUsage)
		}
	}
	s.linter, err = lint.New(all, c)
	if err != nil {
		return nil, diag.Errorf(diag.Position{File: had.Path}, "cannot use the settings of lint: %w", err)
	}
	return s, nil
}

// root is the folder in which a .hadolint.yaml is looked for first.
func (l *lintFiles) root() string {
	if l.catalog != nil {
		return l.catalog.Root
	}
	return "."
}

func customRules(specs []catalog.LintCustom) (out []*lint.Rule, err error) {
	var problems diag.List
	for _, s := range specs {
		severity, err := lint.ParseSeverity(s.Severity)
		if err != nil {
			return nil, err
		}
		r, err := custom.Compile(custom.Spec{Code: s.Code, Title: s.Title, Severity: severity, On: custom.On(s.On), When: s.When, Message: s.Message})
		if err != nil {
			problems.Add(diag.Errorf(s.WhenPos, "cannot read the condition of %s: %w", s.Code, err).
				Hint("docs/lint.md says what a condition can see"))
			continue
		}
		if slices.ContainsFunc(out, func(o *lint.Rule) bool { return o.Code == s.Code }) {
			problems.Add(diag.Errorf(s.Pos, "cannot use the code %s twice", s.Code))
		}
		out = append(out, r)
	}
	return out, problems.Err()
}

// knownCode is the code of a rule that somebody names by its code here, or elsewhere.
func knownCode(all []*lint.Rule, name string) (string, bool) {
	for _, r := range all {
		if r.Code == name {
			return name, true
		}
	}
	for _, r := range all {
		for _, alias := range r.Aliases {
			if _, id, _ := strings.Cut(alias, ":"); id == name {
				return r.Code, true
			}
		}
	}
	return name, lint.IsShellCheck(name)
}

func unknownRule(all []*lint.Rule, name string, pos diag.Position) *diag.Error {
	var codes []string
	for _, r := range all {
		codes = append(codes, r.Code)
	}
	e := diag.Errorf(pos, "cannot find the rule %s", name)
	if near := diag.Nearest(name, codes); near != "" {
		e.Hint("did you mean %s?", near)
	}
	return e.Hint("see all of them: plinth explain")
}

// checked is a file with what was found in it.
type checked struct {
	lintFile
	findings []*lint.Finding
	docs     []*lint.Doc
}

// check looks at all files, several at a time. The result is in the order of the files.
func (l *lintFiles) check(linter *lint.Linter) []*checked {
	out := make([]*checked, len(l.list))
	prepared := make([][]*lint.Context, len(l.list))
	for i, f := range l.list { // the family is one's at a time
		out[i] = &checked{lintFile: f}
		out[i].docs, prepared[i] = l.docs(f, linter.Options())
		for _, d := range out[i].docs {
			d.Prepare()
		}
	}
	var next sync.Mutex
	at := 0
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(out)) {
		workers.Go(func() {
			for {
				next.Lock()
				i := at
				at++
				next.Unlock()
				if i >= len(out) {
					return
				}
				out[i].findings = checkDocs(linter, out[i].docs, prepared[i])
				for _, d := range out[i].docs {
					d.Forget()
				}
			}
		})
	}
	workers.Wait()
	return out
}

func checkDocs(linter *lint.Linter, docs []*lint.Doc, contexts []*lint.Context) []*lint.Finding {
	var each [][]*lint.Finding
	for _, d := range docs {
		each = append(each, linter.Check(d))
	}
	return family.Merge(each, contexts)
}

// targetsOf gives the targets that are built from a file.
func (l *lintFiles) targetsOf(files []*checked) func(string) []string {
	targets := map[string][]string{}
	for _, f := range files {
		for _, d := range f.docs {
			if d.Image != nil {
				targets[f.path] = append(targets[f.path], d.Image.Targets...)
			}
		}
	}
	return func(file string) []string { return targets[file] }
}

// contents gives the text of a file.
func contents(files []*checked) func(string) []byte {
	data := map[string][]byte{}
	for _, f := range files {
		data[f.path] = f.data
	}
	return func(file string) []byte { return data[file] }
}
