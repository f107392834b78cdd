package fixer

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

// replacer finds each place of a text and would put another one there.
func replacer(code, old, new string) *lint.Rule {
	return &lint.Rule{Code: code, Check: func(p *lint.Pass) {
		for at := 0; ; {
			i := bytes.Index(p.File.Data[at:], []byte(old))
			if i < 0 {
				return
			}
			from := at + i
			at = from + len(old)
			span := lint.Span{From: from, To: at}
			p.Report(span, "%s is there", old).WithFix("put "+new, lint.Edit{Span: span, Text: new})
		}
	}}
}

func checker(rules ...*lint.Rule) func([]byte) []*lint.Finding {
	return func(data []byte) (out []*lint.Finding) {
		d := lint.NewDoc(syntax.Parse("Dockerfile", data), nil, nil, nil)
		for _, r := range rules {
			out = append(out, r.Findings(d)...)
		}
		return lint.Sort(out)
	}
}

func TestFix(t *testing.T) {
	for name, test := range map[string]struct {
		rules  []*lint.Rule
		before string
		after  string
		rounds int
		counts string // fixed, refused, left
	}{
		"nothing to do": {nil, "FROM a\n", "FROM a\n", 0, "0 0 0"},
		"all at once": {[]*lint.Rule{replacer("A", "one", "1"), replacer("B", "two", "2")},
			"FROM a\nRUN one two one\n", "FROM a\nRUN 1 2 1\n", 1, "3 0 0"},
		"one brings another": {[]*lint.Rule{replacer("A", "one", "two"), replacer("B", "two", "3")},
			"FROM a\nRUN one\n", "FROM a\nRUN 3\n", 2, "2 0 0"},
		"one brings another while that is mended": {[]*lint.Rule{replacer("A", "one", "two"), replacer("B", "two", "3")},
			"FROM a\nRUN one two\n", "FROM a\nRUN 3 3\n", 2, "3 0 0"},
		"they touch": {[]*lint.Rule{replacer("A", "xy", "z"), replacer("B", "yw", "v")},
			"FROM a\nRUN xyw yw\n", "FROM a\nRUN zw v\n", 1, "2 0 0"},
		"it finds the same again": {[]*lint.Rule{replacer("A", "one", "onee")},
			"FROM a\nRUN one\n", "FROM a\nRUN one\n", 0, "0 1 1"},
		"it finds more": {[]*lint.Rule{replacer("A", "x", "xx"), replacer("B", "two", "2")},
			"FROM a\nRUN x two\n", "FROM a\nRUN x 2\n", 1, "1 1 1"},
		"it breaks the instruction": {[]*lint.Rule{replacer("A", "COPY a b", "COPY"), replacer("B", "two", "2")},
			"FROM a\nCOPY a b\nRUN two two\n", "FROM a\nCOPY a b\nRUN 2 2\n", 2, "2 1 1"},
		"it breaks the splitting": {[]*lint.Rule{replacer("A", "RUN one", "RUN <<EOF")},
			"FROM a\nRUN one\n", "FROM a\nRUN one\n", 0, "0 1 1"},
		"it was broken before": {[]*lint.Rule{replacer("B", "two", "2")},
			"FROM a\nCOPY\nNOTHING two\n", "FROM a\nCOPY\nNOTHING 2\n", 1, "1 0 0"},
		"they take each other back": {[]*lint.Rule{replacer("A", "one", "two"), replacer("B", "two", "one")},
			"FROM a\nRUN one\n", "FROM a\nRUN two\n", 1, "1 1 1"},
		"it has no end": {[]*lint.Rule{replacer("A", "(b", "b(("), replacer("B", "b(", "(bc")},
			"FROM a\nRUN (b\n", "", MaxRounds, "10 0 1"},
	} {
		got := Fix("Dockerfile", []byte(test.before), checker(test.rules...))
		if test.after != "" && string(got.Data) != test.after {
			t.Errorf("%s: %q, want %q", name, got.Data, test.after)
		}
		if counts := fmt.Sprint(len(got.Fixed), len(got.Refused), len(got.Left)); counts != test.counts || got.Rounds != test.rounds {
			t.Errorf("%s: %s (fixed, refused, left) in %d rounds, want %s in %d", name, counts, got.Rounds, test.counts, test.rounds)
		}
	}
}

// A refused fix is not tried again when its place has moved.
func TestRefusedOnce(t *testing.T) {
	tried := 0
	bad := replacer("A", "one", "onee")
	late := replacer("C", "FROM a", "FROM much/longer") // only once another fix is in the file
	check := func(data []byte) []*lint.Finding {
		if bytes.Contains(data, []byte("onee")) {
			tried++
		}
		rules := []*lint.Rule{bad, replacer("B", "two", "2")}
		if bytes.Contains(data, []byte("2")) {
			rules = append(rules, late)
		}
		return checker(rules...)(data)
	}
	got := Fix("Dockerfile", []byte("FROM a\nRUN one\nRUN two\n"), check)
	if want := "FROM much/longer\nRUN one\nRUN 2\n"; string(got.Data) != want || len(got.Refused) != 1 {
		t.Errorf("%q, refused %d", got.Data, len(got.Refused))
	}
	if tried != 2 { // with the other one, and alone
		t.Errorf("it was tried %d times", tried)
	}
}

func TestFixLeavesWhatItGot(t *testing.T) {
	before := []byte("FROM a\r\nRUN one\r\n")
	got := Fix("Dockerfile", before, checker(replacer("A", "one", "1")))
	if string(before) != "FROM a\r\nRUN one\r\n" || string(got.Data) != "FROM a\r\nRUN 1\r\n" {
		t.Errorf("%q became %q", before, got.Data)
	}
}

func TestDiff(t *testing.T) {
	if d := Diff("x/Dockerfile", []byte("a\n"), []byte("a\n")); len(d) > 0 {
		t.Errorf("nothing changed: %s", d)
	}
	got := string(Diff("./x/Dockerfile", []byte("1\n2\n3\n4\n5\n6\n7\n8\n"), []byte("1\n2\n3\n4\nfive\n6\n7\n8\n")))
	want := "diff a/x/Dockerfile b/x/Dockerfile\n--- a/x/Dockerfile\n+++ b/x/Dockerfile\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// What Diff prints, git takes: also with carriage returns, and without an end of the last line.
func TestGitTakesTheDiff(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range [][2]string{
		{"FROM a\nRUN b\n", "FROM a\nRUN c\n"},
		{"FROM a\r\nRUN b\r\nUSER c\r\n", "FROM a\r\nRUN c\r\nUSER c\r\n"},
		{"FROM a\nRUN b", "FROM a\nRUN c"},
		{"FROM a\nRUN b", "FROM a\nRUN b\n"},
		{"FROM a\n" + strings.Repeat("RUN x\n", 20) + "RUN b\n", "FROM b\n" + strings.Repeat("RUN x\n", 20) + "RUN c\n"},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "Dockerfile")
		if err := os.WriteFile(file, []byte(test[0]), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(git, "apply", "--whitespace=nowarn", "-")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
		cmd.Stdin = bytes.NewReader(Diff("Dockerfile", []byte(test[0]), []byte(test[1])))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%q: %v: %s", test[1], err, out)
		}
		if got, _ := os.ReadFile(file); string(got) != test[1] {
			t.Errorf("git made %q, want %q", got, test[1])
		}
	}
}
