package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

// keywordRule reports each instruction with a keyword.
func keywordRule(code, keyword string, profiles Profile) *Rule {
	return &Rule{Code: code, Severity: Warning, Profiles: profiles, Stage: func(p *Pass, s *Stage) {
		for _, in := range s.Find(keyword) {
			p.Report(Keyword(in), "%s is there", keyword)
		}
	}}
}

func parsed(path, text string) *Doc {
	return NewDoc(syntax.Parse(path, []byte(text)), nil, nil, nil)
}

// said are code:line:severity of what a linter finds in a file.
func said(t *testing.T, c Config, path, text string) string {
	t.Helper()
	l, err := New([]*Rule{keywordRule("B", "USER", Recommended), keywordRule("A", "USER", Strict), keywordRule("C", "ENV", Recommended|Strict), keywordRule("D", "ENV", 0)}, c)
	if err != nil {
		t.Fatal(err)
	}
	d := parsed(path, text)
	d.Options = l.Options()
	var out []string
	for _, f := range l.Check(d) {
		out = append(out, f.Rule.Code+":"+string(rune('0'+f.Line))+":"+f.Severity.String())
	}
	return strings.Join(out, " ")
}

func TestProfilesAndSeverities(t *testing.T) {
	const text = "FROM a\nENV X=1\nUSER b\n"
	for _, tc := range []struct {
		config Config
		want   string
	}{
		{Config{Profile: Recommended}, "C:2:warning B:3:warning"},
		{Config{Profile: Strict}, "C:2:warning A:3:warning"},
		{Config{}, ""},
		{Config{Profile: Recommended, Severity: map[string]Severity{"B": Off, "A": Error, "D": Style}}, "C:2:warning D:2:style A:3:error"},
		{Config{Profile: Recommended, Paths: []PathConfig{{Globs: []string{"x/**"}, Severity: map[string]Severity{"C": Off, "B": Info}}}}, "B:3:info"},
		{Config{Profile: Recommended, Paths: []PathConfig{{Globs: []string{"y/**"}, Severity: map[string]Severity{"C": Off}}}}, "C:2:warning B:3:warning"},
		{Config{Profile: Recommended, Severity: map[string]Severity{"C": Error}, Paths: []PathConfig{
			{Globs: []string{"x/**"}, Severity: map[string]Severity{"C": Off}}, {Globs: []string{"n", "x/*"}, Severity: map[string]Severity{"C": Style}},
		}}, "C:2:style B:3:warning"},
	} {
		if got := said(t, tc.config, "x/Dockerfile", text); got != tc.want {
			t.Errorf("%+v: got %q, want %q", tc.config, got, tc.want)
		}
	}
}

func TestComments(t *testing.T) {
	for text, want := range map[string]string{
		"FROM a\n# plinth ignore=B\nUSER b\nUSER c\n":                        "B:4:warning",
		"FROM a\n# hadolint ignore=C,B because\nUSER b\nUSER c\n":            "B:4:warning",
		"FROM a\n# plinth global ignore=B\nUSER b\nUSER c\nENV X=1\n":        "C:5:warning",
		"# check=skip=B;error=true\nFROM a\nUSER b\nENV X=1\n":               "C:4:warning",
		"FROM a\nENV A=1 \\\n# plinth ignore=C\n  B=2\nENV X=1\n":            "C:5:warning",
		"FROM a\n# plinth ignore=Bx\n# plinthignore=B\n# ignore=B\nUSER b\n": "B:5:warning",
	} {
		if got := said(t, Config{Profile: Recommended}, "Dockerfile", text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := said(t, Config{Profile: Recommended, Options: Options{NoPragmas: true}}, "Dockerfile", "FROM a\n# plinth ignore=B\nUSER b\n"); got != "B:3:warning" {
		t.Errorf("with comments switched off: %q", got)
	}
}

func TestHadolintsPlaces(t *testing.T) {
	r := &Rule{Code: "A", Severity: Error, Profiles: HadolintProfile | Strict, Stage: func(p *Pass, s *Stage) {
		p.Report(At(s.Instructions[0].Args.Slice(3, 4)), "x")
	}}
	for profile, want := range map[Profile][4]int{HadolintProfile: {2, 1, 2, 4}, Strict: {3, 2, 3, 3}} {
		l, err := New([]*Rule{r}, Config{Profile: profile})
		if err != nil {
			t.Fatal(err)
		}
		d := parsed("Dockerfile", "FROM a\nRUN b \\\n c\n")
		for _, list := range [][]*Finding{l.Check(d), l.Filter(d, r.Findings(d))} {
			f := list[0]
			if got := [4]int{f.Line, f.Column, f.EndLine, f.EndCol}; got != want {
				t.Errorf("profile %d: at %v, want %v", profile, got, want)
			}
		}
	}
}

// TestOneFindingHasAllFixes checks that what is one finding at hadolint's place mends all that it stands for.
func TestOneFindingHasAllFixes(t *testing.T) {
	text := "FROM a\nRUN bad bad\n bad"
	r := &Rule{Code: "A", Severity: Error, Profiles: HadolintProfile | Strict, Stage: func(p *Pass, s *Stage) {
		args := s.Instructions[0].Args
		for _, at := range []int{0, 4} {
			f := p.Report(At(args.Slice(at, at+3)), "x")
			if strings.HasPrefix(args.Slice(at, at+3).S, "bad") {
				f.WithFix("say good", Replace(args.Slice(at, at+3), "good"))
			}
		}
		p.Report(At(args.Slice(4, 7)), "x").WithFix("again", Replace(args.Slice(4, 7), "twice"))
	}}
	for profile, want := range map[Profile]int{HadolintProfile: 1, Strict: 2} {
		l, err := New([]*Rule{r}, Config{Profile: profile})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{text, strings.Replace(text, "bad bad", "bax bad", 1)} {
			findings := l.Check(parsed("Dockerfile", text))
			if got := string(Fixed([]byte(text), findings)); got != strings.Replace(text, "bad bad", "good good", 1) && got != strings.Replace(text, "bax bad", "bax good", 1) || len(findings) != want {
				t.Errorf("profile %d: %d findings, fixed to %q", profile, len(findings), got)
			}
		}
	}
}

func TestFilter(t *testing.T) {
	l, err := New(nil, Config{Profile: Strict, Severity: map[string]Severity{"SC1001": Error, "SC1002": Off}})
	if err != nil {
		t.Fatal(err)
	}
	d := parsed("Dockerfile", "FROM a\nRUN b\n# plinth ignore=SC1003\nRUN c\n")
	var foreign []*Finding
	for _, code := range []string{"SC1001", "SC1002", "SC1003", "SC1004"} {
		r := &Rule{Code: code, Severity: Info, Profiles: Strict, Check: func(p *Pass) { p.Report(Keyword(d.Stages[0].Instructions[1]), "x") }}
		foreign = append(foreign, r.Findings(d)...)
	}
	var got []string
	for _, f := range l.Filter(d, foreign) {
		got = append(got, f.Rule.Code+":"+f.Severity.String())
	}
	if want := []string{"SC1001:error", "SC1004:info"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUnknownRules(t *testing.T) {
	rules := []*Rule{keywordRule("A", "USER", 0)}
	for _, c := range []Config{
		{Severity: map[string]Severity{"A": Off, "X": Off}},
		{Paths: []PathConfig{{Severity: map[string]Severity{"X": Off}}}},
	} {
		if _, err := New(rules, c); err == nil || err.Error() != "there is no rule X" {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for code, want := range map[string]bool{"SC2086": true, "SC12345": false, "SC20x6": false, "XC2086": false} {
		if _, err := New(rules, Config{Severity: map[string]Severity{code: Off}}); (err == nil) != want {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestSortTakesRepeatsOut(t *testing.T) {
	a, b := &Rule{Code: "A"}, &Rule{Code: "B"}
	list := []*Finding{
		{Rule: b, File: "x", Line: 1, Column: 2, Message: "m"}, {Rule: a, File: "y", Line: 1, Message: "m"}, {Rule: a, File: "x", Line: 2, Message: "m"},
		{Rule: a, File: "x", Line: 1, Column: 2, Message: "n"}, {Rule: b, File: "x", Line: 1, Column: 2, Message: "m"}, {Rule: a, File: "x", Line: 1, Column: 2, Message: "m"},
	}
	var got []string
	for _, f := range Sort(list) {
		got = append(got, f.File+f.Rule.Code+f.Message+string(rune('0'+f.Line)))
	}
	if want := []string{"xAm1", "xAn1", "xBm1", "xAm2", "yAm1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNames(t *testing.T) {
	for _, s := range []Severity{Off, Style, Info, Warning, Error} {
		if got, err := ParseSeverity(s.String()); got != s || err != nil {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	if got, err := ParseSeverity("ignore"); got != Off || err != nil {
		t.Errorf("ignore: %v, %v", got, err)
	}
	if _, err := ParseSeverity("warn"); err == nil {
		t.Error("warn is a severity")
	}
	seen := Profile(0)
	for _, name := range ProfileNames() {
		p, err := ParseProfile(name)
		if err != nil || p == 0 || seen&p != 0 {
			t.Errorf("%s: %b, %v", name, p, err)
		}
		seen |= p
	}
	if _, err := ParseProfile("none"); err == nil {
		t.Error("none is a profile")
	}
}
