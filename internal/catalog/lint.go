package catalog

import (
	"cmp"
	"path"
	"strings"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
)

// LintConfig is what plinth.yaml says of plinth lint. Which rules there are, this package
// does not know.
type LintConfig struct {
	Profile           string // "" for the default
	Rules             []LintRule
	Paths             []LintPath
	FailOn            string // "" for the default
	TrustedRegistries []string
	LabelSchema       map[string]string
	StrictLabels      bool
	RequireDigest     bool
	BaseArg           string
	Waivers           []LintWaiver
	Custom            []LintCustom
}

// LintCustom is a rule of the catalog's own.
type LintCustom struct {
	Code     string
	Title    string // may be ""
	Severity string // never off
	On       string // instruction, command, stage, image
	When     string // an expression that was not read yet
	Message  string
	Pos      diag.Position // of its code
	WhenPos  diag.Position
}

// LintRule is the severity of a rule.
type LintRule struct {
	Code     string
	Severity string // error, warning, info, style, off
	Pos      diag.Position
}

// LintPath is the severity of rules in some files.
type LintPath struct {
	Files []string // globs relative to the root
	Rules []LintRule
}

// LintWaiver is an exception for a time.
type LintWaiver struct {
	Rule    string
	Files   []string  // globs relative to the root; empty means all
	Targets []string  // globs; empty means all
	Reason  string    // never empty
	Owner   string    // never empty
	Expires time.Time // the last day on which it counts, at midnight UTC
	Pos     diag.Position
}

func (l *loader) lint(w wireLint) LintConfig {
	c := LintConfig{
		Profile: w.Profile.v, FailOn: w.FailOn.v, Rules: lintRules(w.Rules),
		TrustedRegistries: texts(w.TrustedRegistries),
		StrictLabels:      w.StrictLabels.v, RequireDigest: w.RequireDigest.v, BaseArg: w.BaseArg.v,
	}
	if w.BaseArg.ok && !isIdentifier(w.BaseArg.v) {
		l.fail(w.BaseArg.pos, "cannot use %q as base-arg", w.BaseArg.v).Hint("write the name of an ARG, such as REGISTRY")
	}
	for _, e := range w.LabelSchema.entries {
		if c.LabelSchema == nil {
			c.LabelSchema = map[string]string{}
		}
		c.LabelSchema[e.key] = e.value.v
	}
	for _, p := range w.Paths.items {
		if len(p.Files.items) == 0 {
			l.fail(p.pos, "cannot use a path in lint without files").Hint("name some: files: [\"legacy/**\"]")
		}
		c.Paths = append(c.Paths, LintPath{Files: l.lintGlobs(p.Files), Rules: lintRules(p.Rules)})
	}
	for _, r := range w.Custom.items {
		c.Custom = append(c.Custom, l.customRule(r))
	}
	for _, v := range w.Waivers.items {
		c.Waivers = append(c.Waivers, l.waiver(v))
	}
	return c
}

func (l *loader) customRule(w wireCustom) LintCustom {
	l.required(w.Code, w.pos, "code", "a custom rule")
	l.required(w.On.text, w.pos, "on", "a custom rule")
	l.required(w.When, w.pos, "when", "a custom rule")
	l.required(w.Message, w.pos, "message", "a custom rule")
	prefix := strings.TrimRight(w.Code.v, "0123456789")
	switch {
	case !w.Code.ok || w.Code.v == "":
	case prefix == "" || prefix == w.Code.v || strings.Trim(prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		l.fail(w.Code.pos, "cannot use %q as a code", w.Code.v).Hint("write capital letters and digits behind them, such as ACME001")
	case prefix == "DL" || prefix == "SC" || prefix == "PL":
		l.fail(w.Code.pos, "cannot use %q as a code: codes that begin with %s are taken", w.Code.v, prefix).Hint("use letters of your own, such as ACME001")
	}
	if w.Severity.v == "off" {
		l.fail(w.Severity.pos, "cannot use off as the severity of a custom rule").Hint("remove the rule, or switch it off under rules")
	}
	return LintCustom{
		Code: w.Code.v, Title: w.Title.v, Severity: cmp.Or(w.Severity.v, "warning"), On: w.On.v, When: w.When.v, Message: w.Message.v,
		Pos: w.Code.pos, WhenPos: w.When.pos,
	}
}

func (l *loader) waiver(w wireWaiver) LintWaiver {
	l.required(w.Rule, w.pos, "rule", "a waiver")
	l.required(w.Reason, w.pos, "reason", "a waiver")
	l.required(w.Owner, w.pos, "owner", "a waiver")
	l.required(w.Expires, w.pos, "expires", "a waiver")
	out := LintWaiver{
		Rule: w.Rule.v, Files: l.lintGlobs(w.Files), Targets: l.lintGlobs(w.Targets), Reason: w.Reason.v, Owner: w.Owner.v, Pos: w.pos,
	}
	if w.Expires.v != "" {
		day, err := time.Parse(time.DateOnly, w.Expires.v)
		if err != nil {
			l.fail(w.Expires.pos, "cannot use %q as a day", w.Expires.v).Hint("write it as 2026-12-31")
		}
		out.Expires = day
	}
	return out
}

func (l *loader) lintGlobs(globs list[text]) (out []string) {
	for _, g := range globs.items {
		if _, err := path.Match(strings.ReplaceAll(g.v, "**", "*"), ""); err != nil || g.v == "" {
			l.fail(g.pos, "cannot use the glob %q", g.v)
			continue
		}
		out = append(out, g.v)
	}
	return out
}

func lintRules(d dict[severityText]) (out []LintRule) {
	for _, e := range d.entries {
		out = append(out, LintRule{Code: e.key, Severity: e.value.v, Pos: e.pos})
	}
	return out
}

func texts(items list[text]) (out []string) {
	for _, t := range items.items {
		out = append(out, t.v)
	}
	return out
}
