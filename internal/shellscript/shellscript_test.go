package shellscript

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	dockerfile "github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

// parse reads the first instruction of a Dockerfile as a script.
func parse(t testing.TB, file string, d Dialect) (*Script, *dockerfile.File) {
	t.Helper()
	f := dockerfile.Parse("Dockerfile", []byte(file))
	if len(f.Instructions) == 0 {
		t.Fatalf("no instruction in %q", file)
	}
	return Parse(f.Instructions[0].Args, d), f
}

func command(t *testing.T, line string) *Command {
	t.Helper()
	s, _ := parse(t, "RUN "+line, Bash)
	if s.Err != nil || len(s.Commands) == 0 {
		t.Fatalf("%q: %v, %d commands", line, s.Err, len(s.Commands))
	}
	return s.Commands[0]
}

func TestDialectOf(t *testing.T) {
	for program, want := range map[string]Dialect{
		"/bin/sh": Sh, "sh": Sh, "/bin/ash": Sh, "dash": Sh, "/bin/busybox": Sh,
		"/bin/bash": Bash, "/usr/local/bin/bash": Bash, `C:\Program Files\Git\bin\BASH.EXE`: Bash,
		"ksh": Ksh, "mksh": Ksh, "/bin/ksh93": Ksh, "/usr/bin/zsh": Zsh,
		"powershell": Other, "cmd": Other, "pwsh.exe": Other, "/usr/bin/python3": Other, "fish": Other, "": Other,
	} {
		if got := DialectOf(program); got != want {
			t.Errorf("DialectOf(%q) = %d, want %d", program, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		written, value  string
		literal, quoted bool
	}{
		{`curl`, `curl`, true, false},
		{`"curl"`, `curl`, true, true},
		{`'curl'`, `curl`, true, true},
		{`''`, ``, true, true},
		{`""`, ``, true, true},
		{`"a b"c`, `a bc`, true, false},
		{`'a'"b"`, `ab`, true, false},
		{`a\ b`, `a b`, true, false},
		{`a\\b`, `a\b`, true, false},
		{`"a\b"`, `a\b`, true, true},
		{`"a\"b\$c\\d"`, `a"b$c\d`, true, true},
		{`'a\b'`, `a\b`, true, true},
		{`\a`, `a`, true, false},
		{`$A`, `$A`, false, false},
		{`"$A"`, `$A`, false, true},
		{`'$A'`, `$A`, true, true},
		{`\$A`, `$A`, true, false},
		{`x${A:-"b c"}y`, `x${A:-"b c"}y`, false, false},
		{`"x$(id -u)"`, `x$(id -u)`, false, true},
		{`$((1 + 2))`, `$((1 + 2))`, false, false},
		{`<(ls)`, `<(ls)`, false, false},
		{"`id`", "`id`", false, false},
		{`*.deb`, `*.deb`, true, false},
		{`{a,b}`, `{a,b}`, true, false},
		{`ä"ö"`, `äö`, true, false},
		{`--flag="x y"`, `--flag=x y`, true, false},
	} {
		c := command(t, "run "+tt.written)
		if len(c.Words) != 2 {
			t.Errorf("%s: %d words", tt.written, len(c.Words))
			continue
		}
		w := c.Words[1]
		if w.S != tt.value || w.Literal != tt.literal || w.Quoted != tt.quoted || w.Text.S != tt.written {
			t.Errorf("%s: %q literal=%v quoted=%v text=%q, want %q %v %v", tt.written, w.S, w.Literal, w.Quoted, w.Text.S, tt.value, tt.literal, tt.quoted)
		}
	}
}

func TestCommandsWhereverTheyStand(t *testing.T) {
	for script, want := range map[string]string{
		"a && b || c; d": "a b c d",
		"a | b |& c & d": "a b c d",
		"if a; then b; elif c; then d; else e; fi": "a b c d e",
		"while a; do b; done; until c; do d; done": "a b c d",
		"for i in $(a); do b; done":                "a b",
		"case $(a) in x) b;; *) c;; esac":          "a b c",
		"f() { a; }; f":                            "a f",
		"(a; { b; })":                              "a b",
		"x=$(a) y=`b`; c":                          "a b c",
		`d "$(a "$(b)")"`:                          "d a b",
		"diff <(a) >(b)":                           "diff a b",
		"! a; time b":                              "a b",
		"x=1 a; export y=$(b)":                     "a b",
		"[[ -n $(a) ]]; ((1 + $(b)))":              "a b",
		"a > $(b)":                                 "a b",
		"cat <<X\n$(a)\nX\nb":                      "cat a b",
		"x=1":                                      "",
		"":                                         "",
		"# only a comment":                         "",
	} {
		s := Parse(dockerfile.Text{S: script}, Bash)
		if s.Err != nil {
			t.Errorf("%q: %v", script, s.Err)
			continue
		}
		var got []string
		for _, c := range s.Commands {
			got = append(got, c.Name())
			if c.Stmt == nil || c.Call == nil || c.Script != s {
				t.Errorf("%q: %s has no statement, call or script", script, c.Name())
			}
		}
		// the tree has redirections behind the command that they belong to
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", script, got, want)
		}
	}
}

func TestStatementHasTheRedirections(t *testing.T) {
	s := Parse(dockerfile.Text{S: "a > /x; b 2>&1 < /y | c"}, Sh)
	var got []int
	for _, c := range s.Commands {
		got = append(got, len(c.Stmt.Redirs))
	}
	if !slices.Equal(got, []int{1, 2, 0}) {
		t.Errorf("redirections: %v", got)
	}
}

func TestNames(t *testing.T) {
	for line, want := range map[string][2]string{
		"/usr/bin/apt-get update": {"/usr/bin/apt-get", "apt-get"},
		"'apt-get' update":        {"apt-get", "apt-get"},
		"$APT update":             {"", "."},
		`"$DIR"/run x`:            {"", "."},
		"./run":                   {"./run", "run"},
	} {
		c := command(t, line)
		if c.Name() != want[0] || c.Base() != want[1] {
			t.Errorf("%s: name %q, base %q", line, c.Name(), c.Base())
		}
		if c.Text().S != line {
			t.Errorf("%s: the text is %q", line, c.Text().S)
		}
	}
	if c := command(t, "A=1 run x > /y"); c.Text().S != "A=1 run x" {
		t.Errorf("the text is %q", c.Text().S)
	}
}

func TestHasAndSub(t *testing.T) {
	c := command(t, "apt-get -q 'install' curl")
	if !c.Has("remove", "install") || c.Has("apt-get") || c.Has("remove") || c.Sub() != "install" {
		t.Errorf("Has or Sub is wrong: %q", c.Sub())
	}
	if w, ok := c.Find("curl", "-q"); !ok || w.S != "-q" {
		t.Errorf("Find gives %q: the first one counts", w.S)
	}
	if s := command(t, "apt-get -q").Sub(); s != "" {
		t.Errorf("Sub is %q without one", s)
	}
}

func TestHasFlag(t *testing.T) {
	for _, tt := range []struct {
		line  string
		flags []string
		want  bool
	}{
		{"x -y", []string{"-y"}, true},
		{"x -qy a", []string{"-y"}, true},
		{"x -yq", []string{"-y"}, true},
		{"x --yes", []string{"-y", "--yes"}, true},
		{"x --yes=1", []string{"--yes"}, true},
		{"x --yesterday", []string{"--yes"}, false},
		{"x --no-y", []string{"-y"}, false},
		{"x y", []string{"-y"}, false},
		{"x -- -y", []string{"-y"}, false},
		{"x '-y'", []string{"-y"}, true},
		{"x -o=y", []string{"-y"}, false},
		{"x -qq", []string{"-qq"}, true},
		{"x -name=b", []string{"-name"}, true},
		{"x -names", []string{"-name"}, false},
		{"x -", []string{"-y"}, false},
		{"x", []string{"-y"}, false},
		{"-y", []string{"-y"}, false},
	} {
		if got := command(t, tt.line).HasFlag(tt.flags...); got != tt.want {
			t.Errorf("%s: HasFlag(%q) = %v", tt.line, tt.flags, got)
		}
	}
}

func TestFlagValue(t *testing.T) {
	for _, tt := range []struct {
		line  string
		flags []string
		want  string
		ok    bool
	}{
		{"x -t a", []string{"-t"}, "a", true},
		{"x -ta", []string{"-t"}, "a", true},
		{"x -t=a", []string{"-t"}, "a", true},
		{"x --to a", []string{"-t", "--to"}, "a", true},
		{"x --to=a b", []string{"--to"}, "a", true},
		{"x --to='a b'", []string{"--to"}, "a b", true},
		{"x --top=a", []string{"--to"}, "", false},
		{"x --to=", []string{"--to"}, "", true},
		{"x --to", []string{"--to"}, "", false},
		{"x -- --to a", []string{"--to"}, "", false},
		{"x a", []string{"-t"}, "", false},
	} {
		got, ok := command(t, tt.line).FlagValue(tt.flags...)
		if got.S != tt.want || ok != tt.ok {
			t.Errorf("%s: FlagValue(%q) = %q, %v", tt.line, tt.flags, got.S, ok)
		}
	}
}

func TestOperands(t *testing.T) {
	for line, want := range map[string]string{
		"x a b":             "a b",
		"x -y a --long b":   "a b",
		"x -t val a":        "a",
		"x --to val a":      "a",
		"x --to=val a":      "a",
		"x -- -t a":         "-t a",
		"x a -- -b":         "a -b",
		"x - a":             "- a",
		"x -t":              "",
		"x":                 "",
		"x -t -- a":         "a",
		"x 'a b' \"$C\" -q": "a b $C",
	} {
		var got []string
		for _, w := range command(t, line).Operands("-t", "--to") {
			got = append(got, w.S)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestExec(t *testing.T) {
	s := Exec([]Word{{S: "apt-get", Literal: true}, {S: "install", Literal: true}, {S: "-y", Literal: true}})
	if len(s.Commands) != 1 || s.Dialect != Other {
		t.Fatalf("%d commands", len(s.Commands))
	}
	if c := s.Commands[0]; c.Name() != "apt-get" || !c.Has("install") || !c.HasFlag("-y") || c.Text().S != "" {
		t.Errorf("the command is %+v", c)
	}
	if s := Exec(nil); len(s.Commands) != 0 {
		t.Error("a command out of nothing")
	}
}

func TestDialects(t *testing.T) {
	for _, d := range []Dialect{Sh, Bash, Ksh, Zsh} {
		s := Parse(dockerfile.Text{S: "[[ -f /a ]] && b=(c d) && e"}, d)
		if s.Err != nil || s.Tree == nil || len(s.Commands) != 1 || s.Dialect != d {
			t.Errorf("dialect %d: %v, %d commands", d, s.Err, len(s.Commands))
		}
	}
	if s := Parse(dockerfile.Text{S: "if ($a) { b }"}, Other); s.Err != nil || s.Tree != nil || len(s.Commands) != 0 {
		t.Error("another language is read as a shell's")
	}
}

func TestErrors(t *testing.T) {
	for script, at := range map[string]int{
		"if a; then b":  0,
		"a && echo (b)": 5,
		"a )":           2,
		`a "b`:          2,
		"a; done":       3,
	} {
		s, f := parse(t, "RUN "+script, Sh)
		if s.Err == nil || s.Tree != nil || len(s.Commands) != 0 {
			t.Errorf("%q: no error", script)
			continue
		}
		if s.ErrAt != at {
			t.Errorf("%q: the error is at %d, want %d: %v", script, s.ErrAt, at, s.Err)
		}
		if _, column := f.Position(s.Text.Offset(s.ErrAt)); column != at+5 {
			t.Errorf("%q: column %d", script, column)
		}
	}
}

// lookUp checks that each word stands in the file where its text says, byte by byte.
func lookUp(t testing.TB, s *Script, data []byte) {
	t.Helper()
	for _, c := range s.Commands {
		if len(c.Words) == 0 {
			t.Errorf("a command without words in %q", data)
			continue
		}
		last := -1
		for _, w := range c.Words {
			for i := range len(w.Text.S) {
				at := w.Text.Offset(i)
				if at < 0 || at >= len(data) || data[at] != w.Text.S[i] || at <= last {
					t.Fatalf("byte %d of %q is at %d of %q", i, w.Text.S, at, data)
				}
				last = at
			}
			if end := w.Text.Offset(len(w.Text.S)); end != last+1 {
				t.Errorf("%q ends at %d, want %d", w.Text.S, end, last+1)
			}
		}
	}
}

func TestPositions(t *testing.T) {
	file := "RUN --mount=type=cache,target=/x apt-get update \\\n" +
		"  # a comment\n" +
		" && apt-get install -y \\\r\n" +
		"\n" +
		"      \"curl=ä$V\" \\\n" +
		"      gi\\\n" +
		"t > /l\\\n" +
		"og\n"
	s, f := parse(t, file, Sh)
	if s.Err != nil {
		t.Fatal(s.Err)
	}
	lookUp(t, s, f.Data)
	var got []string
	for _, c := range s.Commands {
		for _, w := range c.Words {
			line, column := f.Position(w.Text.Offset(0))
			got = append(got, w.S+"@"+string(rune('0'+line))+":"+string(rune('0'+column/10))+string(rune('0'+column%10)))
		}
	}
	want := []string{"apt-get@1:34", "update@1:42", "apt-get@3:05", "install@3:13", "-y@3:21", "curl=ä$V@5:07", "git@6:07"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, script := range []string{
		"apt-get update && apt-get install -y \\\n  curl", "a \"b $(c 'd')\" | e > f", "x=$(a `b`); for i in *; do c; done", "if [[ $a == b* ]]; then c=(d); fi",
		"cat <<X\n$a\nX", "a \\\r\n  ä\\ö \\\n# c\n && 'b\\", "f() { local a=${b//c/d}; }; f <(g)", "RUN", "\\\n\\\n", "a <<< b; ((c++)); echo $'d'",
	} {
		f.Add(script, byte(0))
	}
	f.Fuzz(func(t *testing.T, script string, dialect byte) {
		d := Dialect(dialect % 5)
		file := dockerfile.Parse("Dockerfile", []byte("RUN "+script))
		for _, in := range file.Instructions {
			s := Parse(in.Args, d)
			if (s.Err != nil) && s.Tree != nil || s.ErrAt < 0 || s.ErrAt > len(in.Args.S) {
				t.Fatalf("the error is at %d of %d", s.ErrAt, len(in.Args.S))
			}
			for _, c := range s.Commands {
				if len(c.Words) == 0 {
					t.Fatal("a command without words")
				}
				c.Name()
				c.Sub()
				c.Operands("-o")
				c.HasFlag("-y", "--yes", "-qq")
				c.FlagValue("-t", "--to")
				for _, w := range c.Words {
					from, to := w.Text.Offset(0), w.Text.Offset(len(w.Text.S))
					if from < 0 || to < from || to > len(file.Data) {
						t.Fatalf("%q is from %d to %d of %d", w.Text.S, from, to, len(file.Data))
					}
					for i := range len(w.Text.S) {
						if at := w.Text.Offset(i); file.Data[at] != w.Text.S[i] {
							t.Fatalf("byte %d of %q is not at %d", i, w.Text.S, at)
						}
					}
				}
			}
		}
	})
}

// A subshell in a subshell is none of arithmetic, and what is behind it keeps its place.
func TestSubshellInSubshell(t *testing.T) {
	for file, want := range map[string][]string{
		"RUN ((a x; b) | c) \\\n && d":       {"1:7 a", "1:12 b", "1:17 c", "2:5 d"},
		"RUN x \"$((a; b) | c)\" ((d)":       nil,
		"RUN y $((a; b) | c) $((d; e) 2>&1)": {"1:5 y", "1:10 a", "1:13 b", "1:18 c", "1:24 d", "1:27 e"},
		"RUN echo $((1 + (2)))":              {"1:5 echo"},
		"RUN ((a":                            nil,
	} {
		s, f := parse(t, file, Bash)
		if s.Err == nil != (want != nil) {
			t.Errorf("%q: %v", file, s.Err)
		}
		var got []string
		for _, c := range s.Commands {
			line, column := f.Position(c.Words[0].Text.Offset(0))
			got = append(got, fmt.Sprintf("%d:%d %s", line, column, c.Name()))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: commands %v, want %v", file, got, want)
		}
	}
}
