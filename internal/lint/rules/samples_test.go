package rules

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

// A file of samples is a txtar archive. The name of a section says what it is:
//
//	fires 2:9, 3:1 why it does    a Dockerfile, and line:column of each finding in order; 2:9-12 says where it ends, too
//	silent why it does not        a Dockerfile
//	says TEXT                     what a message about the Dockerfile before it has in it; the section is empty
//	fixed                         the Dockerfile before it after all fixes
//	file PATH                     a file beside the Dockerfile before it
//	set NAME VALUE                an option for the Dockerfile before it, see setOption; the section is empty
type sample struct {
	name    string
	fires   bool
	want    []string
	data    string
	says    []string
	fixed   string
	hasFix  bool
	files   map[string]string
	options []string
}

func readSamples(t *testing.T, file string) (out []*sample) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var last *sample
	for _, f := range archive.Files {
		kind, rest, _ := strings.Cut(f.Name, " ")
		text := strings.ReplaceAll(string(f.Data), "<CR>", "\r")
		switch {
		case kind == "fires" || kind == "silent":
			last = &sample{name: f.Name, fires: kind == "fires", data: text, files: map[string]string{}}
			if last.fires {
				last.want = places(rest)
			}
			out = append(out, last)
		case last == nil:
			t.Fatalf("%s: section %q has no Dockerfile before it", file, f.Name)
		case kind == "says":
			last.says = append(last.says, rest)
		case kind == "fixed":
			last.fixed, last.hasFix = text, true
		case kind == "file":
			last.files[rest] = text
		case kind == "set":
			last.options = append(last.options, rest)
		default:
			t.Fatalf("%s: section %q is none of fires, silent, says, fixed, file, set", file, f.Name)
		}
	}
	return out
}

// places are the line:column pairs, or line:column-column, that a text begins with.
func places(text string) (out []string) {
	for _, w := range strings.Fields(text) {
		var line, column int
		if n, _ := fmt.Sscanf(strings.TrimSuffix(w, ","), "%d:%d", &line, &column); n != 2 {
			break
		}
		out = append(out, strings.TrimSuffix(w, ","))
	}
	return out
}

// doc prepares a sample. Its folder is the files that it has.
func (s *sample) doc(t *testing.T, data string) *lint.Doc {
	t.Helper()
	options, image := &lint.Options{}, (*lint.Context)(nil)
	for _, o := range s.options {
		name, value, _ := strings.Cut(o, " ")
		image = setOption(t, options, image, name, value)
	}
	name, folder := "Dockerfile", true
	for _, o := range s.options {
		if at, ok := strings.CutPrefix(o, "path "); ok {
			name = at
		}
		folder = folder && o != "no-folder"
	}
	var beside *lint.Folder
	if folder {
		beside = s.folder(path.Base(name))
	}
	return lint.NewDoc(syntax.Parse(name, []byte(data)), options, beside, image)
}

func (s *sample) folder(self string) *lint.Folder {
	f := &lint.Folder{Dir: "."}
	if text, ok := s.files[".dockerignore"]; ok {
		f.Dockerignore, f.IgnorePath = []byte(text), ".dockerignore"
	}
	f.IgnoredAbove = func() bool { return slices.Contains(s.options, "ignored-above") }
	f.Exists = func(name string) bool {
		for have := range s.files {
			if have == name || strings.HasPrefix(have, name+"/") {
				return true
			}
		}
		return name == self
	}
	f.Names = func() []string {
		names := []string{self}
		for have := range s.files {
			top, _, _ := strings.Cut(have, "/")
			names = append(names, top)
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	return f
}

// setOption sets an option of the rules, or a fact about the place of the file in a catalog.
func setOption(t *testing.T, o *lint.Options, c *lint.Context, name, value string) *lint.Context {
	t.Helper()
	image := func() *lint.Context {
		if c == nil {
			c = &lint.Context{Targets: []string{"sample"}}
		}
		return c
	}
	switch name {
	case "path", "no-folder", "ignored-above": // where the Dockerfile lies, which doc reads
	case "trusted-registries":
		o.TrustedRegistries = strings.Fields(value)
	case "label":
		if o.LabelSchema == nil {
			o.LabelSchema = map[string]string{}
		}
		key, kind, _ := strings.Cut(value, " ")
		o.LabelSchema[key] = kind
	case "strict-labels":
		o.StrictLabels = true
	case "hadolint":
		o.Hadolint = true
	case "require-digest":
		o.RequireDigest = true
	case "base-arg":
		o.BaseArg = value
	case "catalog":
		image()
	case "arg":
		key, v, _ := strings.Cut(value, "=")
		if image().Args == nil {
			c.Args = map[string]string{}
		}
		c.Args[key] = v
	case "flavour":
		image().Flavour = value
	case "final":
		image().Final = value
	case "temp":
		image().Temp = strings.Fields(value)
	case "labels":
		image().Labels = strings.Fields(value)
	case "refresh":
		image().Refresh = value
	case "locked":
		image().Locked = true
	case "base-user": // of every image that FROM names
		setBase(image(), func(e *lint.Effective) { e.User = lint.Value{S: value, Set: true, From: "base"} })
	case "base-healthcheck":
		setBase(image(), func(e *lint.Effective) { e.Healthcheck = lint.Value{S: value, Set: true, From: "base"} })
	case "base-env":
		key, v, _ := strings.Cut(value, "=")
		setBase(image(), func(e *lint.Effective) { e.Env = map[string]string{key: v} })
	case "base-workdir":
		setBase(image(), func(e *lint.Effective) { e.Workdir = lint.Value{S: value, Set: true, From: "base"} })
	default:
		t.Fatalf("there is no option %q", name)
	}
	return c
}

func setBase(c *lint.Context, change func(*lint.Effective)) {
	before := c.Base
	c.Base = func(ref string) *lint.Effective {
		e := lint.Scratch()
		if before != nil {
			e = before(ref)
		}
		change(e)
		return e
	}
}

func TestSamples(t *testing.T) {
	for _, r := range All() {
		t.Run(r.Code, func(t *testing.T) {
			file := filepath.Join("testdata", r.Code+".txt")
			fires, silent := 0, 0
			for _, s := range readSamples(t, file) {
				if s.fires {
					fires++
				} else {
					silent++
				}
				checkSample(t, r, s)
			}
			if fires < 3 || silent < 3 {
				t.Errorf("%s: %d samples fire and %d are silent; three of each are needed", file, fires, silent)
			}
		})
	}
}

func checkSample(t *testing.T, r *lint.Rule, s *sample) {
	t.Helper()
	d := s.doc(t, s.data)
	for _, e := range d.File.Errors {
		t.Errorf("%s: %s", s.name, e.Message)
	}
	findings := lint.Sort(r.Findings(d))
	var got []string
	for _, f := range findings {
		at := fmt.Sprintf("%d:%d", f.Line, f.Column)
		if whole := fmt.Sprintf("%s-%d", at, f.EndCol); slices.Contains(s.want, whole) {
			at = whole
		}
		got = append(got, at)
		if f.Message == "" || strings.HasSuffix(f.Message, ".") || strings.Contains(f.Message, "%!") {
			t.Errorf("%s: the message is %q", s.name, f.Message)
		}
		if f.Span.To < f.Span.From || f.Span.To > len(s.data) {
			t.Errorf("%s: a finding from %d to %d", s.name, f.Span.From, f.Span.To)
		}
	}
	if s.fires && len(s.want) == 0 {
		t.Errorf("%s: it says no place", s.name)
	}
	if !slices.Equal(got, s.want) {
		t.Errorf("%s: findings at %v, want %v\n%s", s.name, got, s.want, describe(findings))
	}
	for _, text := range s.says {
		if !strings.Contains(describe(findings), text) {
			t.Errorf("%s: no message has %q:\n%s", s.name, text, describe(findings))
		}
	}
	if !s.hasFix {
		if slices.ContainsFunc(findings, func(f *lint.Finding) bool { return f.Fix != nil }) {
			t.Errorf("%s: it has a fix, and no section \"fixed\" says what that does", s.name)
		}
		return
	}
	fixed := string(lint.Fixed([]byte(s.data), findings))
	if fixed != s.fixed {
		t.Errorf("%s: fixed to\n%s\nwant\n%s", s.name, fixed, s.fixed)
	}
	left := r.Findings(s.doc(t, fixed))
	if slices.ContainsFunc(left, func(f *lint.Finding) bool { return f.Fix != nil }) {
		t.Errorf("%s: a second run would change it again:\n%s", s.name, describe(left))
	}
}

func describe(findings []*lint.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "  %d:%d %s\n", f.Line, f.Column, f.Message)
	}
	return b.String()
}

func TestSamplesHaveRules(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, f := range files {
		code := strings.TrimSuffix(path.Base(filepath.ToSlash(f)), ".txt")
		if !slices.ContainsFunc(All(), func(r *lint.Rule) bool { return r.Code == code }) {
			t.Errorf("%s: no rule has this code", f)
		}
	}
}

// TestRulesAreWhole checks that each rule has a file of its own, all of its texts, and a place in
// the list.
func TestRulesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range All() {
		if seen[r.Code] {
			t.Errorf("%s is listed twice", r.Code)
		}
		seen[r.Code] = true
		if r.Title == "" || r.Why == "" || r.Bad == "" || r.Good == "" || r.Since == "" || r.Severity == lint.Off || r.Family == "" {
			t.Errorf("%s: a text is missing", r.Code)
		}
		if strings.HasSuffix(r.Title, ".") || r.Check == nil && r.Stage == nil {
			t.Errorf("%s: a full stop in the title, or no code", r.Code)
		}
		if _, err := os.Stat(strings.ToLower(r.Code) + ".go"); err != nil {
			t.Errorf("%s: %v", r.Code, err)
		}
		for name, text := range map[string]string{"bad": r.Bad, "good": r.Good} {
			d := (&sample{}).doc(t, text)
			if len(d.File.Errors) > 0 || len(d.Stages) == 0 {
				t.Errorf("%s: the %s example is no Dockerfile", r.Code, name)
			}
			if name == "good" && len(r.Findings(d)) > 0 {
				t.Errorf("%s: the good example is not good", r.Code)
			}
		}
	}
}
