package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

// wordRule reports the first w of each RUN.
func wordRule(code string, family Family, w string) *Rule {
	return &Rule{Code: code, Severity: Warning, Family: family, Profiles: Recommended, Stage: func(p *Pass, s *Stage) {
		for _, in := range s.Find("RUN") {
			if i := strings.Index(in.Args.S, w); i >= 0 {
				p.Report(At(in.Args.Slice(i, i+len(w))), "%s", w)
			}
		}
	}}
}

func found(t *testing.T, c Config, file, text string) string {
	t.Helper()
	l, err := New([]*Rule{wordRule("R1", Hadolint, "a"), wordRule("R2", BuildKit, "b"), wordRule("Three", BuildKit, "c")}, c)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range l.Check(NewDoc(syntax.Parse(file, []byte(text)), l.Options(), nil, nil)) {
		out = append(out, f.Rule.Code+":"+f.Severity.String())
	}
	return strings.Join(out, " ")
}

func TestPragmas(t *testing.T) {
	all := "R1:warning R2:warning Three:warning"
	for _, c := range []struct{ above, want string }{
		{"", all},
		{"# hadolint ignore=R1", "R2:warning Three:warning"},
		{"# plinth ignore=R1, R2 because of x", "Three:warning"},
		{"#hadolint   ignore = R1 ,Three", "R2:warning"},
		{"# hadolint ignore=R1\n# plinth ignore=R2", "Three:warning"},
		{"# hadolint ignore=R1\n\n", "R2:warning Three:warning"},
		{"# hadolint ignore=R1\nUSER x", all},
		{"# hadolint global ignore=R1\nUSER x", "R2:warning Three:warning"},
		{"# hadolint globalignore=R1", all},
		{"# hadolint stage ignore=R1", all},
		{"# hadolint stages ignore=R1", all},
		{"# hadolintignore=R1", all},
		{"# hadolint ignore=", all},
		{"# hadolint ignore R1", all},
		{"# Hadolint ignore=R1", all},
		{"# hadolint ignore=R1R2", all},
		{"# check=skip=R2", "R1:warning Three:warning"},
		{"# check=skip=R2,Three", "R1:warning"},
		{"# check = skip=all", "R1:warning"},
		{"# check=skip=all\nUSER x", all},
		{"# check=error=true;skip=R2", "R1:warning Three:warning"},
		{"# check=experimental=all", all},
	} {
		if got := found(t, Config{Profile: Recommended}, "Dockerfile", "FROM x\n"+c.above+"\nRUN abc"); got != c.want {
			t.Errorf("%q: %s, want %s", c.above, got, c.want)
		}
	}
	for first, want := range map[string]string{
		"# check=skip=R2":                          "R1:warning Three:warning",
		"# check=skip=all":                         "R1:warning",
		"# check=skip=R2, Three":                   "R1:warning",
		"# check=skip=R2;error=true":               "R1:warning Three:warning",
		"# syntax=x\n# check=error=true; skip=all": "R1:warning",
		"# comment\n# check=skip=all":              all, // no directive any more
	} {
		if got := found(t, Config{Profile: Recommended}, "Dockerfile", first+"\nFROM x\nRUN abc"); got != want {
			t.Errorf("%q: %s, want %s", first, got, want)
		}
	}
	inside := "FROM x\nRUN x \\\n# hadolint ignore=R1\n abc"
	if got := found(t, Config{Profile: Recommended}, "Dockerfile", inside); got != "R2:warning Three:warning" {
		t.Errorf("inside an instruction: %s", got)
	}
	off := Config{Profile: Recommended, Options: Options{NoPragmas: true}}
	if got := found(t, off, "Dockerfile", "FROM x\n# hadolint ignore=R1\nRUN abc"); got != all {
		t.Errorf("comments count though they are not to: %s", got)
	}
}

func TestPragmasOfStages(t *testing.T) {
	all := "R1:warning R2:warning Three:warning"
	for text, want := range map[string]string{
		"# hadolint stage ignore=R1\nFROM x\nRUN abc":                 "R2:warning Three:warning",
		"# plinth stage ignore=R1, R2 why\n\nFROM x\nRUN abc":         "Three:warning",
		"# plinth stage ignore=R1\nFROM x\nFROM y\nRUN abc":           all,
		"FROM x\nUSER b\n# plinth stage ignore=R1\nRUN abc":           all,
		"# plinth stage ignore=R1\nARG x\nFROM y\nRUN abc":            all,
		"ARG x\n#plinth  stage  ignore=R1\nFROM y\nEXPOSE 1\nRUN abc": "R2:warning Three:warning",
	} {
		if got := found(t, Config{Profile: Recommended}, "Dockerfile", text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestPragmasAsHadolint(t *testing.T) {
	r := &Rule{Code: "A", Severity: Error, Profiles: HadolintProfile, Check: func(p *Pass) {
		for _, in := range p.File.Instructions {
			if in.Keyword == "RUN" {
				p.Report(Keyword(in), "x")
			}
		}
	}}
	l, err := New([]*Rule{r}, Config{Profile: HadolintProfile})
	if err != nil {
		t.Fatal(err)
	}
	for text, off := range map[string]bool{
		"FROM x\n# hadolint ignore=A\nRUN a":                      true,
		"FROM x\n# hadolint ignore=B,A\nRUN a \\\n  b":            true,
		"FROM x\n# hadolint ignore = A \nRUN a":                   true,
		"FROM x\n# hadolint ignore=A  # because\nRUN a":           true,
		"FROM x\n# hadolint ignore=A because\nRUN a":              false,
		"FROM x\n# hadolint ignore=A - because\nRUN a":            false,
		"FROM x\n# hadolint ignore=A\n\nRUN a":                    false,
		"FROM x\n# hadolint ignore=A\n# because\nRUN a":           false,
		"FROM x\n# hadolint ignore=A\n# hadolint ignore=B\nRUN a": false,
		"FROM x\nRUN a \\\n# hadolint ignore=A\n  b":              false,
		"FROM x\n# plinth ignore=A because\n\nRUN a":              true,
		"# hadolint global ignore=A # because\nFROM x\nRUN a":     true,
		"# hadolint global ignore=A because\nFROM x\nRUN a":       false,
		"# hadolint stage ignore=A\nFROM x\nRUN a":                true,
		"# hadolint stage ignore=A\n\nFROM x\nRUN a":              false,
		"# hadolint stage ignore=A why\nFROM x\nRUN a":            false,
	} {
		if got := len(l.Check(NewDoc(syntax.Parse("Dockerfile", []byte(text)), l.Options(), nil, nil))) == 0; got != off {
			t.Errorf("%q: switched off is %t", text, got)
		}
	}
}

func TestSeverities(t *testing.T) {
	path := func(code string, s Severity, globs ...string) PathConfig {
		return PathConfig{Globs: globs, Severity: map[string]Severity{code: s}}
	}
	for _, c := range []struct {
		name string
		c    Config
		want string
	}{
		{"no profile", Config{}, ""},
		{"another profile", Config{Profile: Strict}, ""},
		{"two profiles", Config{Profile: Strict | Recommended}, "R1:warning R2:warning Three:warning"},
		{"named", Config{Severity: map[string]Severity{"R1": Style}}, "R1:style"},
		{"off", Config{Profile: Recommended, Severity: map[string]Severity{"R1": Off, "R2": Error}}, "R2:error Three:warning"},
		{"a path", Config{Profile: Recommended, Paths: []PathConfig{path("R1", Off, "x/**")}}, "R2:warning Three:warning"},
		{"another path", Config{Profile: Recommended, Paths: []PathConfig{path("R1", Off, "y/**", "z")}}, "R1:warning R2:warning Three:warning"},
		{"the last path", Config{Paths: []PathConfig{path("R1", Error, "x/**"), path("R1", Info, "Docker*")}}, "R1:info"},
	} {
		if got := found(t, c.c, "x/y/Dockerfile", "FROM x\nRUN abc"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, c := range []Config{
		{Severity: map[string]Severity{"R9": Off}},
		{Paths: []PathConfig{path("R9", Off, "x")}},
		{Severity: map[string]Severity{"SC20": Off}},
	} {
		if _, err := New([]*Rule{wordRule("R1", Hadolint, "a")}, c); err == nil {
			t.Errorf("%v: a rule that there is not", c)
		}
	}
	if _, err := New(nil, Config{Severity: map[string]Severity{"SC2086": Off}}); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]Severity{"off": Off, "none": Off, "ignore": Off, "style": Style, "info": Info, "warning": Warning, "error": Error} {
		if got, err := ParseSeverity(name); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := ParseSeverity("bad"); err == nil {
		t.Error("bad is a severity")
	}
	for _, name := range ProfileNames() {
		if p, err := ParseProfile(name); p == 0 || err != nil {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	if _, err := ParseProfile("bad"); err == nil {
		t.Error("bad is a profile")
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"Dockerfile", "Dockerfile", true},
		{"Dockerfile", "a/b/Dockerfile", true},
		{"Dockerfile", "a/Dockerfile/b", false},
		{"*.dev", "a/x.dev", true},
		{"a/*", "a/b", true},
		{"a/*", "a/b/c", false},
		{"/a/b", "a/b", true},
		{"a/b", "x/a/b", false},
		{"**/b", "b", true},
		{"**/b", "x/y/b", true},
		{"**/b", "x/yb", false},
		{"a/**", "a/b/c", true},
		{"a/**", "ab/c", false},
		{"a/**/c", "a/c", true},
		{"a/**/c", "a/x/y/c", true},
		{"a/**/c", "a/x/y/d", false},
		{"**/a/**/b", "x/a/a/y/b", true},
		{"[", "[", false},
		{"a/[", "a/[", false},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestSort(t *testing.T) {
	a, b := &Rule{Code: "A"}, &Rule{Code: "B"}
	list := []*Finding{
		{Rule: b, File: "f", Line: 2, Column: 1}, {Rule: a, File: "g", Line: 1}, {Rule: a, File: "f", Line: 2, Column: 1},
		{Rule: a, File: "f", Line: 1, Column: 3}, {Rule: a, File: "f", Line: 2, Column: 1}, {Rule: a, File: "f", Line: 2, Column: 1, Message: "m"},
	}
	var got []string
	for _, f := range Sort(list) {
		got = append(got, f.File+f.Rule.Code+f.Message)
	}
	if want := []string{"fA", "fA", "fAm", "fB", "gA"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestFixed(t *testing.T) {
	edit := func(from, to int, text string) Edit { return Edit{Span{from, to}, text} }
	fix := func(edits ...Edit) *Finding { return (&Finding{}).WithFix("x", edits...) }
	for _, c := range []struct {
		name     string
		findings []*Finding
		want     string
	}{
		{"nothing", []*Finding{{}}, "0123456789"},
		{"one", []*Finding{fix(edit(1, 3, "x"))}, "0x3456789"},
		{"at the ends", []*Finding{fix(edit(10, 10, ">"), edit(0, 0, "<"))}, "<0123456789>"},
		{"out of order", []*Finding{fix(edit(5, 6, "b")), fix(edit(1, 2, "a"))}, "0a234b6789"},
		{"side by side", []*Finding{fix(edit(1, 3, "a")), fix(edit(3, 5, "b"))}, "0ab56789"},
		{"the first of two that overlap", []*Finding{fix(edit(1, 4, "a")), fix(edit(3, 5, "b"))}, "0a456789"},
		{"one in another", []*Finding{fix(edit(1, 8, "a")), fix(edit(3, 4, "b"))}, "0a89"},
		{"one around another", []*Finding{fix(edit(3, 4, "b")), fix(edit(1, 8, "a"))}, "012b456789"},
		{"two at one place", []*Finding{fix(edit(4, 4, "a")), fix(edit(4, 4, "b"))}, "0123a456789"},
		{"an insertion where something begins", []*Finding{fix(edit(4, 6, "a")), fix(edit(4, 4, "b"))}, "0123a6789"},
		{"an insertion where something ends", []*Finding{fix(edit(4, 6, "a")), fix(edit(6, 6, "b"))}, "0123a6789"},
		{"a fix is taken whole or not at all", []*Finding{fix(edit(1, 2, "a")), fix(edit(1, 2, "b"), edit(8, 9, "c"))}, "0a23456789"},
		{"both in one fix, in any order", []*Finding{fix(edit(4, 6, "a"), edit(4, 4, "b"))}, "0123ba6789"},
		{"a deletion", []*Finding{fix(edit(0, 10, ""))}, ""},
	} {
		if got := string(Fixed([]byte("0123456789"), c.findings)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestEdits(t *testing.T) {
	text := "FROM x\nRUN a \\\n  bc"
	d := parse(text, nil)
	args := d.Stages[0].Instructions[0].Args
	word := args.Slice(len(args.S)-2, len(args.S))
	for want, e := range map[string]Edit{
		"FROM x\nRUN a \\\n  d":     Replace(word, "d"),
		"FROM x\nRUN a \\\n  <bc":   InsertBefore(word, "<"),
		"FROM x\nRUN a \\\n  bc>":   InsertAfter(word, ">"),
		"FROM x\nRUN a> \\\n  bc":   InsertAfter(args.Slice(0, 1), ">"),
		"FROM x\nx a \\\n  bc":      {Keyword(d.Stages[0].Instructions[0]), "x"},
		"FROM x\nx":                 {Whole(d.Stages[0].Instructions[0]), "x"},
		"FROM x\nRUN a \\\n  b'x'c": InsertAfter(word.Slice(0, 1), "'x'"),
	} {
		if got := string(Fixed([]byte(text), []*Finding{(&Finding{}).WithFix("x", e)})); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
