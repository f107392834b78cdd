package starter

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/graph"
)

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// folder makes a folder of files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		try(t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)))
	}
	return dir
}

func tree(t *testing.T, dir string) string {
	t.Helper()
	var out []string
	try(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		out = append(out, rel)
		return err
	}))
	return strings.Join(out, " ")
}

func write(t *testing.T, dir, registry string) []File {
	t.Helper()
	found, err := Look(dir)
	try(t, err)
	files, err := Files(found, registry)
	try(t, err)
	try(t, Write(dir, files))
	return files
}

func TestNewCatalog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	files := write(t, dir, "")
	if got := files[len(files)-1].Path; got != "plinth.yaml" {
		t.Errorf("the last file is %s", got)
	}
	c, err := catalog.Load(dir)
	try(t, err)
	g, err := graph.Build(c)
	try(t, err)
	if c.Config.Registry != DefaultRegistry || len(g.Targets) != 2 || g.Targets[0].Name != "python" || g.Targets[1].Name != "hello" {
		t.Fatalf("got %+v", g.Targets)
	}
	hello := g.Targets[1]
	if len(hello.Upstreams) != 0 || len(hello.Parents) != 1 || hello.Parents[0].Target.Name != "python" || g.Targets[0].Packages.Debian != "13" {
		t.Errorf("got %+v", hello)
	}
	if found, err := Look(dir); err != nil || found.Ignore != StateListed || !slices.Equal(found.Folders, []string{"0000-python", "0100-hello"}) {
		t.Errorf("%+v, %v", found, err)
	}
}

// The rules for what is an image are those of a catalog.
func TestLookFindsWhatACatalogFinds(t *testing.T) {
	dir := folder(t, map[string]string{
		"Dockerfile": "FROM scratch\n", "a/Dockerfile": "FROM scratch\n", "a/image.yaml": "title: A\n", "b/c/d/Dockerfile": "FROM scratch\n",
		"b/c/d/e/Dockerfile": "FROM scratch\n", ".x/Dockerfile": "FROM scratch\n", "tests/a/Dockerfile": "FROM scratch\n",
		"f/tests/x/Dockerfile": "FROM scratch\n", "flavours2/Dockerfile": "FROM scratch\n", "10-p/image.yaml": "packages: [curl]\ndebian: 12\n",
		"q/Dockerfile.dev": "FROM scratch\n", "r/x/Dockerfile/y": "a folder",
	})
	found, err := Look(dir)
	try(t, err)
	try(t, os.WriteFile(filepath.Join(dir, "plinth.yaml"), []byte("registry: r.example/x\n"), 0o644))
	c, err := catalog.Load(dir)
	try(t, err)
	var want []string
	for _, i := range c.Images {
		want = append(want, i.Dir)
		if got := targetName(i.Dir); got != i.Name {
			t.Errorf("%s is called %s, not %s", i.Dir, i.Name, got)
		}
	}
	if len(want) != 4 || !slices.Equal(found.Folders, want) {
		t.Errorf("got  %v\nwant %v", found.Folders, want)
	}
	for dir, want := range map[string]string{"0100-java": "java", "x/7-a-b": "a-b", "java-17": "java-17", "0100-": "0100-", "-x": "-x", "0100": "0100"} {
		if got := targetName(dir); got != want {
			t.Errorf("%s: %s, want %s", dir, got, want)
		}
	}
}

func TestPrefixes(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"most frequent first": {"FROM b.example/x/java\nFROM a.example/java\nFROM a.example/java:1\nFROM c.example/java", "a.example b.example/x c.example"},
		"nothing in front":    {"FROM java\nFROM java:17\nFROM docker.io/library/java\nFROM library/java", ""},
		"Docker Hub":          {"FROM acme/java", "acme"},
		"others' images":      {"FROM a.example/python\nFROM debian:12", ""},
		"an argument":         {"ARG R=a.example:5000/b\nFROM $R/java", "a.example:5000/b"},
		"unset argument":      {"ARG R\nFROM $R/java", ""},
		"not a Dockerfile":    {"FRMO a.example/java", ""},
	} {
		files := map[string]string{"0100-java/Dockerfile": "FROM scratch\n"}
		lines := strings.Split(test.text, "\n")
		if len(lines) > 1 && strings.HasPrefix(lines[0], "FROM") {
			for i, line := range lines {
				files[string(rune('a'+i))+"/Dockerfile"] = line + "\n"
			}
		} else {
			files["x/Dockerfile"] = test.text + "\n"
		}
		found, err := Look(folder(t, files))
		if got := strings.Join(found.Prefixes, " "); err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
	}
}

func TestFilesForImagesThatAreThere(t *testing.T) {
	found := Found{Folders: []string{"java"}, Prefixes: []string{"a.example/x", "b.example"}}
	for _, test := range []struct {
		registry string
		ignore   Ignore
		paths    string
		want     string
	}{
		{"", NoIgnoreFile, ".gitignore plinth.yaml", "registry: a.example/x\n|aliases: [b.example]\n"},
		{"", StateListed, "plinth.yaml", "registry: a.example/x\n"},
		{"c.example", StateMissing, "plinth.yaml", "registry: c.example\n|aliases: [a.example/x, b.example]\n"},
		{"b.example", StateMissing, "plinth.yaml", "registry: b.example\n|aliases: [a.example/x]\n"},
	} {
		found.Ignore = test.ignore
		files, err := Files(found, test.registry)
		try(t, err)
		var paths []string
		for _, f := range files {
			paths = append(paths, f.Path)
		}
		if got := strings.Join(paths, " "); got != test.paths {
			t.Errorf("files %s, want %s", got, test.paths)
		}
		for _, want := range strings.Split(test.want, "|") {
			if text := files[len(files)-1].Text; !strings.Contains(text, "\n"+want) {
				t.Errorf("plinth.yaml has no %q:\n%s", want, text)
			}
		}
	}
	if len(found.Prefixes) != 2 || found.Prefixes[0] != "a.example/x" {
		t.Error("what was found has changed")
	}
}

func TestIgnore(t *testing.T) {
	for text, want := range map[string]Ignore{
		".plinth/\n": StateListed, "*.o\n/.plinth\n": StateListed, " .plinth \r\n": StateListed, "": StateMissing, ".plinth2\n": StateMissing, "# .plinth\n": StateMissing,
	} {
		if found, err := Look(folder(t, map[string]string{".gitignore": text})); err != nil || found.Ignore != want {
			t.Errorf("%q: %v, %v; want %v", text, found.Ignore, err, want)
		}
	}
	if found, err := Look(folder(t, nil)); err != nil || found.Ignore != NoIgnoreFile {
		t.Errorf("%v, %v", found.Ignore, err)
	}
}

func TestBadRegistry(t *testing.T) {
	_, err := Files(Found{}, "https://r.example")
	var e *diag.Error
	if !errors.As(err, &e) || e.Code != diag.ExitUsage || e.Pos.File != "" || !strings.Contains(e.Msg, "it is a URL") {
		t.Errorf("got %#v", err)
	}
}

func TestWriteLeavesNothingBehind(t *testing.T) {
	dir := folder(t, map[string]string{"mine/x": "", "top": ""})
	before := tree(t, dir)
	for name, files := range map[string][]File{
		"a file for a folder":  {{"new/deep/a", "a"}, {"mine/a", "a"}, {"new/deep/a/b", "b"}},
		"one that is there":    {{"new/a", "a"}, {"mine/x", "mine"}},
		"below a file":         {{"new/a", "a"}, {"top/a", "a"}},
		"a folder of its name": {{"new/a", "a"}, {"mine", "a"}},
		"twice":                {{"new/a", "a"}, {"new/a", "b"}},
	} {
		if err := Write(dir, files); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := tree(t, dir); got != before {
			t.Errorf("%s: left %s", name, got)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "mine", "x")); err != nil || len(text) != 0 {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	err := Write(dir, []File{{"mine/x", ""}, {"b", ""}, {"top", ""}})
	if want := "cannot start a catalog in " + dir + ": these files are there: mine/x, top"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	// the parts that are made for a folder that is not there go too
	nested := filepath.Join(dir, "n", "o")
	if err := Write(nested, []File{{"a", ""}, {"a/b", ""}}); err == nil || tree(t, dir) != before {
		t.Errorf("%v, left %s", err, tree(t, dir))
	}
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{"a/b-c_1.2:@%,=+": "a/b-c_1.2:@%,=+", "": "''", "my bases": "'my bases'", "it's": `'it'\''s'`, "$x": "'$x'", "ä": "'ä'", "a;b": "'a;b'"} {
		if got := Quote(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}
