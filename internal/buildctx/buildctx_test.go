package buildctx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
)

// files makes a tree: a name that ends in a slash is a folder, a text that
// begins with "-> " a link, all else a file. Modes are 0644 and 0755 whatever the umask.
func files(t *testing.T, dir string, tree map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		path := filepath.Join(dir, name)
		folder := filepath.Dir(path)
		if strings.HasSuffix(name, "/") {
			folder = path
		}
		try(t, os.MkdirAll(folder, 0o755))
		for p := folder; p != dir; p = filepath.Dir(p) {
			try(t, os.Chmod(p, 0o755))
		}
		switch target, link := strings.CutPrefix(tree[name], "-> "); {
		case strings.HasSuffix(name, "/"):
		case link:
			try(t, os.Symlink(target, path))
		default:
			write(t, path, tree[name])
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	try(t, os.WriteFile(path, []byte(text), 0o644))
	try(t, os.Chmod(path, 0o644))
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// asNobody runs f as a user who owns nothing, if the test is root's. f must not end the test.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread, with its user, ends with this goroutine
		const nobody = 65534
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody); errno != 0 {
			t.Errorf("cannot become nobody: %v", errno)
			return
		}
		f()
	}()
	<-done
}

// openDir is a temporary folder that others may enter.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	try(t, os.Chmod(filepath.Dir(dir), 0o755))
	try(t, os.Chmod(dir, 0o755))
	return dir
}

func checkError(t *testing.T, err error, want string, hints ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", want)
	}
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	var got []string
	for _, e := range diag.Flatten(err) {
		got = append(got, e.Hints...)
	}
	if !slices.Equal(got, hints) {
		t.Errorf("hints %q, want %q", got, hints)
	}
}

func TestScan(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "img")
	files(t, dir, map[string]string{
		"Dockerfile": "FROM scratch", "sub/Dockerfile": "kept", "b.txt": "hello\n", "a/x": "", "a/empty/": "",
		"a/link": "-> ../b.txt", "a-b": "1", "dangling": "-> nowhere",
	})
	try(t, os.Chmod(filepath.Join(dir, "b.txt"), fs.ModeSetuid|0o750))
	try(t, os.Chmod(filepath.Join(dir, "a"), fs.ModeSticky|0o777))
	try(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	listener, err := net.Listen("unix", filepath.Join(dir, "sock"))
	try(t, err)
	defer listener.Close()
	try(t, os.Chmod(filepath.Join(dir, "sock"), 0o700))

	got, err := Scan(root, dir, "Dockerfile", nil)
	try(t, err)
	want := []Entry{
		{"a", fs.ModeDir | fs.ModeSticky | 0o777, ""},
		{"a/empty", fs.ModeDir | 0o755, ""},
		{"a/link", fs.ModeSymlink | 0o777, "../b.txt"},
		{"a/x", 0o644, sum("")},
		{"a-b", 0o644, sum("1")},
		{"b.txt", fs.ModeSetuid | 0o750, sum("hello\n")},
		{"dangling", fs.ModeSymlink | 0o777, "nowhere"},
		{"pipe", fs.ModeNamedPipe | 0o600, ""},
		{"sock", 0o700, ""},
		{"sub", fs.ModeDir | 0o755, ""},
		{"sub/Dockerfile", 0o644, sum("kept")},
	}
	if !reflect.DeepEqual(got.Entries, want) {
		t.Errorf("got\n%v\nwant\n%v", got.Entries, want)
	}
	var text strings.Builder
	for _, e := range want {
		fmt.Fprintf(&text, "%s\x00%o\x00%s\x00", e.Path, e.Mode, e.Sum)
	}
	if got.Digest != sum(text.String()) {
		t.Errorf("digest %s, want the hash of\n%q", got.Digest, text.String())
	}

	cached, err := Scan(root, dir, "Dockerfile", LoadStatCache(filepath.Join(root, "cache")))
	if err != nil || !reflect.DeepEqual(cached, got) {
		t.Errorf("with a cache: %v, %v", cached, err)
	}
}

func TestScanOfNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "Dockerfile"), "FROM scratch")
	got, err := Scan(dir, dir, "Dockerfile", nil)
	if want := (Context{Digest: sum("")}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDigestFollowsWhatADockerfileSees(t *testing.T) {
	dir := t.TempDir()
	files(t, dir, map[string]string{"Dockerfile": "FROM scratch", "a": "text", "d/b": "text", "l": "-> a"})
	path := func(name string) string { return filepath.Join(dir, name) }
	scan := func() string {
		t.Helper()
		c, err := Scan(dir, dir, "Dockerfile", nil)
		try(t, err)
		return c.Digest
	}
	seen := map[string]string{scan(): "the start"}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"content", func() error { return os.WriteFile(path("a"), []byte("tex2"), 0o644) }},
		{"chmod of a file", func() error { return os.Chmod(path("a"), 0o755) }},
		{"setgid", func() error { return os.Chmod(path("a"), 0o755|fs.ModeSetgid) }},
		{"chmod of a folder", func() error { return os.Chmod(path("d"), 0o700) }},
		{"rename", func() error { return os.Rename(path("d/b"), path("d/c")) }},
		{"move up", func() error { return os.Rename(path("d/c"), path("c")) }},
		{"empty folder gone", func() error { return os.Remove(path("d")) }},
		{"file for folder", func() error { return os.WriteFile(path("d"), nil, 0o644) }},
		{"link elsewhere", func() error { return relink(path("l"), "c") }},
		{"link becomes a file", func() error { return replace(path("l"), "c") }},
		{"more", func() error { return os.WriteFile(path("more"), nil, 0o644) }},
	} {
		try(t, step.do())
		digest := scan()
		if before := seen[digest]; before != "" {
			t.Errorf("%s: the same digest as %s", step.name, before)
		}
		seen[digest] = step.name
	}

	before := scan()
	for name, do := range map[string]func() error{
		"time":       func() error { return os.Chtimes(path("a"), time.Unix(1, 0), time.Unix(1, 0)) },
		"Dockerfile": func() error { return os.WriteFile(path("Dockerfile"), []byte("# other\nFROM scratch"), 0o644) },
		"new inode":  func() error { return replace(path("c"), "text") },
	} {
		try(t, do())
		if scan() != before {
			t.Errorf("%s: the digest changed", name)
		}
	}
}

func relink(path, target string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Symlink(target, path)
}

func replace(path, text string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

func TestIgnoreFile(t *testing.T) {
	dir := t.TempDir()
	check := func(dockerfile, want string) {
		t.Helper()
		if got := IgnoreFile(dir, dockerfile); got != want {
			t.Errorf("for %s: %q, want %q", dockerfile, got, want)
		}
	}
	check("Dockerfile", "")
	files(t, dir, map[string]string{".dockerignore": "", "Dockerfile.dockerignore": "", "sub/Other.dockerignore": ""})
	check("Dockerfile", "Dockerfile.dockerignore")
	check("sub/Other", "sub/Other.dockerignore")
	check("Another", ".dockerignore")
	try(t, os.Remove(filepath.Join(dir, ".dockerignore")))
	try(t, os.Mkdir(filepath.Join(dir, ".dockerignore"), 0o755))
	check("Another", "")
}

// A folder that is ignored has an entry when an exception names something in it, as in the engine.
func TestScanIgnores(t *testing.T) {
	for name, test := range map[string]struct{ ignore, want string }{
		"nothing":             {"", ".dockerignore a a/1 a/b a/b/2 a/b/c a/b/c/3 d d/4"},
		"a folder":            {"a", ".dockerignore d d/4"},
		"itself":              {".dockerignore\na", "d d/4"},
		"comment and slashes": {"# d\n/a/\n", ".dockerignore d d/4"},
		"exception":           {"a\n!a/b/c/3", ".dockerignore a a/b a/b/c a/b/c/3 d d/4"},
		"exceptions on two":   {"*\n!a/1\n!a/b/2\n!d", "a a/1 a/b a/b/2 d d/4"},
		"exception, again":    {"a\n!a/b\na/b/c", ".dockerignore a a/b a/b/2 d d/4"},
		"exception of none":   {"*\n!nothing", ""},
		"by wildcard":         {"**\n!**/2", "a a/b a/b/2"},
	} {
		dir := t.TempDir()
		files(t, dir, map[string]string{".dockerignore": test.ignore, "a/1": "", "a/b/2": "", "a/b/c/3": "", "d/4": ""})
		got, err := Scan(dir, dir, "Dockerfile", nil)
		try(t, err)
		var paths []string
		for _, e := range got.Entries {
			paths = append(paths, e.Path)
		}
		if got := strings.Join(paths, " "); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

func TestScanUsesTheDockerfilesOwnIgnoreFile(t *testing.T) {
	dir := t.TempDir()
	files(t, dir, map[string]string{"x.Dockerfile": "", "x.Dockerfile.dockerignore": "*.dockerignore\na", ".dockerignore": "b", "a": "", "b": ""})
	got, err := Scan(dir, dir, "x.Dockerfile", nil)
	try(t, err)
	if want := []Entry{{"b", 0o644, sum("")}}; !reflect.DeepEqual(got.Entries, want) {
		t.Errorf("got %v", got.Entries)
	}
}

const mend = "mend its permissions, or name it in .dockerignore"

func TestBadPatterns(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "img")
	for ignore, want := range map[string]string{
		"ok\n[\n\n# [\n  !a[  \r\n": "img/.dockerignore:2: cannot use the pattern \"[\": syntax error in pattern\n" +
			"img/.dockerignore:5: cannot use the pattern \"!a[\": syntax error in pattern",
		"!":                        `img/.dockerignore:1: cannot use the pattern "!": illegal exclusion pattern: "!"`,
		"a\n!/x[b-a]":              `img/.dockerignore:2: cannot use the pattern "!x[b-a]": syntax error in pattern`,
		strings.Repeat("x", 1<<17): "img/.dockerignore: cannot use the patterns in this file: bufio.Scanner: token too long",
	} {
		files(t, dir, map[string]string{".dockerignore": ignore})
		_, err := Scan(root, dir, "Dockerfile", nil)
		checkError(t, err, want)
	}
}

func TestUnreadable(t *testing.T) {
	root := openDir(t)
	dir := filepath.Join(root, "img")
	files(t, dir, map[string]string{"z": "", "shut/x": "", "open": "", "ignored/a/x": "", ".dockerignore": "ignored\n!ignored/a/x\n"})
	cache := LoadStatCache(filepath.Join(root, "cache"))
	if _, err := Scan(root, dir, "Dockerfile", cache); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"z", "shut", "ignored/a"} {
		path := filepath.Join(dir, name)
		try(t, os.Chmod(path, 0))
		t.Cleanup(func() { os.Chmod(path, 0o755) })
	}
	var err error
	asNobody(t, func() { _, err = Scan(root, dir, "Dockerfile", cache) })
	checkError(t, err, "img/shut: cannot read this part of the build context: permission denied\n"+
		"img/z: cannot read this part of the build context: permission denied", mend, mend)

	// what is ignored as a whole may be unreadable
	write(t, filepath.Join(dir, ".dockerignore"), "ignored\nshut\nz")
	var got Context
	asNobody(t, func() { got, err = Scan(root, dir, "Dockerfile", cache) })
	if want := []Entry{{".dockerignore", 0o644, sum("ignored\nshut\nz")}, {"open", 0o644, sum("")}}; err != nil || !reflect.DeepEqual(got.Entries, want) {
		t.Errorf("got %v, %v", got.Entries, err)
	}

	try(t, os.Chmod(filepath.Join(dir, ".dockerignore"), 0))
	asNobody(t, func() { _, err = Scan(root, dir, "Dockerfile", cache) })
	checkError(t, err, "img/.dockerignore: cannot read this part of the build context: permission denied", mend)

	_, err = Scan(root, filepath.Join(root, "nowhere"), "Dockerfile", nil)
	checkError(t, err, "nowhere: cannot read this part of the build context: no such file or directory", mend)
	other := filepath.Join(filepath.Dir(root), "elsewhere")
	_, err = Scan(root, other, "Dockerfile", nil)
	checkError(t, err, other+": cannot read this part of the build context: no such file or directory", mend)
}

func TestFileSum(t *testing.T) {
	root := openDir(t)
	files(t, root, map[string]string{"img/f": "text", "img/link": "-> f", "img/d/": "", "img/shut": ""})
	pos := diag.Position{File: "img/image.yaml", Line: 7, Column: 3}
	for _, name := range []string{"f", "link"} {
		for _, cache := range []*StatCache{nil, LoadStatCache("")} {
			if got, err := FileSum(root, filepath.Join(root, "img", name), pos, cache); got != sum("text") || err != nil {
				t.Errorf("%s: %s, %v", name, got, err)
			}
		}
	}
	try(t, os.Chmod(filepath.Join(root, "img/shut"), 0))
	for name, want := range map[string]string{
		"d":       "img/image.yaml:7:3: cannot read img/d: it is not a regular file",
		"nowhere": "img/image.yaml:7:3: cannot read img/nowhere: no such file or directory",
		"shut":    "img/image.yaml:7:3: cannot read img/shut: permission denied",
	} {
		var got string
		var err error
		asNobody(t, func() { got, err = FileSum(root, filepath.Join(root, "img", name), pos, nil) })
		checkError(t, err, want)
		if got != "" {
			t.Errorf("%s: %q with an error", name, got)
		}
	}
}
