package baseline

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lint"
)

func find(file, code string, line int, message string) *lint.Finding {
	return &lint.Finding{Rule: &lint.Rule{Code: code}, File: file, Line: line, Column: 1, Message: message}
}

func source(content map[string]string) func(string) []byte {
	return func(file string) []byte { return []byte(content[file]) }
}

var today = []*lint.Finding{
	find("a", "R1", 2, "m"), find("a", "R1", 3, "m"), find("a", "R1", 4, "m"), find("a", "R2", 2, "m"), find("b", "R1", 1, "m"),
}

var todaySource = source(map[string]string{"a": "FROM x\nRUN x\nRUN x\nRUN y\n", "b": "RUN x"})

func messages(findings []*lint.Finding) string {
	var out []string
	for _, f := range findings {
		out = append(out, f.Message)
	}
	return strings.Join(out, " ")
}

func TestFilter(t *testing.T) {
	b := New(today, todaySource)
	if fresh, accepted, stale := b.Filter(today, todaySource, nil); len(fresh) != 0 || accepted != 5 || len(stale) != 0 {
		t.Errorf("of the same findings %d are new, %d accepted, %d stale", len(fresh), accepted, len(stale))
	}
	moved := []*lint.Finding{
		find("a", "R1", 1, "1"), find("a", "R1", 3, "2"), find("a", "R1", 5, "3"), // RUN x three times: one more than was accepted
		find("a", "R1", 6, "4"), // RUN z is new
		find("a", "R3", 1, "5"), // another rule
		find("c", "R1", 1, "6"), // another file
	}
	now := source(map[string]string{"a": "  RUN x\r\n\nRUN x\n\nRUN x\nRUN z", "c": "RUN x"})
	fresh, accepted, stale := b.Filter(moved, now, nil)
	if messages(fresh) != "3 4 5 6" || accepted != 2 {
		t.Errorf("new are %s, accepted %d", messages(fresh), accepted)
	}
	var gone []string
	for _, e := range stale {
		gone = append(gone, e.File+e.Rule)
		if e.Count != 1 {
			t.Errorf("%v is missing %d times", e, e.Count)
		}
	}
	if want := []string{"aR1", "aR2", "bR1"}; !slices.Equal(gone, want) {
		t.Errorf("stale are %v, want %v", gone, want)
	}
	_, _, stale = b.Filter(nil, now, func(file string) bool { return file == "b" })
	if len(stale) != 1 || stale[0].File != "b" {
		t.Errorf("of b alone %v are stale", stale)
	}
	_, _, stale = b.Filter(nil, now, nil)
	if len(stale) != 4 || stale[0].Count+stale[1].Count != 3 {
		t.Errorf("without findings %v are stale", stale)
	}
	if b.Entries[0].Count+b.Entries[1].Count != 3 {
		t.Error("filtering changed the baseline")
	}
}

func TestWriteAndRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "baseline.json")
	b := New(today, todaySource)
	if err := b.Write(file); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 { // maps give their keys in any order
		if err := New(today, todaySource).Write(file); err != nil {
			t.Fatal(err)
		}
		if again, _ := os.ReadFile(file); string(again) != string(first) {
			t.Fatalf("written again it is another one:\n%s\n%s", first, again)
		}
	}
	got, err := Read(file)
	if err != nil || !slices.Equal(got.Entries, b.Entries) {
		t.Errorf("read back: %v, %v, want %v", got, err, b.Entries)
	}
	if n := strings.Count(string(first), "\n"); n != 3+4+2 {
		t.Errorf("it has %d lines:\n%s", n, first)
	}
	if strings.Contains(string(first), "RUN") {
		t.Errorf("it holds lines of files:\n%s", first)
	}
}

func TestForm(t *testing.T) {
	if got, want := string(New(nil, nil).encode()), "{\n  \"version\": 1,\n  \"findings\": []\n}\n"; got != want {
		t.Errorf("an empty one is %q", got)
	}
	b := &Baseline{Entries: []Entry{{"a<b>&\".txt", "R1", "00ff", 2}, {"b", "R1", "1", 1}}}
	want := "{\n  \"version\": 1,\n  \"findings\": [\n    {\"file\":\"a<b>&\\\".txt\",\"rule\":\"R1\",\"text\":\"00ff\",\"count\":2},\n" +
		"    {\"file\":\"b\",\"rule\":\"R1\",\"text\":\"1\",\"count\":1}\n  ]\n}\n"
	if got := string(b.encode()); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestReadSortsAndMerges(t *testing.T) {
	b, err := parse("f", []byte(`{"version":1,"findings":[{"file":"b","rule":"R","text":"1","count":1},{"file":"a","rule":"S","text":"1","count":1},
		{"file":"a","rule":"R","text":"2","count":1},{"file":"a","rule":"R","text":"1","count":1},{"file":"a","rule":"R","text":"1","count":3}]}`))
	want := []Entry{{"a", "R", "1", 3}, {"a", "R", "2", 1}, {"a", "S", "1", 1}, {"b", "R", "1", 1}}
	if err != nil || !slices.Equal(b.Entries, want) {
		t.Errorf("%v %v", b, err)
	}
}

func TestErrors(t *testing.T) {
	for data, want := range map[string]string{
		``:                                "f:1:1: cannot read the baseline: unexpected end of JSON input",
		"{\n  \"version\": 1,\n<<<<<<<":   "f:3:1: cannot read the baseline: invalid character '<' looking for beginning of object key string",
		`{"version":1} x`:                 "f:1:15: cannot read the baseline: invalid character 'x' after top-level value",
		`{"version":"1"}`:                 "f:1:14: cannot read the baseline: version: unexpected string",
		`[]`:                              "f:1:1: cannot read the baseline: unexpected array",
		`{}`:                              "f: cannot read the baseline: it has no version, and may be another file",
		`{"version":2,"findings":"else"}`: "f: cannot read the baseline: its version is 2, and this plinth knows 1",
		`{"version":1,"finding":[]}`:      `f: cannot read the baseline: json: unknown field "finding"`,
		`{"version":1,"findings":[{"file":"a","rule":"R","text":"1","count":1},{"file":"","rule":"R","text":"1","count":1}]}`: "f: cannot read the baseline: entry 2 needs file, rule, text, and a count of at least 1",
		`{"version":1,"findings":[{"file":"a","rule":"","text":"1","count":1}]}`:                                              "f: cannot read the baseline: entry 1 needs file, rule, text, and a count of at least 1",
		`{"version":1,"findings":[{"file":"a","rule":"R","text":"","count":1}]}`:                                              "f: cannot read the baseline: entry 1 needs file, rule, text, and a count of at least 1",
		`{"version":1,"findings":[{"file":"a","rule":"R","text":"1","count":0}]}`:                                             "f: cannot read the baseline: entry 1 needs file, rule, text, and a count of at least 1",
		"{\"version\":1,\n\"findings\":[{\"file\":\"a\",\"rule\":\"R\",\"text\":\"1\",\"count\":1.5}]}":                       "f:2:57: cannot read the baseline: findings.count: unexpected number 1.5",
	} {
		_, err := parse("f", []byte(data))
		var d *diag.Error
		if !errors.As(err, &d) || err.Error() != want {
			t.Errorf("%s\n%v, want\n%s", data, err, want)
		}
	}
	missing := filepath.Join(t.TempDir(), "none", "x.json")
	if _, err := Read(missing); err == nil || !errors.Is(err, os.ErrNotExist) || err.Error() != missing+": cannot read the baseline: no such file or directory" {
		t.Errorf("a missing file: %v", err)
	}
	if err := New(nil, nil).Write(missing); err == nil || !strings.HasPrefix(err.Error(), missing+": cannot write the baseline: ") {
		t.Errorf("a missing folder: %v", err)
	}
}
