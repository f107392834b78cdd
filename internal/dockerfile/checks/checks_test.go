package checks

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

func run(text string, o Options) *Result { return Run(syntax.Parse("Dockerfile", []byte(text)), o) }

// dump is what a result says, with the lines of each warning.
func dump(r *Result) string {
	var out []string
	for _, w := range r.Warnings {
		out = append(out, fmt.Sprintf("%d-%d %s %s", w.Line, w.EndLine, w.Rule, w.Message))
	}
	slices.Sort(out)
	if r.Err != nil {
		out = append(out, fmt.Sprintf("error %d %s", r.Err.Line, r.Err.Message))
	}
	return strings.Join(out, "\n")
}

func rules(r *Result) string {
	var out []string
	for _, w := range r.Warnings {
		out = append(out, fmt.Sprintf("%d:%s", w.Line, w.Rule))
	}
	return strings.Join(out, " ")
}

func TestRun(t *testing.T) {
	config := func(_ string, p ocispecs.Platform) []byte {
		return fmt.Appendf(nil, `{"os":%q,"architecture":%q,"config":{"Env":["A=/b"],"Shell":["/bin/bash","-c"]}}`, p.OS, p.Architecture)
	}
	for _, c := range []struct {
		name, text, want string
		o                Options
	}{
		{"nothing", "FROM debian:12\nRUN a\n", "", Options{}},
		{"lines stay", "FROM debian:12\nRUN a \\\n  b \\\n  # c\n  d\n\nENV e f", "7:LegacyKeyValueFormat", Options{}},
		{"unknown image", "FROM debian:12\nWORKDIR $A", "2:UndefinedVar 2:WorkdirRelativePath", Options{}},
		{"known image", "FROM debian:12\nWORKDIR $A\nCMD a", "", Options{Resolve: config}},
		{"a resolver that panics", "FROM debian:12\nENV a b", "", Options{Resolve: func(string, ocispecs.Platform) []byte { panic("x") }}},
		{"all stages", "FROM debian:12 AS a\nENV a b\nFROM debian:12\nENV a b", "2:LegacyKeyValueFormat 4:LegacyKeyValueFormat", Options{}},
		{"a stage", "FROM debian:12 AS a\nENV a b\nFROM debian:12\nENV a b", "2:LegacyKeyValueFormat", Options{Target: "a"}},
		{"no argument", "ARG B\nFROM $B\nENV a b", "2:InvalidDefaultArgInFrom 3:LegacyKeyValueFormat", Options{}},
		{"an argument", "ARG B\nFROM $B\nENV a b", "2:InvalidDefaultArgInFrom 3:LegacyKeyValueFormat", Options{Args: map[string]string{"B": "debian"}}},
		{"skipped", "# check=skip=LegacyKeyValueFormat\nFROM debian:12\nENV a b\nCMD a", "4:JSONArgsRecommended", Options{}},
		{"all skipped", "# check=skip=all\nFROM debian:12\nENV a b\nCMD a", "", Options{}},
		{"skipped for one", "FROM debian:12\n# check=skip=LegacyKeyValueFormat\nENV a b\nENV a b", "4:LegacyKeyValueFormat", Options{}},
		{"skipped above a RUN", "FROM debian:12\n# check=skip=LegacyKeyValueFormat\nRUN a b\nENV a b", "4:LegacyKeyValueFormat", Options{}},
		{"experimental", "FROM debian:12\n# a\nARG b", "3:InvalidDefinitionDescription", Options{Experimental: true}},
		{"not experimental", "FROM debian:12\n# a\nARG b", "", Options{}},
		{"experimental beside a directive", "# check=skip=LegacyKeyValueFormat\nFROM debian:12\n# a\nARG b\nENV a b", "4:InvalidDefinitionDescription", Options{Experimental: true}},
		{"experimental by a directive", "# check=experimental=all\nFROM debian:12\n# a\nARG b\nENV a b", "4:InvalidDefinitionDescription 5:LegacyKeyValueFormat", Options{}},
		{"experimental with a byte order mark", "\xef\xbb\xbfFROM debian:12\n# a\nARG b", "3:InvalidDefinitionDescription", Options{Experimental: true}},
		{"a platform", "FROM --platform=linux/arm64 debian:12\nRUN a", "1:FromPlatformFlagConstDisallowed", Options{}},
		{"casing counts RUN", "from debian:12\nrun a\nRUN b c\nRUN b c\nRUN d e", "1:ConsistentInstructionCasing 2:ConsistentInstructionCasing", Options{}},
		{"empty lines in a RUN", "FROM debian:12\nRUN a \\\n\n  b\nENV a b", "4:NoEmptyContinuation 5:LegacyKeyValueFormat", Options{}},
		{"windows line ends", "FROM debian:12\r\nRUN a \\\r\n  b\r\nENV a b\r\n", "4:LegacyKeyValueFormat", Options{}},
	} {
		r := run(c.text, c.o)
		if got := rules(r); got != c.want {
			t.Errorf("%s: %s, want %s (%v)", c.name, got, c.want, r.Err)
		}
	}
}

func TestError(t *testing.T) {
	for _, c := range []struct {
		text, message string
		line          int
		warnings      string
	}{
		{"", "empty", 0, ""},
		{"FROM debian:12\nMAINTAINER x\nRUN a \\\n b\nNONSENSE a", "dockerfile parse error on line 5: unknown instruction: NONSENSE", 5, "2:MaintainerDeprecated"},
		{"FROM debian:12\nRUN <<EOF\n", "unterminated heredoc", 2, ""},
		{"ARG X\nFROM $X\nENV a b", "base name ($X) should not be blank", 2, "2:InvalidDefaultArgInFrom 3:LegacyKeyValueFormat"},
		{"FROM debian:12\nENV a b\nRUN c \\\n d\nEXPOSE x", "invalid containerPort: x", 5, "2:LegacyKeyValueFormat"},
		{"# check=nonsense\nFROM debian:12", "invalid check option", 0, ""},
	} {
		r := run(c.text, Options{Experimental: true})
		if r.Err == nil || !strings.Contains(r.Err.Error(), c.message) || r.Err.Line != c.line || rules(r) != c.warnings {
			t.Errorf("%q: %v, %s; want %q at %d, %s", c.text, r.Err, rules(r), c.message, c.line, c.warnings)
		}
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]bool{
		"# check=error=true\nFROM debian:12\nENV a b":                               true,
		"# check=error=true\nFROM debian:12\nENV a=b":                               false,
		"# check=error=false\nFROM debian:12\nENV a b":                              false,
		"# check=skip=LegacyKeyValueFormat;error=true\nFROM debian:12\nENV a b":     false,
		"# syntax=docker/dockerfile:1\n# check=error=true\nFROM debian:12\nENV a b": true,
	} {
		if r := run(text, Options{}); r.Refused != want {
			t.Errorf("%q: refused %v, want %v (%v)", text, r.Refused, want, r.Err)
		}
	}
}

func TestIgnore(t *testing.T) {
	for _, c := range []struct {
		ignore, source string
		want           bool
	}{
		{"", "a", false},
		{"# c\na\n", "a", true},
		{"a", "a/b", true},
		{"a", "./a/", true},
		{"a", "b", false},
		{"*.md", "README.md", true},
		{"*.md", "docs/README.md", false},
		{"**/*.md", "docs/README.md", true},
		{"*\n!a", "b", false},
		{"*", ".", true},
		{"**", "/", true},
		{"a", ".", false},
	} {
		i, err := ReadIgnore([]byte(c.ignore))
		if err != nil {
			t.Fatal(err)
		}
		if got := i.Ignores(c.source); got != c.want {
			t.Errorf("%q ignores %s: %v, want %v", c.ignore, c.source, got, c.want)
		}
	}
	if _, err := ReadIgnore([]byte("[")); err == nil {
		t.Error("a pattern that is none is no error")
	}
}

// TestOddBytes checks that nothing is printed about bytes that are no text, and that the rest is looked at.
func TestOddBytes(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = w
	got := rules(run("FROM debian:12\nENV A \x00\nLABEL b \xff\nRUN <<EOF \xff\x00\nx\nEOF\nENV \u00e4 b\n", Options{}))
	os.Stderr = stderr
	w.Close()
	if printed, err := io.ReadAll(r); err != nil || len(printed) > 0 {
		t.Errorf("printed %q, %v", printed, err)
	}
	if want := "2:LegacyKeyValueFormat 3:LegacyKeyValueFormat 7:LegacyKeyValueFormat"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzLikeBuildKit checks that BuildKit says the same of a file as of what Run makes of it.
func FuzzLikeBuildKit(f *testing.F) {
	for _, s := range []string{
		"FROM a\nRUN b c \\\n d\nENV e f\n",
		"from a\n# check=skip=all\nRUN b c\nrun d e\nCMD x\n",
		"# escape=`\nFROM a\nRUN --mount=type=cache,target=/x b `\n\n c\nENV d e",
		"\xef\xbb\xbfFROM a\r\nRUN b \\\r\n c\r\nLABEL d e\r\nRUN <<EOF\nx\nEOF\nENV f g",
		"FROM a AS B\nONBUILD RUN c d\nFROM b\nMAINTAINER x\nEXPOSE 1/TCP\nUSER $y",
		"RUN a b\nFROM a\nRUN --network=x a b\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := syntax.Parse("Dockerfile", data)
		if slices.ContainsFunc(file.Directives, func(d syntax.Directive) bool { return d.Name == "check" }) {
			return // error=true is read here
		}
		plain := ask(data, Options{})
		if got, want := dump(Run(file, Options{})), dump(plain); got != want && plain.Err == nil {
			t.Errorf("%q\ngot  %s\nwant %s", data, got, want)
		}
	})
}
