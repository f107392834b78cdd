package shellcheck

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

// fake puts a program of this name in PATH. It is a shell script that is run in the folder of the scripts.
func fake(t *testing.T, body string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "shellcheck"), []byte("#!/bin/sh\n"+body), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return dir
}

// says is the body of a fake that says one thing about each script.
func says(line, column, endLine, endColumn, code int, level, message string) string {
	return fmt.Sprintf(`printf '{"comments":['
sep=
for f; do
  case $f in -*) continue;; esac
  printf '%%s{"file":"%%s","line":%d,"column":%d,"endLine":%d,"endColumn":%d,"level":"%s","code":%d,"message":"%s"}' "$sep" "$f"
  sep=,
done
printf ']}'
exit 1
`, line, column, endLine, endColumn, level, code, message)
}

func doc(text string) *lint.Doc {
	return lint.NewDoc(syntax.Parse("Dockerfile", []byte(text)), nil, nil, nil)
}

func run(t *testing.T, d *lint.Doc, exclude ...string) []string {
	t.Helper()
	path, ok := Find()
	if !ok {
		t.Fatal("the program is not found")
	}
	got, err := Run(t.Context(), path, []*lint.Doc{d}, exclude...)
	if err != nil {
		t.Fatal(err)
	}
	return list(got[d])
}

func list(findings []*lint.Finding) (out []string) {
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%d:%d-%d:%d %s %s %s", f.Line, f.Column, f.EndLine, f.EndCol, f.Rule.Code, f.Severity, f.Message))
	}
	return out
}

func TestPlacesAreThoseOfTheDockerfile(t *testing.T) {
	for name, tt := range map[string]struct {
		says string
		file string
		want []string
	}{
		"the second line of a step": {
			says(2, 13, 2, 16, 2999, "info", "Look here."),
			"FROM debian:12\nRUN echo a && \\\n  bcd",
			[]string{"3:3-3:6 SC2999 info Look here"},
		},
		"characters are not bytes": {
			says(2, 7, 2, 8, 2999, "style", "x"),
			"FROM debian:12\nRUN echo ää z",
			[]string{"2:12-2:14 SC2999 style x"},
		},
		"a document": {
			says(3, 1, 3, 5, 2999, "error", "x"),
			"FROM debian:12\nRUN <<EOF\nset -e\necho a\nEOF",
			[]string{"4:1-4:5 SC2999 error x"},
		},
		"the end of a line": {
			says(2, 1, 2, 999, 2999, "warning", "x"),
			"FROM debian:12\nRUN echo a",
			[]string{"2:5-2:11 SC2999 warning x"},
		},
		"the prologue":         {says(1, 1, 1, 2, 2999, "info", "x"), "FROM debian:12\nRUN echo a", nil},
		"behind the last line": {says(9, 1, 9, 2, 2999, "info", "x"), "FROM debian:12\nRUN echo a", nil},
		"an end before its start": {
			says(2, 6, 2, 1, 2999, "info", "x"),
			"FROM debian:12\nRUN echo a",
			[]string{"2:10-2:10 SC2999 info x"},
		},
		"about the script as a file": {says(2, 1, 2, 2, 1091, "info", "x"), "FROM debian:12\nRUN . /a", nil},
		"a code that has a rule":     {says(2, 1, 2, 2, 2086, "info", "x"), "FROM debian:12\nRUN . /a", nil},
		"a code that is none":        {says(2, 1, 2, 2, 123456, "info", "x"), "FROM debian:12\nRUN . /a", nil},
	} {
		t.Run(name, func(t *testing.T) {
			fake(t, tt.says)
			if got := run(t, doc(tt.file), "SC2086"); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEachScriptIsGivenOnce(t *testing.T) {
	dir := fake(t, `echo "$@" >> "$0.log"; cat [0-9]* >> "$0.scripts"
`+says(2, 1, 2, 5, 2999, "info", "x"))
	a := doc("FROM debian:12\nENV A=1 B='it''s' C=$X\nARG D\nRUN echo a\nRUN echo b\nSHELL [\"/bin/bash\", \"-c\"]\nRUN echo a")
	b := doc("FROM debian:12\nENV A=1 B='it''s' C=$X\nARG D\n\nRUN echo a\nRUN echo $(\nRUN [\"echo\", \"x\"]")
	path, _ := Find()
	got, err := Run(t.Context(), path, []*lint.Doc{a, b}, "SC2046")
	if err != nil {
		t.Fatal(err)
	}
	if s := list(got[a]); len(s) != 3 || !strings.HasPrefix(s[0], "4:5-4:9 ") {
		t.Errorf("the first file: %q", s)
	}
	if s := list(got[b]); len(s) != 1 || !strings.HasPrefix(s[0], "5:5-5:9 ") {
		t.Errorf("the second file: %q", s)
	}
	log, _ := os.ReadFile(filepath.Join(dir, "shellcheck.log"))
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	slices.Sort(lines)
	if len(lines) != 2 || !strings.HasSuffix(lines[0], " 000002") || !strings.HasSuffix(lines[1], " 000000 000001") ||
		!strings.Contains(lines[0], "--shell=bash ") || !strings.Contains(lines[1], "--shell=sh ") || !strings.Contains(lines[1], ",SC2046 ") {
		t.Errorf("it was called with\n%s", log)
	}
	scripts, _ := os.ReadFile(filepath.Join(dir, "shellcheck.scripts"))
	if want := ":; export A='1'; export B='its'; read -r C; read -r D\necho a"; !strings.Contains(string(scripts), want) {
		t.Errorf("the scripts are\n%s\nwant one to be\n%s", scripts, want)
	}
}

func TestRuleIsMadeForACode(t *testing.T) {
	fake(t, says(2, 1, 2, 5, 2999, "style", "x"))
	d := doc("FROM debian:12\n# hadolint ignore=SC2999\nRUN echo a\nRUN echo b")
	path, _ := Find()
	got, err := Run(t.Context(), path, []*lint.Doc{d})
	if err != nil {
		t.Fatal(err)
	}
	rule := got[d][0].Rule
	if rule.Family != lint.Shell || rule.Source != "https://www.shellcheck.net/wiki/SC2999" || rule != got[d][1].Rule {
		t.Errorf("the rule is %+v", rule)
	}
	for profile, want := range map[lint.Profile]int{lint.Strict: 1, lint.HadolintProfile: 1, lint.Recommended: 0} {
		l, err := lint.New(nil, lint.Config{Profile: profile})
		if err != nil {
			t.Fatal(err)
		}
		if kept := l.Filter(d, got[d]); len(kept) != want {
			t.Errorf("profile %d keeps %q", profile, list(kept))
		}
	}
	l, err := lint.New(nil, lint.Config{Severity: map[string]lint.Severity{"SC2999": lint.Error}})
	if err != nil {
		t.Fatal(err)
	}
	if kept := l.Filter(d, got[d]); len(kept) != 1 || kept[0].Severity != lint.Error || kept[0].Line != 4 {
		t.Errorf("with a severity: %q", list(kept))
	}
}

func TestErrors(t *testing.T) {
	d := doc("FROM debian:12\nRUN echo a")
	for name, tt := range map[string]struct{ body, want string }{
		"an option that it does not know": {"echo 'unrecognized option' >&2; exit 4", "exit status 4: unrecognized option"},
		"no JSON":                         {"echo hello", "its answer cannot be read"},
		"nothing":                         {"exit 1", "its answer cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			fake(t, tt.body)
			path, _ := Find()
			if _, err := Run(t.Context(), path, []*lint.Doc{d}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := Run(t.Context(), filepath.Join(t.TempDir(), "none"), []*lint.Doc{d}); err == nil {
		t.Error("no error without a program")
	}
	fake(t, "exec sleep 60")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path, _ := Find()
	if _, err := Run(ctx, path, []*lint.Doc{d}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestNothingToAsk(t *testing.T) {
	fake(t, "exit 4")
	if got := run(t, doc("FROM scratch\nCOPY a /\nRUN [\"a\"]")); got != nil {
		t.Errorf("got %q", got)
	}
}

func TestNotInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if path, ok := Find(); ok {
		t.Errorf("found %s", path)
	}
}

func TestRealProgram(t *testing.T) {
	if _, ok := Find(); !ok {
		t.Fatal(NotFound)
	}
	got := run(t, doc("FROM debian:12\nENV A=1\nRUN true && \\\n    if egrep -q x /etc/passwd; then echo \"$A\"; fi"), "SC2086")
	if len(got) != 1 || !strings.HasPrefix(got[0], "4:8-4:13 SC2196 ") {
		t.Errorf("got %q", got)
	}
}

// TestPrologue checks what the program is told of the variables of a step.
func TestPrologue(t *testing.T) {
	if got := prologue(nil); got != ":" {
		t.Errorf("without a state: %q", got)
	}
	d := doc("FROM debian:12\nENV Z=1 A_b9=2 9X=3 a-b=4 aZ=5 _=6 A{=7 [=8 @=9 `=10 a:b=11\nARG Q\nRUN x\n")
	want := ":; export A_b9='2'; read -r Q; export Z='1'; export _='6'; export aZ='5'"
	if got := prologue(d.Stages[0].Runs()[0].Before); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for name, want := range map[string]bool{"a": true, "z": true, "A": true, "Z": true, "_": true, "a0": true, "a9": true, "0a": false, "9": false, "": false, "a/": false, "a:": false} {
		if isName(name) != want {
			t.Errorf("%q is a name: %v", name, !want)
		}
	}
}

// TestOffsets checks where lines and columns are.
func TestOffsets(t *testing.T) {
	s := &script{text: "ab\n\nöd"}
	for place, want := range map[[2]int]int{{2, 1}: 0, {2, 2}: 1, {2, 3}: 2, {2, 9}: 2, {3, 1}: 3, {3, 2}: 3, {4, 1}: 4, {4, 2}: 6, {4, 3}: 7, {4, 4}: 7, {1, 1}: -1, {0, 1}: -1, {5, 1}: -1} {
		got, ok := s.offset(place[0], place[1])
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%v is at %d, want %d", place, got, want)
		}
	}
}
