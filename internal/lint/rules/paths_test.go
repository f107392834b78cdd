package rules

import (
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// lastStep is the last instruction of a file whose only stage stands on debian:12.
func lastStep(t *testing.T, file string) (*lint.Stage, step) {
	t.Helper()
	d := (&sample{}).doc(t, "FROM debian:12\n"+file+"\n")
	steps := sequences(d.Stages[0])[0]
	return d.Stages[0], steps[len(steps)-1]
}

func TestRunPath(t *testing.T) {
	for _, c := range []struct {
		before, words, want string // the path of each word, - for one that is not known
	}{
		{"WORKDIR /w", "/a /b/../c d ./e .", "/a /c /w/d /w/e /w"},
		{"ENV A=/x B=y", "$A ${A}/z $B $C /v/$B /v/$C", "/x /x/z - - /v/y -"},
		{"WORKDIR $C", "/a b", "/a -"},
		{"WORKDIR $C/d", "b", "-"},
		{"", "/a b", "/a -"},
		{"WORKDIR w", "b", "-"},
		{"WORKDIR /w", "~ ~/a ~b ~b/c \"~/d\" '~'", "/root /root/a /w/~b /w/~b/c /w/~/d /w/~"},
		{"USER root", "~/a", "/root/a"},
		{"USER 0:0", "~/a", "/root/a"},
		{"USER app", "~/a /b", "- /b"},
		{"WORKDIR /w", "$(x)/a `x`/b /c/$(x) '(d' \"\" '{e' /f`x`", "- - - /w/(d - /w/{e -"},
		{"WORKDIR /w", "'a`b' '$c' \"d\\\\\" C:/e c:e", "- - - - -"},
	} {
		s, st := lastStep(t, c.before+"\nRUN rm "+c.words)
		var got []string
		for _, w := range st.run.Commands()[0].Args() {
			name := runPath(s, st, w)
			if name == "" {
				name = "-"
			}
			got = append(got, name)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: rm %s: paths %q, want %q", c.before, c.words, strings.Join(got, " "), c.want)
		}
	}
}

func TestRunPathAfterCd(t *testing.T) {
	for script, want := range map[string]string{
		"cd /a && rm b": "", "pushd /a; rm b; ls": "", "cd /a && ls && rm b": "", "echo cd && rm b": "/w/b", "cd /a && rm /b": "/b", "cd /a && rm $A": "/x",
	} {
		s, st := lastStep(t, "WORKDIR /w\nENV A=/x\nRUN "+script)
		st.run.Each(func(c *shellscript.Command) {
			if c.Name() == "rm" {
				if got := runPath(s, st, c.Args()[0]); got != want {
					t.Errorf("%s: %q, want %q", script, got, want)
				}
			}
		})
	}
}

// checkPaths compares what find has for instructions with the paths that are wanted. Each instruction begins with what is in
// before, and its folder is /w.
func checkPaths[T any](t *testing.T, before string, find func(*lint.Stage, step) []T, path func(T) string, want map[string]string) {
	t.Helper()
	for in, paths := range want {
		s, st := lastStep(t, "WORKDIR /w\n"+before+in)
		var got []string
		for _, x := range find(s, st) {
			got = append(got, path(x))
		}
		if strings.Join(got, " ") != paths {
			t.Errorf("%s%s: %q, want %q", before, in, got, paths)
		}
	}
}

func madePath(m made) string { return m.path }

func TestMadeByCopy(t *testing.T) {
	checkPaths(t, "", madeByCopy, madePath, map[string]string{
		"COPY a /b":                          "/b",
		"COPY a /b/":                         "/b/a",
		"COPY a .":                           "/w/a",
		"COPY a b /c":                        "/c/a /c/b",
		"COPY x/a /opt":                      "/opt/a",
		"COPY . /b":                          "/b",
		"COPY a . /b":                        "/b",
		"COPY $A/ $B b/ /c/":                 "/c/b",
		"COPY --from=x / /c/":                "",
		"COPY --from=x . /c/":                "",
		"COPY a $C":                          "",
		"COPY a.tgz /b":                      "/b",
		"ADD a.tgz /b":                       "/b",
		"ADD a.tgz /opt":                     "",
		"ADD a.tgz b /opt/":                  "/opt/b",
		"ADD https://example.com/a.tgz /b":   "/b",
		"ADD https://example.com/a.tgz /opt": "/opt/a.tgz",
		"RUN cp a b":                         "",
	})
}

func TestMadeByRun(t *testing.T) {
	checkPaths(t, "RUN ", madeByRun, madePath, map[string]string{
		"curl -o a https://example.com/b":                 "/w/a",
		"curl https://example.com/b":                      "",
		"curl -o - https://example.com/b":                 "",
		"curl -o /dev/null https://example.com/b":         "",
		"curl -o $X https://example.com/b":                "",
		"wget https://example.com/b":                      "/w/b",
		"git clone https://example.com/x /src":            "/src",
		"git clone --depth 1 https://example.com/x":       "",
		"git fetch https://example.com/x /src":            "",
		"git clone -b v1 https://example.com/x /src && x": "/src",
		"cp a b": "",
	})
}

func TestDeletions(t *testing.T) {
	checkPaths(t, "RUN ", deletions, func(d deletion) string { return d.path }, map[string]string{
		"rm -rf /a b": "/a /w/b", "unlink /a": "/a", "shred -u /a && ls /b": "/a", "rm / /c": "/c", "rm /a/{b,c}.x {d,}e": "/a/b.x /a/c.x /w/de /w/e", "rm $X": "", "sudo rm /a": "/a", "rmdir /a": "",
	})
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"/a", "/a", true}, {"/a", "/a/b", true}, {"/a", "/ab", false}, {"/a/*", "/a/b", true}, {"/a/*", "/a/b/c", true}, {"/a/*.x", "/a/b", false},
		{"/*", "/a/b", true}, {"/a/[", "/a/b", false}, {"/a?", "/ab/c", true}, {"*", "b", true}, {"*", ".", false},
	} {
		if got := (deletion{path: c.pattern}).removes(c.name); got != c.want {
			t.Errorf("rm %s removes %s: %v", c.pattern, c.name, got)
		}
	}
}

func TestCopyOf(t *testing.T) {
	for in, want := range map[string]bool{"COPY a b": true, "ADD a b": true, "COPY a": false, "RUN a b": false, "COPY [\"a\", \"b\"]": true} {
		_, st := lastStep(t, in)
		if _, got := copyOf(st.in); got != want {
			t.Errorf("%s: %v", in, got)
		}
	}
	for _, source := range []string{"setup.py", "jest.config.js", ".eslintrc.js", "x.txt", "http", "docs"} {
		if isCode(source) {
			t.Errorf("%s is no code", source)
		}
	}
	for _, source := range []string{"main.py", "./src", "cmd/", "a/b.go"} {
		if !isCode(source) {
			t.Errorf("%s is code", source)
		}
	}
	if !isURL("http://x") || !isURL("https://x") || isURL("x") || isURL("git@x:y") {
		t.Error("isURL is wrong")
	}
	if manifestOf("a/package.json") != "node" || manifestOf("README") != "" {
		t.Error("manifestOf is wrong")
	}
}
