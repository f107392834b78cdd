package rulepage

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/lint/rules"
	"github.com/plinth-build/plinth/internal/report/live"
)

var update = flag.Bool("update", false, "write docs/rules and the golden files anew")

func TestPagesAreCurrent(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "docs", "rules")
	pages := Pages(rules.All())
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, page := range pages {
			if err := os.WriteFile(filepath.Join(dir, name), page, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range files {
		found[f.Name()] = true
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != string(pages[f.Name()]) {
			t.Errorf("docs/rules/%s is not what the program says; write it anew with: go test ./internal/report/rulepage -update", f.Name())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		if !found[name] {
			t.Errorf("docs/rules/%s is missing; write it with: go test ./internal/report/rulepage -update", name)
		}
	}
}

func mends(p *lint.Pass) {
	for _, in := range p.All() {
		if in.Keyword == "RUN" {
			p.Report(lint.Keyword(in), "it is there").WithFix("put COPY there", lint.Edit{Span: lint.Keyword(in), Text: "COPY"})
		}
	}
}

var samples = map[string]*lint.Rule{
	"full": {
		Code: "DL9001", Title: "a|b <of> `c` in *d*", Severity: lint.Warning, Family: lint.Hadolint,
		Profiles: lint.Recommended | lint.HadolintProfile, Since: "0.1.0", Aliases: []string{"trivy:DS-0001", "checkov:CKV_DOCKER_7"},
		Source: "https://example.com/DL9001",
		Why: "A **first** sentence that is longer than a line of a terminal has room for, so that it has to be wrapped. A second one, with " +
			"[a link](https://example.com/page) and `code`.",
		Bad: "FROM debian:12\nRUN <<EOF\n```\nEOF\n", Good: "FROM debian:12\n\n\tCOPY a b", Check: mends,
	},
	"buildkit": {
		Code: "StageNameCasing", Title: "stage name that is not in lower case", Severity: lint.Style, Family: lint.BuildKit, Since: "0.2.0",
		Why: "Short.", Bad: "FROM a AS B", Good: "FROM a AS b", Check: func(*lint.Pass) {},
	},
	"custom": {
		Code: "ACME1", Title: "no owner label", Severity: lint.Error, Family: lint.Custom, Profiles: lint.Strict,
		Why: "We say so.", Source: "https://wiki.example.com/acme1",
	},
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
	}
}

func TestPages(t *testing.T) {
	for name, r := range samples {
		golden(t, name+".md", string(Markdown(r, Fixable(r))))
		terminal := Text(r, Fixable(r), 60)
		golden(t, name+".txt", terminal)
		for line := range strings.Lines(terminal) {
			if w := live.Width(strings.TrimRight(line, "\n")); w > 60 {
				t.Errorf("%s: a line of %d columns: %s", name, w, line)
			}
			if strings.TrimRight(line, " \n")+"\n" != line {
				t.Errorf("%s: blanks at the end of %q", name, line)
			}
		}
	}
	golden(t, "index.md", string(Index([]*lint.Rule{samples["buildkit"], samples["custom"], samples["full"]})))
}

func TestFixable(t *testing.T) {
	for name, want := range map[string]bool{"full": true, "buildkit": false, "custom": false} {
		if got := Fixable(samples[name]); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	// a rule whose bad example is one that it can't mend
	page := string(Markdown(samples["buildkit"], true))
	if !strings.Contains(page, "`plinth lint --fix` mends what can be mended without a doubt") {
		t.Errorf("it does not say that there is a fix:\n%s", page)
	}
}

func TestURL(t *testing.T) {
	if got := URL(samples["full"]); got != "https://github.com/plinth-build/plinth/blob/main/docs/rules/DL9001.md" {
		t.Error(got)
	}
	if got := URL(samples["custom"]); got != "https://wiki.example.com/acme1" {
		t.Error(got)
	}
}

func TestPagesHaveNames(t *testing.T) {
	pages := Pages([]*lint.Rule{samples["full"], samples["custom"]})
	if got := slices.Sorted(maps.Keys(pages)); !slices.Equal(got, []string{"ACME1.md", "DL9001.md", "README.md"}) {
		t.Errorf("the pages are %v", got)
	}
	if !strings.Contains(string(pages["DL9001.md"]), "put COPY there") || strings.Contains(string(pages["ACME1.md"]), "mends") {
		t.Error("they do not say which rule has a fix")
	}
}

func TestPlain(t *testing.T) {
	for words, want := range map[string]string{
		"a **b** c":                "a b c",
		"see [a b](u) and [c](v).": "see a b (u) and c (v).",
		"a[0] and (b)":             "a[0] and (b)",
		"[a":                       "[a",
		"[a](b":                    "[a](b",
		"[x] then [a](b)":          "[x] then [a](b)",
		"](":                       "](",
		"`x` \x1b[1m":              "`x` ?[1m",
	} {
		if got := plain(words); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
}
