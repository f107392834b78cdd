package apt

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lock"
)

// indexOf makes an index over sources, each a list of packages: "name version"
// on one line, then its fields, indented. Fields that each package has are added.
func indexOf(t testing.TB, sources ...string) *Index {
	t.Helper()
	var files []*packagesFile
	for i, source := range sources {
		var b strings.Builder
		for line := range strings.SplitSeq(strings.TrimSpace(source), "\n") {
			line = strings.TrimSpace(line)
			if strings.Contains(line, ":") && strings.HasSuffix(strings.Fields(line)[0], ":") {
				fmt.Fprintln(&b, line)
				continue
			}
			name, v, _ := strings.Cut(line, " ")
			if v == "" {
				v = "1"
			}
			fmt.Fprintf(&b, "\nPackage: %s\nVersion: %s\nArchitecture: amd64\nFilename: pool/%s.deb\nSize: 1\nSHA256: %064d\n", name, v, name, 0)
		}
		files = append(files, &packagesFile{data: []byte(strings.TrimLeft(b.String(), "\n")), pin: 500, date: time.Unix(int64(i), 0),
			source: lock.Source{URI: fmt.Sprintf("http://mirror%d", i), Suite: "suite", Component: "main"}})
	}
	x, err := newIndex("amd64", files)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// request makes one of names, each at the line of its place in the list.
func request(names string) Request {
	var r Request
	for i, n := range strings.Fields(names) {
		r.Packages = append(r.Packages, Named{n, diag.Position{File: "image.yaml", Line: i + 1}})
	}
	return r
}

// outcome prints what was chosen as name=version, or the errors with their hints.
func outcome(r *Result, err error) string {
	var out []string
	for _, e := range diag.Flatten(err) {
		out = append(out, strings.Join(append([]string{e.Error()}, e.Hints...), "\n  "))
	}
	if err == nil {
		for _, d := range r.Debs {
			out = append(out, strings.TrimSuffix(d.Name+"="+d.Version, "=1"))
		}
		if len(r.Unused) > 0 {
			out = append(out, "unused:", strings.Join(r.Unused, " "))
		}
		return strings.Join(out, " ")
	}
	return strings.Join(out, "\n")
}

// Each case was seen with apt-get 2.6.
func TestResolve(t *testing.T) {
	for name, c := range map[string]struct{ index, request, want string }{
		"dependencies in full":                                {"a\nDepends: b, c (>= 1)\nb\nPre-Depends: d\nc\nd\ne", "a", "a b c d"},
		"recommends are left out":                             {"a\nRecommends: b\nSuggests: b\nb", "a", "a"},
		"a cycle":                                             {"a\nDepends: b\nb\nDepends: a", "a", "a b"},
		"the newest version":                                  {"a 1.0\na 1.10\na 1.9", "a", "a=1.10"},
		"a given version":                                     {"a 1.0\na 1.10\na 1.9", "a=1.9", "a=1.9"},
		"a version that a dependency pins":                    {"a\nDepends: b (= 2)\nb 2", "a", "a b=2"},
		"the first alternative":                               {"a\nDepends: b | c\nb\nc", "a", "a b"},
		"an alternative that exists":                          {"a\nDepends: x | c\nc", "a", "a c"},
		"an alternative that is new enough":                   {"a\nDepends: b (>= 2) | c\nb\nc", "a", "a c"},
		"an alternative that can be installed":                {"a\nDepends: b | c\nb\nDepends: x\nc", "a", "a c"},
		"an alternative that is asked for":                    {"a\nDepends: b | c\nb\nc", "a c", "a c"},
		"one that is asked for before":                        {"a\nDepends: b | c\nb\nc", "c a", "a c"},
		"a later dependency does not count":                   {"a\nDepends: b | c, c\nb\nc", "a", "a b c"},
		"pre-depends go first":                                {"a\nDepends: b | c\nPre-Depends: c\nb\nc", "a", "a c"},
		"a package goes before its providers":                 {"a\nDepends: v\nb\nProvides: v\nPriority: required\nv", "a", "a v"},
		"a provider with priority":                            {"a\nDepends: v\nb\nProvides: v\nPriority: optional\nc\nProvides: v\nPriority: standard\nd\nProvides: v\nPriority: optional", "a", "a c"},
		"an unknown priority is optional":                     {"a\nDepends: v\nb\nProvides: v\nPriority: source\nc\nProvides: v\nPriority: extra", "a", "a b"},
		"the provider that is met last":                       {"a\nDepends: v\nb\nProvides: v\nc\nProvides: v", "a", "a c"},
		"the provider that is named last":                     {"0\nSuggests: c\na\nDepends: v\nb\nProvides: v\nc\nProvides: v", "a", "a b"},
		"a provider that is chosen":                           {"a\nDepends: b, v\nb\nProvides: v\nc\nProvides: v\nPriority: required", "a", "a b"},
		"a versioned provider":                                {"a\nDepends: v (>= 2)\nb\nProvides: v (= 2)\nc\nProvides: v (= 1)\nd\nProvides: v", "a", "a b"},
		"provided twice":                                      {"a\nDepends: v (>= 2)\nb\nProvides: v (= 1), v (= 3)", "a", "a b"},
		"an old version does not provide":                     {"a\nDepends: v | c\nb 1\nProvides: v\nb 2\nc", "a", "a c"},
		"any architecture":                                    {"a\nDepends: b:any (>= 1)\nb\nMulti-Arch: allowed", "a", "a b"},
		"any architecture, provided":                          {"a\nDepends: v:any, w:any\nb\nMulti-Arch: allowed\nProvides: v, w:any", "a", "a b"},
		"its own architecture":                                {"a\nDepends: b:amd64\nb", "a:amd64", "a b"},
		"pushed out by a protected one":                       {"a\nDepends: b | c, d\nb\nc\nd\nBreaks: b\nDepends: c", "a", "a c d"},
		"a conflict leaves the other alternative":             {"a\nDepends: c\nb\nDepends: c | d\nc\nd\nConflicts: x", "a b", "a b c"},
		"what is ruled out is not tried":                      {"a\nConflicts: c\nb\nDepends: c | d\nc\nd", "a b", "a b d"},
		"a conflict with another version":                     {"a\nDepends: b\nBreaks: b (<< 2)\nb 2", "a", "a b=2"},
		"a conflict with what it provides":                    {"a\nDepends: b\nConflicts: v\nProvides: v\nb", "a", "a b"},
		"an unversioned provide escapes a versioned conflict": {"a\nDepends: b\nConflicts: v (<< 9)\nb\nProvides: v", "a", "a b"},
		"one option is not pushed out by its own dependency":  {"a\nDepends: v | b\nc\nProvides: v\nDepends: d\nd\nBreaks: c\nb", "a", "a b"},
		"what turns out needless is dropped":                  {"a\nDepends: b | c\nb\nDepends: d, e | f\ne\nConflicts: a\nf\nConflicts: a\nd\nc", "a", "a c"},
		"a candidate that was ruled out is missed late":       {"r\nConflicts: s\na\nRecommends: d\nDepends: b | c\nb\nDepends: d, s\nc\nd\ns", "r a", "a c d r"},
		"a candidate that never was is missed early":          {"a\nRecommends: d\nDepends: b | c\nb\nDepends: d, s\nc\nd", "a", "a c"},
		"a suggested leftover is kept":                        {"r\nConflicts: s\na\nSuggests: d\nDepends: b | c\nb\nDepends: d, s\nc\nd\ns", "r a", "a c d r"},
		"two providers of one alternative are a choice":       {"a\nDepends: v, w\nb\nProvides: v\nc\nProvides: v\nw\nConflicts: c\nDepends: b", "a", "a b w"},
		"another alternative after a need was ruled out":      {"a\nDepends: b | c\nb\nDepends: s\nc\ns\nr\nConflicts: s", "a r", "a c r"},
		"the same three steps up":                             {"a\nDepends: d, e\nd\nDepends: b | c\nb\nDepends: t\nt\nDepends: s\nc\ns\ne\nConflicts: s", "a", "a c d e"},
		"the same for what an unprotected one needs":          {"a\nDepends: b | c\nb\nDepends: t | u\nt\nDepends: s\nu\nc\ns\nr\nConflicts: s", "a r", "a b r u"},
		"a recommended leftover is kept":                      {"a\nDepends: b | c\nRecommends: d\nb\nDepends: d, e | f\ne\nConflicts: a\nf\nConflicts: a\nd\nc", "a", "a c d"},
		"the only provider of a virtual package":              {"b\nProvides: v", "v", "b"},
		"the essential set":                                   {"c\nEssential: yes\nDepends: d\na\nEssential: yes\nb\nPriority: required\nd\ne\nEssential: no\nb 2", "@essential", "a c d"},
		"the required set":                                    {"c\nEssential: yes\nDepends: d\na\nPriority: required\nb\nPriority: important\nd", "@required", "a c d"},
		"nothing":                                             {"a", "", ""},
		"a name twice":                                        {"a\nDepends: b\nb", "a a", "a b"},
		"folded fields":                                       {"a\nDepends: b,\nc\nb\nc", "a", "a b"},
		"an essential package is not dragged in":              {"a\nb\nEssential: yes", "a", "a"},
	} {
		x := indexOf(t, c.index)
		if got := outcome(x.Resolve(request(c.request))); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestResolveFillsTheDeb(t *testing.T) {
	x := indexOf(t, "a 2:1.0-1\nSource: src (9)\nInstalled-Size: 77\nArchitecture: all", "a 2:1.0-1")
	got, err := x.Resolve(request("a"))
	want := lock.Deb{Name: "a", Version: "2:1.0-1", Arch: "amd64", Source: "src", URI: "http://mirror0", Filename: "pool/a.deb",
		SHA256: strings.Repeat("0", 64), Size: 1, InstalledSize: 77}
	if err != nil || len(got.Debs) != 1 || got.Debs[0] != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestResolvePins(t *testing.T) {
	x := indexOf(t, "a 1", "a 2\nb 1", "a 3")
	x.files[1].pin, x.files[2].pin = 100, 500
	if got := outcome(x.Resolve(request("a b"))); got != "a=3 b" {
		t.Errorf("got %s", got)
	}
	x = indexOf(t, "a 1", "a 2\nb 1")
	x.files[1].pin = 100
	if got := outcome(x.Resolve(request("a b"))); got != "a b" {
		t.Errorf("a suite with a low priority is used only where it has to be: %s", got)
	}
}

func TestResolveExcludes(t *testing.T) {
	for name, c := range map[string]struct{ index, request, exclude, want string }{
		"a dependency":                          {"a\nDepends: b, c\nb\nDepends: d\nc\nd", "a", "b", "a c"},
		"the first alternative":                 {"a\nDepends: b | v\nb\nProvides: v\nc\nProvides: v", "a", "b", "a"},
		"the second alternative":                {"a\nDepends: b | c\nb\nc", "a", "c", "a b unused: c"},
		"the first that exists":                 {"a\nDepends: x | b | c\nb\nc", "a", "b", "a"},
		"a provider":                            {"a\nDepends: v\nb\nProvides: v\nPriority: required\nc\nProvides: v", "a", "b", "a c"},
		"a package and a provider of it":        {"a\nDepends: v\nv\nb\nProvides: v", "a", "v", "a"},
		"all providers":                         {"a\nDepends: v\nb\nProvides: v", "a", "b", "a"},
		"what nothing needs":                    {"a\nDepends: b\nb\nc", "a", "c nothing b", "a unused: c nothing"},
		"needed, but the need is met otherwise": {"a\nDepends: b | c\nb\nc", "a c", "b", "a c unused: b"},
	} {
		r := request(c.request)
		r.Exclude = strings.Fields(c.exclude)
		if got := outcome(indexOf(t, c.index).Resolve(r)); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	r := request("a")
	r.Exclude = []string{"a"}
	if got, want := outcome(indexOf(t, "a").Resolve(r)), "image.yaml:1: cannot install a: it is excluded\n  take it from `packages:` or from `exclude:`"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestResolveOverInstalled(t *testing.T) {
	for name, c := range map[string]struct{ index, installed, request, want string }{
		"what is there is not repeated":   {"a\nDepends: b, c\nb\nc", "b 1", "a", "a c"},
		"it is asked for":                 {"b\nc", "b 1", "b c", "c"},
		"it is not upgraded":              {"a\nDepends: b\nb 1\nb 2", "b 1", "a b", "a"},
		"its dependencies are not added":  {"a\nb\nDepends: c\nc", "b 1", "a", "a"},
		"it provides":                     {"a\nDepends: v\nb\nProvides: v\nc\nProvides: v\nPriority: required", "b 1", "a", "a"},
		"it provides what is asked for":   {"b\nProvides: v\nc\nProvides: v", "b 1", "v", ""},
		"it provides, but is gone":        {"a\nDepends: v, b (<= 1)\nb 2\nProvides: v", "b 1", "a", "a"},
		"it is unknown":                   {"a\nDepends: b (>= 1)", "b 1", "a", "a"},
		"it rules out an alternative":     {"a\nDepends: b | c\nb\nc\nd\nConflicts: b", "d 1", "a", "a c"},
		"it is not pushed out":            {"a\nDepends: b | c\nb\nConflicts: d\nc\nd", "d 1", "a", "a c"},
		"its own conflicts do not matter": {"a\nb\nConflicts: c\nc", "b 1,c 1", "a", "a"},
		"too old": {"a\nDepends: b (>= 2)\nb 2", "b 1", "a",
			"image.yaml:1: cannot install a 1: it needs b (>= 2), and the image below has b 1"},
		"another version": {"b 1\nb 2", "b 1", "b=2", "image.yaml:1: cannot install b=2: the image below has version 1"},
		"this version":    {"b 1\nb 2", "b 1", "b=1", ""},
		"a conflict": {"a\nConflicts: b\nb", "b 1", "a",
			"image.yaml:1: cannot install a 1 beside b 1: the former has Conflicts: b\n  b is in the image below"},
		"a conflict below": {"a\nb\nBreaks: a (<< 2)", "b 1", "a",
			"image.yaml:1: cannot install a 1; b 1 conflicts with a 1 (Breaks: a (<< 2))"},
	} {
		r := request(c.request)
		for item := range strings.SplitSeq(c.installed, ",") {
			name, version, _ := strings.Cut(item, " ")
			r.Installed = append(r.Installed, lock.Deb{Name: name, Version: version, Arch: "amd64"})
		}
		if got := outcome(indexOf(t, c.index).Resolve(r)); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	const noPackage = ", and there is no such package\n  is a source missing? `debian: releases:` in plinth.yaml lists suites and components"
	for name, c := range map[string]struct{ index, request, want string }{
		"unknown names, all at once": {"nginx\nb", "ngnix b foobarbaz", "image.yaml:1: cannot find a package \"ngnix\" for amd64 in suite main\n  did you mean nginx?\n" +
			"image.yaml:3: cannot find a package \"foobarbaz\" for amd64 in suite main\n  only the component main is read unless `debian: releases:` in plinth.yaml says more"},
		"a set that does not exist": {"a", "@all", "image.yaml:1: cannot find a package set \"@all\"\n  there are @essential and @required"},
		"a virtual package": {"c 2\nProvides: v\nb 1.0\nProvides: v", "v",
			"image.yaml:1: cannot choose a package for \"v\": it is a virtual package, provided by b 1.0, c 2\n  name one of them, for example: b"},
		"no such version":      {"a 1\na 2", "a=3", "image.yaml:1: cannot install a: there is no version \"3\" of it\n  there is 2, 1"},
		"a missing dependency": {"a\nDepends: b", "a", "image.yaml:1: cannot install a 1: it needs b" + noPackage},
		"a missing version":    {"a\nDepends: b (>= 2)\nb", "a", "image.yaml:1: cannot install a 1: it needs b (>= 2), and there is only version 1"},
		"a missing provided version": {"a\nDepends: v (>= 2)\nb\nProvides: v (= 1)", "a",
			"image.yaml:1: cannot install a 1: it needs v (>= 2), and what provides it does so in another version"},
		"a chain": {"a\nDepends: b\nb\nDepends: c | d\nc\nDepends: e (>= 2)\ne", "x a", "image.yaml:1: cannot find a package \"x\" for amd64 in suite main\n  did you mean a?"},
		"a chain of three": {"a\nDepends: b\nb\nDepends: c | d\nc\nDepends: e (>= 2)\ne", "e a",
			"image.yaml:2: cannot install a 1: it needs b; b 1 needs c | d; c 1 needs e (>= 2), and there is only version 1"},
		"what a request brings along": {"a\nDepends: b, c\nb\nc\nConflicts: b", "a",
			"image.yaml:1: cannot install a 1: it needs c; c 1 conflicts with b 1 (Conflicts: b)"},
		"a need that was ruled out": {"a\nDepends: b\nb\nDepends: s\ns\nr\nConflicts: s", "a r",
			"image.yaml:2: cannot install r 1 beside s 1: the former has Conflicts: s\n  s comes with a"},
		"a need two steps down": {"a\nDepends: b\nb\nDepends: s, t\ns\nt\nConflicts: s", "a",
			"image.yaml:1: cannot install a 1: it needs b; b 1 needs both t 1 and s 1, and the former has Conflicts: s"},
		"two that conflict": {"a\nBreaks: b (<< 2)\nb", "b a",
			"image.yaml:2: cannot install a 1 beside b 1: the former has Breaks: b (<< 2)"},
		"a conflict with a virtual package": {"a\nConflicts: v\nProvides: v\nb\nConflicts: v\nProvides: v", "a b",
			"image.yaml:1: cannot install a 1 beside b 1: the former has Conflicts: v\nimage.yaml:2: cannot install b 1 beside a 1: the former has Conflicts: v"},
		"a dependency on what is ruled out": {"a\nConflicts: c\nb\nDepends: c\nc", "a b",
			"image.yaml:2: cannot install b 1: it needs c; a 1 conflicts with c 1 (Conflicts: c)"},
		"a field that cannot be read": {"a\nDepends: b\nb\nDepends: c (", "a",
			"image.yaml:1: cannot install b 1: its Depends field is not valid: cannot read the relation \"c (\": \"(\" is not expected there"},
	} {
		x := indexOf(t, c.index)
		if got := outcome(x.Resolve(request(c.request))); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestResolveIncompleteEntries(t *testing.T) {
	for _, cut := range []string{"Filename: pool/b.deb\n", "Size: 1\n", "SHA256: " + strings.Repeat("0", 64) + "\n"} {
		x := indexOf(t, "b")
		x, err := newIndex("amd64", []*packagesFile{{pin: 500, data: []byte(strings.Replace(string(x.files[0].data), cut, "", 1))}})
		if err != nil {
			t.Fatal(err)
		}
		want := "image.yaml:1: cannot install b 1: its entry in the package index has no Filename, Size or SHA256"
		if got := outcome(x.Resolve(request("b"))); got != want {
			t.Errorf("without %q: %s", cut, got)
		}
	}
	for in, want := range map[string]int64{"12": 12, "-5": 0, "x": 0, "": 0, "99999999999999999999": 0} {
		if got := number(in); got != want {
			t.Errorf("%q is %d", in, got)
		}
	}
	if got := outcome(indexOf(t, "c\nArchitecture: amd64").Resolve(request("c"))); got != "c" {
		t.Error(got)
	}
	x, err := newIndex("arm64", indexOf(t, "c").files)
	if got := outcome(x.Resolve(request("c"))); err != nil || !strings.HasPrefix(got, `image.yaml:1: cannot find a package "c" for arm64`) {
		t.Error(got)
	}
}

func TestFirstMention(t *testing.T) {
	x := indexOf(t, "a\nDescription: z is here\nDepends: x:any, y\nSuggests: u\nb\nEnhances: w\nRecommends: xx | t (>= 1)\nProvides: s (= 1)\nr:amd64", "x\ny\nz\nu\nw\nxx\nt\ns\nq\nDepends: q")
	names := []string{"x", "y", "z", "u", "w", "xx", "t", "s", "q", "a", "b"}
	slices.SortFunc(names, func(a, b string) int { return x.firstMention(a).compare(x.firstMention(b)) })
	if got, want := strings.Join(names, " "), "a y u b xx t w s x z q"; got != want {
		t.Errorf("apt would meet them as %s, want %s", got, want)
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("Package: a\nVersion: 1\nArchitecture: all\nDepends: b | v, c:any\nSize: 1\nSHA256: "+strings.Repeat("0", 64)+"\nFilename: x\n\n"+
		"Package: b\nVersion: 2\nArchitecture: amd64\nProvides: v (= 1)\nConflicts: v\nEssential: yes\n", "a @essential", "c")
	f.Add("package: a\nversion: 1\n architecture\nProvides:\n\n\n\nProvides: x", "x a=1", "")
	f.Fuzz(func(t *testing.T, data, names, exclude string) {
		x, err := newIndex("amd64", []*packagesFile{{data: []byte(data), pin: 500}})
		if err != nil {
			return
		}
		r := request(names)
		r.Exclude = strings.Fields(exclude)
		first := outcome(x.Resolve(r))
		if again := outcome(x.Resolve(r)); again != first {
			t.Errorf("first %s, then %s", first, again)
		}
	})
}

func FuzzParseParagraph(f *testing.F) {
	f.Add("Package: a\nDescription: b\n c\n\td\n# no\nX:y")
	f.Fuzz(func(t *testing.T, text string) {
		for _, field := range parseParagraph([]byte(text)) {
			if field.name == "" || strings.ContainsAny(field.name, "\n:") {
				t.Errorf("a field is called %q", field.name)
			}
		}
	})
}

func TestParseParagraph(t *testing.T) {
	p := parseParagraph([]byte("A: 1 \nB:\n x\n  y\n\tz\n.: dot\n# c: d\nno field\n: no name\na: 2\nlast: end\n of"))
	for name, want := range map[string]string{"A": "1", "a": "1", "b": "\nx\ny\nz", ".": "dot", "last": "end\nof", "no field": "", "# c": ""} {
		if got := p.get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(p) != 5 {
		t.Errorf("%d fields: %q", len(p), p)
	}
}
