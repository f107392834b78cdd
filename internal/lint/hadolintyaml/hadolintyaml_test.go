package hadolintyaml

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lint"
)

func environ(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func TestParse(t *testing.T) {
	c, err := Parse(".hadolint.yaml", []byte(`# all keys
failure-threshold: error
format: tty
ignored:
  - DL3000
  - SC1010
label-schema:
  author: text
  version: semver
  note: rawText
no-color: true
no-fail: true
override:
  error:
    - DL3001
    - DL3002
  warning: [DL3042, DL3001]
  info: [DL3032]
  style: [DL3015, DL3000]
strict-labels: true
disable-ignore-pragma: true
trustedRegistries:
  - docker.io
  - my-company.com:5000
  - "*.gcr.io"
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]lint.Severity{
		"DL3000": lint.Off, "SC1010": lint.Off, "DL3001": lint.Error, "DL3002": lint.Error,
		"DL3042": lint.Warning, "DL3032": lint.Info, "DL3015": lint.Style,
	}
	if !maps.Equal(c.Severity, want) {
		t.Errorf("severities %v, want %v", c.Severity, want)
	}
	options := lint.Options{
		TrustedRegistries: []string{"docker.io", "my-company.com:5000", "*.gcr.io"},
		LabelSchema:       map[string]string{"author": "text", "version": "semver", "note": "rawText"},
		StrictLabels:      true, NoPragmas: true,
	}
	if !reflect.DeepEqual(c.Options, options) {
		t.Errorf("options %+v, want %+v", c.Options, options)
	}
	if c.FailureThreshold != lint.Error || !c.NoFail || !c.NoColor || c.Format != "tty" || c.Path != ".hadolint.yaml" {
		t.Errorf("%+v", c)
	}
	if at := (diag.Position{File: ".hadolint.yaml", Line: 5, Column: 5}); c.Named["DL3000"] != at {
		t.Errorf("DL3000 at %v, want %v", c.Named["DL3000"], at)
	}
}

func TestParseLittle(t *testing.T) {
	for _, source := range []string{"", "# nothing\n", "ignored:\n", "---\n", "ignored: []\noverride:\nlabel-schema: {}\n", "\uFEFFno-fail: false"} {
		c, err := Parse("x", []byte(source))
		if err != nil {
			t.Errorf("%q: %v", source, err)
			continue
		}
		if len(c.Severity) > 0 || c.FailureThreshold != lint.Info || c.NoFail || c.Options.StrictLabels {
			t.Errorf("%q: %+v", source, c)
		}
	}
	c, err := Parse("x", []byte("trustedRegistries: docker.io\nignored: &a [DL3008]\noverride:\n  info: *a\nfailure-threshold: none\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Severity["DL3008"] != lint.Off || len(c.Severity) != 1 || c.FailureThreshold != lint.Off || !reflect.DeepEqual(c.Options.TrustedRegistries, []string{"docker.io"}) {
		t.Errorf("%+v", c)
	}
}

func TestParseErrors(t *testing.T) {
	for source, want := range map[string]string{
		"ignored: [a]\nignord: [b]\n":    `x:2:1: cannot use the key "ignord": it is unknown`,
		"override:\n  eror: [b]\n":       `x:2:3: cannot use the key "eror" in override: it is unknown`,
		"override: [b]\n":                "x:1:11: cannot read override: want a mapping",
		"ignored: DL3000\n":              "x:1:10: cannot read ignored: want a list",
		"ignored:\n  - {a: b}\n":         "x:2:5: cannot read ignored: want text",
		"no-fail: yes please\n":          "x:1:10: cannot read no-fail: want true or false",
		"strict-labels: 1\n":             "x:1:16: cannot read strict-labels: want true or false",
		"failure-threshold: bad\n":       `x:1:20: cannot use failure-threshold: "bad" is no failure threshold`,
		"failure-threshold: off\n":       `x:1:20: cannot use failure-threshold: "off" is no failure threshold`,
		"failure-threshold: [error]\n":   "cannot read failure-threshold: want text",
		"format: xml\n":                  `x:1:9: cannot use format: "xml" is no format`,
		"label-schema:\n  a: b\n":        `x:2:6: cannot use label-schema.a: "b" is no kind of label`,
		"no-fail: true\nno-fail: true\n": `x:2:1: cannot use the key "no-fail" twice`,
		"- a\n":                          "x:1:1: cannot read the file: want a mapping",
		"ignored: *a\n":                  "x:1:10: cannot find the anchor &a",
		"a: b\n---\nc: d\n":              "a second document begins here",
		"ignored: [\n":                   "cannot parse YAML",
		"<<: {a: b}\n":                   "a key has to be plain text",
		"\xff":                           "x: cannot parse YAML: the file is not UTF-8",
		"label-schema: {é: text, ö: x}\nno-color: grün": `x:1:30: cannot use label-schema.ö: "x" is no kind of label`,
	} {
		_, err := Parse("x", []byte(source))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", source, err, want)
		}
	}
	_, err := Parse("x", []byte("ignord: []\nformat: xml\n"))
	problems := diag.Flatten(err)
	if len(problems) != 2 || !reflect.DeepEqual(problems[0].Hints, []string{"did you mean ignored?"}) {
		t.Errorf("%d problems: %v", len(problems), err)
	}
}

func TestFind(t *testing.T) {
	root := t.TempDir()
	env := environ(map[string]string{"HOME": filepath.Join(root, "home"), "XDG_CONFIG_HOME": filepath.Join(root, "xdg")})
	// from the last place on: each goes before those that are there already
	for _, name := range []string{
		"home/.hadolint.yml", "home/.hadolint.yaml", "home/hadolint/config.yaml", "home/.hadolint/hadolint.yml", "home/.hadolint/hadolint.yaml",
		"home/.config/hadolint.yaml", "xdg/hadolint.yml", "xdg/hadolint.yaml", "work/.hadolint.yml", "work/.hadolint.yaml",
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := Find(filepath.Join(root, "work"), env); got != file {
			t.Errorf("found %s, want %s", got, file)
		}
	}
	if got := Find(t.TempDir(), environ(nil)); got != "" {
		t.Errorf("found %s without a home", got)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, ".hadolint.yaml")
	text := "ignored: [DL3000]\noverride:\n  error: [DL3001]\n  info: [DL3002]\nno-fail: true\ntrustedRegistries: [a]\nlabel-schema:\n  x: text\nfailure-threshold: style\nformat: json\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Load(dir, "", environ(map[string]string{
		"HADOLINT_NOFAIL": "0", "HADOLINT_STRICT_LABELS": "Yes", "HADOLINT_DISABLE_IGNORE_PRAGMA": "1", "NO_COLOR": "1",
		"HADOLINT_IGNORE": "DL3010, DL3020", "HADOLINT_OVERRIDE_ERROR": "DL3042", "HADOLINT_OVERRIDE_STYLE": "DL3043",
		"HADOLINT_TRUSTED_REGISTRIES": "docker.io,quay.io", "HADOLINT_REQUIRE_LABELS": "maintainer,a:b:url",
		"HADOLINT_FAILURE_THRESHOLD": "warning", "HADOLINT_FORMAT": "",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]lint.Severity{"DL3010": lint.Off, "DL3020": lint.Off, "DL3042": lint.Error, "DL3002": lint.Info, "DL3043": lint.Style}
	if !maps.Equal(c.Severity, want) {
		t.Errorf("severities %v, want %v", c.Severity, want)
	}
	options := lint.Options{
		TrustedRegistries: []string{"docker.io", "quay.io"}, LabelSchema: map[string]string{"maintainer": "text", "a:b": "url"},
		StrictLabels: true, NoPragmas: true,
	}
	if !reflect.DeepEqual(c.Options, options) {
		t.Errorf("options %+v, want %+v", c.Options, options)
	}
	if c.NoFail || !c.NoColor || c.FailureThreshold != lint.Warning || c.Format != "json" || c.Path != filepath.ToSlash(file) {
		t.Errorf("%+v", c)
	}

	if c, err = Load(t.TempDir(), "", environ(nil)); err != nil || c.Path != "" || c.FailureThreshold != lint.Info {
		t.Errorf("without a file: %+v, %v", c, err)
	}
	if c, err = Load(t.TempDir(), file, environ(nil)); err != nil || c.Severity["DL3000"] != lint.Off || !c.NoFail {
		t.Errorf("a named file: %+v, %v", c, err)
	}
	if _, err = Load(dir, filepath.Join(dir, "none.yaml"), environ(nil)); err == nil || !strings.Contains(err.Error(), "none.yaml: cannot read the configuration of hadolint") {
		t.Errorf("no such file: %v", err)
	}
}

func TestEnvironmentErrors(t *testing.T) {
	for name, value := range map[string]string{
		"HADOLINT_NOFAIL": "maybe", "HADOLINT_FORMAT": "xml", "HADOLINT_FAILURE_THRESHOLD": "bad",
		"HADOLINT_REQUIRE_LABELS": ":text", "HADOLINT_STRICT_LABELS": "2",
	} {
		_, err := Load(t.TempDir(), "", environ(map[string]string{name: value}))
		if err == nil || !strings.Contains(err.Error(), "cannot use the environment variable "+name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
	_, err := Load(t.TempDir(), "", environ(map[string]string{"HADOLINT_REQUIRE_LABELS": "a:b"}))
	if err == nil || !strings.Contains(err.Error(), `"b" is no kind of label`) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "ignored: [DL3000]\n", "override:\n  error: [a]\n", "trustedRegistries: &a [b]\nignored: *a\n", "a: &a *a\n",
		"label-schema: {é: text}\n", "failure-threshold: none\nno-fail: true\n", "- a\n---\n? b\n", "ignored: !!str x\n", "<<: {}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("x", data)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v and %v", c, err)
		}
		for _, e := range diag.Flatten(err) {
			if e.Pos.File != "x" || e.Pos.Line > strings.Count(string(data), "\n")+strings.Count(string(data), "\r")+1 {
				t.Errorf("%v is not in the file", e)
			}
		}
	})
}
