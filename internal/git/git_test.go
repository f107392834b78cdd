package git

import (
	"bufio"
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// repo is a repository under test with the catalog in the folder "cat" of it.
type repo struct {
	t    *testing.T
	top  string
	root string
	now  int64
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := &repo{t: t, top: top, root: filepath.Join(top, "cat"), now: 1_700_000_000}
	t.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
	t.Setenv("GIT_CONFIG_SYSTEM", "/dev/null")
	r.git("init", "-q", "-b", "main")
	r.write("cat/plinth.yaml", "registry: x")
	return r
}

func (r *repo) git(args ...string) string {
	r.t.Helper()
	r.now += 60
	cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b"}, args...)...)
	cmd.Dir = r.top
	at := strconv.FormatInt(r.now, 10) + " +0100"
	cmd.Env = append(os.Environ(), "GIT_COMMITTER_DATE="+at, "GIT_AUTHOR_DATE="+at)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repo) write(name, content string) {
	r.t.Helper()
	path := filepath.Join(r.top, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// commit commits everything and returns the commit's hash.
func (r *repo) commit(message string) string {
	r.t.Helper()
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", message)
	return r.git("rev-parse", "HEAD")
}

func (r *repo) open() *Repo {
	r.t.Helper()
	got, err := Open(context.Background(), r.root)
	if err != nil || got == nil {
		r.t.Fatalf("cannot open: %v, %v", got, err)
	}
	return got
}

// last gives the revisions by folder.
func (r *repo) last(cache string, dirs ...string) map[string]string {
	r.t.Helper()
	commits, err := r.open().Last(context.Background(), cache, dirs)
	if err != nil {
		r.t.Fatal(err)
	}
	out := map[string]string{}
	for dir, c := range commits {
		out[dir] = c.String()
	}
	return out
}

func (r *repo) want(what string, got, want map[string]string) {
	r.t.Helper()
	if !maps.Equal(got, want) {
		r.t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestLast(t *testing.T) {
	r := newRepo(t)
	cache := filepath.Join(t.TempDir(), "sub", "commits")
	r.write("cat/a/Dockerfile", "1")
	r.want("before the first commit", r.last(cache, "a", "gone"), map[string]string{"a": "", "gone": ""})

	one := r.commit("one")
	r.write("cat/ab/x", "1")
	r.write("cat/deep/b/x y\n\"z", "1")
	two := r.commit("two")
	want := map[string]string{"a": one, "ab": two, "deep/b": two, "gone": ""}
	dirs := slices.Collect(maps.Keys(want))
	r.want("two commits", r.last("", dirs...), want)
	r.want("with a cache", r.last(cache, dirs...), want)

	r.commit("empty")
	r.write("outside", "1")
	r.write("a/x", "the same folder's name, outside of the catalog")
	r.commit("outside")
	r.want("commits that touch none", r.last("", dirs...), want)
	r.want("the same with a cache", r.last(cache, dirs...), want)

	if err := os.Remove(filepath.Join(r.root, "a", "Dockerfile")); err != nil {
		t.Fatal(err)
	}
	r.write("cat/a/b", "1")
	want["a"] = r.commit("three")
	r.want("a new one", r.last("", dirs...), want)
	r.want("a new one with a cache", r.last(cache, dirs...), want)
	r.want("from the cache alone", r.last(cache, dirs...), want)
	r.want("one more folder", r.last(cache, append(dirs, ".")...), merge(want, map[string]string{".": want["a"]}))

	// the time is that of the commit
	commits, err := r.open().Last(context.Background(), cache, []string{"a"})
	if at := r.git("log", "-1", "--format=%ct"); err != nil || strconv.FormatInt(commits["a"].Time.Unix(), 10) != at || commits["a"].Time.Location() != time.UTC {
		t.Errorf("%v, %v, want %s", commits["a"].Time, err, at)
	}
}

func merge(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func TestDirty(t *testing.T) {
	r := newRepo(t)
	r.write("cat/.gitignore", "*.log\n")
	for _, dir := range []string{"a", "b", "c", "d", "e", "f", "aa"} {
		r.write("cat/"+dir+"/x", "1")
	}
	h := r.commit("one")
	r.write("cat/a/x", "2")                  // changed
	r.write("cat/b/n/new", "1")              // untracked
	r.write("cat/c/x.log", "1")              // ignored
	r.write("cat/d/x", "2")                  // staged
	r.git("rm", "-q", "--cached", "cat/e/x") // removed from the index only
	r.git("add", "cat/d/x")
	r.write("elsewhere", "1")
	r.want("dirty", r.last("", "a", "b", "c", "d", "e", "f", "aa"), map[string]string{
		"a": h + "-dirty", "b": h + "-dirty", "c": h, "d": h + "-dirty", "e": h + "-dirty", "f": h, "aa": h,
	})
}

func TestHistoryThatIsNotALine(t *testing.T) {
	r := newRepo(t)
	cache := filepath.Join(t.TempDir(), "commits")
	r.write("cat/a/x", "1\n2\n3\n4\n5\n")
	r.write("cat/b/x", "1")
	r.write("cat/c/x", "1")
	one := r.commit("one")
	r.git("checkout", "-q", "-b", "side")
	r.write("cat/a/x", "side\n2\n3\n4\n5\n")
	r.write("cat/b/x", "side")
	side := r.commit("side")
	r.git("checkout", "-q", "main")
	r.write("cat/a/x", "1\n2\n3\n4\nmain\n")
	main := r.commit("main")
	r.want("before the merge", r.last(cache, "a", "b", "c"), map[string]string{"a": main, "b": one, "c": one})
	r.git("merge", "-q", "--no-edit", "side")
	// both sides changed a, so the merge made its content; b came from one side as it is
	made := r.git("rev-parse", "HEAD")
	want := map[string]string{"a": made, "b": side, "c": one}
	r.want("a merge", r.last("", "a", "b", "c"), want)
	r.want("a merge with a cache", r.last(cache, "a", "b", "c"), want)

	r.git("reset", "-q", "--hard", main)
	r.want("back again", r.last(cache, "a", "b", "c"), map[string]string{"a": main, "b": one, "c": one})
}

func TestShallow(t *testing.T) {
	r := newRepo(t)
	r.write("cat/a/x", "1")
	r.write("cat/b/x", "1")
	r.commit("one")
	r.write("cat/b/x", "2")
	r.commit("two")
	r.write("cat/a/x", "2")
	three := r.commit("three")
	clone := filepath.Join(t.TempDir(), "clone")
	r.git("clone", "-q", "--depth", "2", "file://"+r.top, clone)
	s := &repo{t: t, top: clone, root: filepath.Join(clone, "cat")}
	if !s.open().Shallow() || r.open().Shallow() {
		t.Error("the clone is shallow, the original is not")
	}
	cache := filepath.Join(t.TempDir(), "commits")
	s.want("depth 2", s.last(cache, "a", "b"), map[string]string{"a": three, "b": ""})
	commits, err := s.open().Last(context.Background(), cache, []string{"a", "b"})
	if err != nil || commits["a"].Unknown || !commits["b"].Unknown {
		t.Errorf("got %+v, %v", commits, err)
	}
	s.git("fetch", "-q", "--unshallow")
	s.want("with all of it", s.last(cache, "a", "b"), r.last("", "a", "b"))
}

func TestNoRepository(t *testing.T) {
	for name, dir := range map[string]string{"no repository": t.TempDir(), "bare": filepath.Join(t.TempDir(), "bare")} {
		if name == "bare" {
			if out, err := exec.Command("git", "init", "-q", "--bare", dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		if r, err := Open(context.Background(), dir); r != nil || err != nil {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if r, err := Open(context.Background(), newPlainDir(t)); r != nil || err != nil {
		t.Errorf("no git: %v, %v", r, err)
	}
}

func newPlainDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDamagedRepository(t *testing.T) {
	r := newRepo(t)
	r.write("cat/a/x", "1")
	r.commit("one")
	if err := os.WriteFile(filepath.Join(r.top, ".git", "config"), []byte("[broken"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := Open(context.Background(), r.root); err == nil || !strings.HasPrefix(err.Error(), "cannot read the git repository of "+r.root+": git rev-parse: ") {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestHookVariablesAreNotOurs(t *testing.T) {
	r := newRepo(t)
	r.write("cat/a/x", "1")
	h := r.commit("one")
	t.Setenv("GIT_DIR", "/nowhere")
	t.Setenv("GIT_INDEX_FILE", "/nowhere/index")
	r.want("in a hook", r.last("", "a"), map[string]string{"a": h})
}

func TestRepositoryRunsNothing(t *testing.T) {
	r := newRepo(t)
	r.write("cat/a/x", "1")
	r.commit("one")
	trace := filepath.Join(t.TempDir(), "ran")
	r.git("config", "core.fsmonitor", "touch "+trace+"; false")
	r.last("", "a")
	if _, err := os.Stat(trace); err == nil {
		t.Error("a program of the repository's settings was run")
	}
}

func TestBranchAndHead(t *testing.T) {
	r := newRepo(t)
	if got := r.open(); got.Head() != "" || got.Branch(context.Background()) != "main" {
		t.Errorf("before the first commit: %q on %q", got.Head(), got.Branch(context.Background()))
	}
	h := r.commit("one")
	r.git("checkout", "-q", "-b", "feature/x")
	if got := r.open(); got.Head() != h || got.Branch(context.Background()) != "feature/x" {
		t.Errorf("got %q on %q", got.Head(), got.Branch(context.Background()))
	}
	r.git("checkout", "-q", "--detach")
	if got := r.open().Branch(context.Background()); got != "" {
		t.Errorf("detached: %q", got)
	}
}

func TestSource(t *testing.T) {
	for remote, want := range map[string]string{
		"https://github.com/acme/images.git":              "https://github.com/acme/images",
		"https://user:token@github.com/acme/images":       "https://github.com/acme/images",
		"https://git.acme.example:8443/a/b.git/":          "https://git.acme.example:8443/a/b",
		"http://git.acme.example/a":                       "http://git.acme.example/a",
		"git@github.com:acme/images.git":                  "https://github.com/acme/images",
		"github.com:acme/images":                          "https://github.com/acme/images",
		"ssh://git@git.acme.example:2222/acme/images.git": "https://git.acme.example/acme/images",
		"git://git.acme.example/x":                        "https://git.acme.example/x",
		"/srv/git/images":                                 "",
		"../images":                                       "",
		"./a:b":                                           "",
		"file:///srv/git/images":                          "",
		"host:":                                           "",
		":x":                                              "",
		"https://%zz/":                                    "",
		"":                                                "",
	} {
		if got := webAddress(remote); got != want {
			t.Errorf("%q: got %q, want %q", remote, got, want)
		}
	}
	r := newRepo(t)
	if got := r.open().Source(context.Background()); got != "" {
		t.Errorf("no remote: %q", got)
	}
	r.git("remote", "add", "origin", "git@x.example:a/b.git")
	if got := r.open().Source(context.Background()); got != "https://x.example/a/b" {
		t.Errorf("got %q", got)
	}
}

func TestChanged(t *testing.T) {
	r := newRepo(t)
	for _, name := range []string{"a/x", "b/x", "c/x", "e/x"} {
		r.write("cat/"+name, "1")
	}
	r.commit("one")
	r.git("branch", "other")
	r.write("cat/a/x", "2")
	r.write("outside", "1")
	r.commit("two")
	r.write("cat/b/x", "2")
	r.write("cat/d é/new", "1")
	r.git("mv", "cat/e/x", "cat/e/y")
	got, err := r.open().Changed(context.Background(), "HEAD~1")
	if want := []string{"a/x", "b/x", "d é/new", "e/x", "e/y"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	// what the other branch did is not ours
	r.git("stash", "-q", "-u")
	r.git("checkout", "-q", "other")
	r.write("cat/c/x", "2")
	r.commit("on the other branch")
	got, err = r.open().Changed(context.Background(), "main")
	if want := []string{"c/x"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, err := r.open().Changed(context.Background(), "nope"); err == nil || !strings.HasPrefix(err.Error(), "cannot find what changed since nope: git merge-base: ") {
		t.Errorf("got %v", err)
	}
}

func TestCacheThatCannotBeRead(t *testing.T) {
	r := newRepo(t)
	r.write("cat/a/x", "1")
	h := r.commit("one")
	cache := filepath.Join(t.TempDir(), "commits")
	for _, content := range []string{"", "{", `{"head":"` + strings.Repeat("0", 40) + `","commits":{"a":{"hash":"x"}}}`} {
		if err := os.WriteFile(cache, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		r.want("cache "+content, r.last(cache, "a"), map[string]string{"a": h})
	}
	// and one that is right is used: nothing else could tell what it says
	if err := os.WriteFile(cache, []byte(`{"head":"`+h+`","commits":{"a":{"hash":"fromcache","time":5}}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	r.want("a good cache", r.last(cache, "a"), map[string]string{"a": "fromcache"})
}

func FuzzReadLog(f *testing.F) {
	f.Add("\x0112 34\x00\na/x\x00b\x00\x00\x0156 78\x00\nb/y\x00")
	f.Add("\x01\x00")
	f.Add("a/x\x00")
	f.Fuzz(func(t *testing.T, text string) {
		found := map[string]Commit{}
		if err := readLog(bufio.NewReader(strings.NewReader(text)), "", []string{"a", "b"}, found); err == nil {
			for dir, c := range found {
				if c.Hash == "" || dir != "a" && dir != "b" {
					t.Errorf("found %q at %+v", dir, c)
				}
			}
		}
	})
}

func TestVersions(t *testing.T) {
	r := newRepo(t)
	versions := func(limit int) (out []string) {
		t.Helper()
		err := r.open().Versions(context.Background(), "lock", func(c Commit, data []byte) bool {
			out = append(out, c.Hash+" "+string(data)+" "+strconv.FormatInt(c.Time.Unix(), 10))
			return len(out) < limit
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := versions(9); len(got) != 0 {
		t.Errorf("before the first commit: %q", got)
	}
	at := func(hash, content string) string {
		return hash + " " + content + " " + r.git("log", "-1", "--format=%ct", hash)
	}
	r.commit("without it")
	r.write("cat/lock", "1")
	one := at(r.commit("one"), "1")
	r.write("cat/other", "1")
	r.write("lock", "outside of the catalog")
	r.commit("something else")
	r.git("rm", "-q", "cat/lock")
	gone := at(r.commit("removed"), "")
	r.write("cat/lock", "2")
	two := at(r.commit("two"), "2")
	r.write("cat/lock", "not committed")
	if got, want := versions(9), []string{two, gone, one}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := versions(2), []string{two, gone}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	clone := filepath.Join(t.TempDir(), "clone")
	r.git("clone", "-q", "--depth", "1", "file://"+r.top, clone)
	s := &repo{t: t, top: clone, root: filepath.Join(clone, "cat")}
	var unknown []bool
	if err := s.open().Versions(context.Background(), "lock", func(c Commit, _ []byte) bool {
		unknown = append(unknown, c.Unknown)
		return true
	}); err != nil || !slices.Equal(unknown, []bool{true}) {
		t.Errorf("shallow: %v, %v", unknown, err)
	}
}
