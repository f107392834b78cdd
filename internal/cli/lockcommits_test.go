package cli

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/git"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/ociref"
)

// lockWorld is a repository with a lock.
type lockWorld struct {
	t     *testing.T
	root  string
	lock  *lock.File
	cache string
}

func (w *lockWorld) git(args ...string) string {
	w.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", w.root, "-c", "user.name=a", "-c", "user.email=a@b"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// set pins one package of a version for a target.
func (w *lockWorld) set(target, version string) {
	d := lock.Deb{Name: target, Version: version, Arch: "amd64", SHA256: strings.Repeat(version, 64), Size: 1}
	w.lock.Debs[d.Key()] = d
	w.lock.Sets[target] = lock.Set{Release: "12", Arch: "amd64", Request: []string{target}, Debs: []string{d.Key()}}
}

func (w *lockWorld) commit() string {
	w.t.Helper()
	if err := w.lock.Save(w.root); err != nil {
		w.t.Fatal(err)
	}
	w.git("add", "-A")
	w.git("commit", "-q", "--allow-empty", "-m", "x")
	return w.git("rev-parse", "HEAD")
}

// want compares the revisions of the targets a, b and up.
func (w *lockWorld) want(what string, want ...string) {
	w.t.Helper()
	ref, err := ociref.Parse("debian:12")
	if err != nil {
		w.t.Fatal(err)
	}
	targets := []*graph.Target{
		{Name: "a", Packages: &catalog.Packages{}}, {Name: "b", Packages: &catalog.Packages{}},
		{Name: "up", Upstreams: []graph.Upstream{{Ref: ref}}}, {Name: "free"},
	}
	repo, err := git.Open(context.Background(), w.root)
	if err != nil || repo == nil {
		w.t.Fatal(repo, err)
	}
	for _, from := range []string{"afresh", "cached"} {
		commits, err := lockCommits(context.Background(), repo, w.cache, w.lock, targets)
		if err != nil {
			w.t.Fatal(err)
		}
		for i, t := range targets {
			wanted := ""
			if i < len(want) {
				wanted = want[i]
			}
			if got := commits[t.Name].String(); got != wanted {
				w.t.Errorf("%s, %s: %s is %q, want %q", what, from, t.Name, got, wanted)
			}
		}
	}
}

func TestLockCommits(t *testing.T) {
	t.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
	w := &lockWorld{t: t, root: t.TempDir(), lock: lock.New(), cache: filepath.Join(t.TempDir(), "commits")}
	w.git("init", "-q")
	w.git("commit", "-q", "--allow-empty", "-m", "nothing")
	w.set("a", "1")
	w.want("a lock that git does not have")
	w.set("b", "1")
	w.lock.Upstreams["docker.io/library/debian:12"] = lock.Upstream{Index: "sha256:1"}
	one := w.commit()
	w.want("one", one, one, one)
	w.set("b", "2")
	w.want("b changed", one, one+"-dirty", one)
	two := w.commit()
	w.want("two", one, two, one)
	w.set("b", "1")
	w.lock.Upstreams["docker.io/library/debian:12"] = lock.Upstream{Index: "sha256:2"}
	three := w.commit()
	w.want("b is what it was before", one, three, three)
	w.commit()
	w.want("an empty commit", one, three, three)
	if err := os.WriteFile(filepath.Join(w.root, lock.FileName), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	w.git("commit", "-q", "-a", "-m", "broken")
	five := w.commit()
	w.want("mended", five, five, five)
	delete(w.lock.Sets, "a")
	w.commit()
	w.set("a", "1")
	w.want("not committed", "", five, five)
	if err := os.WriteFile(w.cache, []byte("nonsense"), 0o644); err != nil {
		t.Fatal(err)
	}
	w.want("a broken cache", "", five, five)
}
