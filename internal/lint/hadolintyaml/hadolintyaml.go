// Package hadolintyaml reads hadolint's configuration, so that a project that has one gets the same
// findings from plinth.
//
//	c, err := hadolintyaml.Load(".", "", os.LookupEnv)
//	linter, err := lint.New(rules.All(), lint.Config{Profile: lint.HadolintProfile, Severity: c.Severity, Options: c.Options})
//
// It follows hadolint's README: the keys of the file, where it is looked for, and the environment
// variables, which win over it. Unknown keys are errors; hadolint ignores some of them.
package hadolintyaml

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lint"
)

// Config is what a configuration says. Codes are not checked: it may name rules that plinth
// does not have.
type Config struct {
	Path             string                   // the file, "" for none
	Severity         map[string]lint.Severity // by code; lint.Off for those that are ignored
	Named            map[string]diag.Position // where a code stands in the file, for those that stand there
	Options          lint.Options
	FailureThreshold lint.Severity // findings from it on make the run fail; lint.Off: all do
	NoFail           bool          // findings never do
	Format           string        // of the output, "" for none named
	NoColor          bool

	ignored   []string
	overrides map[lint.Severity][]string
}

// Formats are the names of hadolint's output formats.
var formats = []string{"tty", "json", "checkstyle", "codeclimate", "gitlab_codeclimate", "gnu", "codacy", "sonarqube", "sarif", "junit"}

// kinds are what the label schema can say of a label.
var kinds = []string{"text", "rawText", "url", "rfc3339", "spdx", "hash", "semver", "email"}

// levels are the severities that rules can be given, from the least on: where a code stands in several lists
// the worst one counts.
var levels = []lint.Severity{lint.Style, lint.Info, lint.Warning, lint.Error}

// Load finds the configuration for a folder, or takes the file that is named, and puts what
// the environment says over it. Without a file it is hadolint's defaults.
func Load(dir, file string, env func(string) (string, bool)) (*Config, error) {
	if file == "" {
		file = Find(dir, env)
	}
	c := defaults()
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, diag.Errorf(diag.Position{File: filepath.ToSlash(file)}, "cannot read the configuration of hadolint: %w", reason(err))
		}
		if c, err = Parse(filepath.ToSlash(file), data); err != nil {
			return nil, err
		}
	}
	if err := c.environment(env); err != nil {
		return nil, err
	}
	return c, nil
}

// reason is an error without the path, which the position has.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Find gives the file that hadolint would take in a folder, "" for none: the folder's own, or one of
// the user's.
func Find(dir string, env func(string) (string, bool)) string {
	var places []string
	add := func(base string, parts ...string) {
		if base != "" {
			places = append(places, filepath.Join(append([]string{base}, parts...)...))
		}
	}
	get := func(name string) string { v, _ := env(name); return v }
	home, config := get("HOME"), get("XDG_CONFIG_HOME")
	if runtime.GOOS == "windows" {
		home, config = cmp.Or(home, get("USERPROFILE")), get("LOCALAPPDATA")
	}
	add(cmp.Or(dir, "."), ".hadolint")
	add(config, "hadolint")
	add(home, ".config", "hadolint")
	add(home, ".hadolint", "hadolint")
	add(home, "hadolint", "config")
	add(home, ".hadolint")
	for _, place := range places {
		for _, ext := range []string{".yaml", ".yml"} {
			if info, err := os.Stat(place + ext); err == nil && !info.IsDir() {
				return place + ext
			}
		}
	}
	return ""
}

func defaults() *Config {
	return &Config{FailureThreshold: lint.Info, Severity: map[string]lint.Severity{}, Named: map[string]diag.Position{}, overrides: map[lint.Severity][]string{}}
}

// settle makes the severities of the lists. A rule that is ignored has none, whatever else is said.
func (c *Config) settle() {
	clear(c.Severity)
	for _, level := range levels {
		for _, code := range c.overrides[level] {
			c.Severity[code] = level
		}
	}
	for _, code := range c.ignored {
		c.Severity[code] = lint.Off
	}
}

// environment puts what the environment says in the place of what the file says. A list takes the place of the
// whole list.
func (c *Config) environment(env func(string) (string, bool)) error {
	var problems diag.List
	// each calls fn for a variable that is there and not empty
	each := func(name string, fn func(value string) error) {
		value, ok := env(name)
		if value = strings.TrimSpace(value); !ok || value == "" {
			return
		}
		if err := fn(value); err != nil {
			problems.Add(diag.Errorf(diag.Position{}, "cannot use the environment variable %s: %w", name, err))
		}
	}
	toggle := func(name string, to *bool) {
		each(name, func(value string) (err error) {
			*to, err = truth(value)
			return err
		})
	}
	toggle("HADOLINT_NOFAIL", &c.NoFail)
	toggle("HADOLINT_STRICT_LABELS", &c.Options.StrictLabels)
	toggle("HADOLINT_DISABLE_IGNORE_PRAGMA", &c.Options.NoPragmas)
	each("NO_COLOR", func(string) error { c.NoColor = true; return nil })
	each("HADOLINT_FORMAT", func(value string) error {
		c.Format = value
		return oneOf(value, "format", formats)
	})
	each("HADOLINT_FAILURE_THRESHOLD", func(value string) (err error) {
		c.FailureThreshold, err = threshold(value)
		return err
	})
	each("HADOLINT_IGNORE", func(value string) error { c.ignored = items(value); return nil })
	for _, level := range levels {
		each("HADOLINT_OVERRIDE_"+strings.ToUpper(level.String()), func(value string) error {
			c.overrides[level] = items(value)
			return nil
		})
	}
	each("HADOLINT_TRUSTED_REGISTRIES", func(value string) error { c.Options.TrustedRegistries = items(value); return nil })
	each("HADOLINT_REQUIRE_LABELS", func(value string) error {
		schema := map[string]string{}
		for _, item := range items(value) {
			label, kind := item, "text" // unless it says more
			if i := strings.LastIndexByte(item, ':'); i >= 0 {
				label, kind = item[:i], item[i+1:]
			}
			if label == "" {
				return fmt.Errorf("%q names no label", item)
			}
			if err := oneOf(kind, "kind of label", kinds); err != nil {
				return err
			}
			schema[label] = kind
		}
		c.Options.LabelSchema = schema
		return nil
	})
	c.settle()
	return problems.Err()
}

// items are the parts of a list with commas.
func items(value string) (out []string) {
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func truth(value string) (bool, error) {
	switch strings.ToLower(value) {
	case "1", "true", "yes", "y", "on":
		return true, nil
	case "0", "false", "no", "n", "off":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", value)
}

func threshold(value string) (lint.Severity, error) {
	if value == lint.Off.String() {
		return lint.Off, errors.New(`"off" is no failure threshold: error, warning, info, style, ignore, none`)
	}
	s, err := lint.ParseSeverity(value)
	if err != nil {
		return lint.Off, fmt.Errorf("%q is no failure threshold: error, warning, info, style, ignore, none", value)
	}
	return s, nil
}

func oneOf(value, what string, known []string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%q is no %s: %s", value, what, strings.Join(known, ", "))
}
