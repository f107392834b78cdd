package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/engine/enginetest"
	"github.com/plinth-build/plinth/internal/store"
)

var (
	killMoments = flag.Int("kill.moments", 4, "how many builds and updates are killed, each at a random moment")
	killSeed    = flag.Uint64("kill.seed", 0, "repeat the moments of an earlier run; 0 makes new ones")
)

// killCatalog has everything that takes time: packages, large layers, commands,
// several targets at once.
var killCatalog = map[string]string{
	"plinth.yaml": "registry: registry.acme.example/base\n" +
		"debian: {keyring: archive.gpg, releases: {12: {sources: [{uri: \"@MIRROR@\", suite: bookworm}]}}}\n",
	"base/image.yaml":    "packages: [sh, greet]\n",
	"more/image.yaml":    "from: base\npackages: [curl]\n",
	"java/Dockerfile":    "FROM base\nRUN sleep 0.3 && echo java > /java\nRUN sleep 0.2 && cp /java /java2\n",
	"shop/Dockerfile":    "FROM java\nCOPY blob /blob\nRUN --mount=from=more,target=/more cp /more/usr/bin/curl /curl && sleep 0.2\n",
	"web/Dockerfile":     "FROM base\nCOPY --from=java /java /java\nRUN sleep 0.4 && echo web > /web\n",
	"scratch/Dockerfile": "FROM scratch\nCOPY sh /bin/sh\nRUN sleep 0.2 && echo x > /x\n",
}

// TestKill kills plinth, as power cuts and the kernel's OOM killer do, and
// looks at what the next run makes of it: the same images, and nothing left of
// the killed run.
func TestKill(t *testing.T) {
	t.Parallel()
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("%d moments; to repeat them: go test ./cmd/plinth -run TestKill -kill.moments %d -kill.seed %d", *killMoments, *killMoments, seed)
	k := newKiller(t, rand.New(rand.NewPCG(seed, 0)))
	for i := range *killMoments {
		k.update(i)
		k.build(i)
	}
}

type killer struct {
	*testing.T
	dir     string
	random  *rand.Rand
	lock    string // the right plinth.lock
	digests string // the right images
	// how long an undisturbed run takes
	updates, builds time.Duration
}

func newKiller(t *testing.T, random *rand.Rand) *killer {
	k := &killer{T: t, dir: t.TempDir(), random: random}
	shell := enginetest.Shell(t)
	for name, text := range killCatalog {
		k.write(name, []byte(text))
	}
	k.write("scratch/sh", shell)
	blob := make([]byte, 8<<20)
	for i := range blob {
		blob[i] = byte(rand.Uint32())
	}
	k.write("shop/blob", blob)
	w, err := newWorld(t, k.dir, shell)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	k.updates = k.timed("update", "--state-dir", "updates")
	k.lock = k.read("plinth.lock")
	k.builds = k.timed("build", "--state-dir", "first")
	k.digests = k.images("first")
	k.clean("first")
	if strings.Count(k.digests, "\n") != len(killCatalog)-1 {
		t.Fatalf("built:\n%s", k.digests)
	}
	return k
}

func (k *killer) write(name string, data []byte) {
	k.Helper()
	path := filepath.Join(k.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o755)); err != nil {
		k.Fatal(err)
	}
}

func (k *killer) read(name string) string {
	k.Helper()
	data, err := os.ReadFile(filepath.Join(k.dir, name))
	if err != nil {
		k.Fatal(err)
	}
	return string(data)
}

func (k *killer) command(args ...string) *exec.Cmd {
	cmd := exec.Command("plinth", args...)
	cmd.Dir = k.dir
	return cmd
}

// timed runs plinth, which must succeed.
func (k *killer) timed(args ...string) time.Duration {
	k.Helper()
	began := time.Now()
	if out, err := k.command(args...).CombinedOutput(); err != nil {
		k.Fatalf("plinth %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return time.Since(began)
}

// kill starts plinth and kills it at a random moment of its life.
func (k *killer) kill(i int, life time.Duration, args ...string) {
	k.Helper()
	cmd := k.command(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		k.Fatal(err)
	}
	moment := time.Duration(k.random.Float64() * float64(life))
	time.Sleep(moment)
	_ = cmd.Process.Kill() // it may be done already
	err := cmd.Wait()
	steps := strings.Split(strings.TrimSpace(out.String()), "\n")
	k.Logf("%d: plinth %s, killed after %s (%v) at: %s", i, args[0], moment.Round(time.Millisecond), err, steps[len(steps)-1])
}

func (k *killer) update(i int) {
	k.Helper()
	for _, name := range []string{"plinth.lock", "updates"} {
		if err := os.RemoveAll(filepath.Join(k.dir, name)); err != nil {
			k.Fatal(err)
		}
	}
	k.kill(i, k.updates, "update", "--state-dir", "updates")
	k.timed("update", "--state-dir", "updates")
	if got := k.read("plinth.lock"); got != k.lock {
		k.Fatalf("the lock became\n%s\nwant\n%s", got, k.lock)
	}
	k.clean("updates")
}

// build kills a build in a fresh state folder, or one that builds everything
// again over what is there.
func (k *killer) build(i int) {
	k.Helper()
	state := fmt.Sprintf("state%d", i)
	args := []string{"build", "--state-dir", state}
	life := k.builds
	if i%2 == 1 {
		state, life = "first", k.builds*2/3 // packages are unpacked already
		args = []string{"build", "--state-dir", state, "--no-cache"}
	}
	k.kill(i, life, args...)
	// runc does not list a container that it was about to make
	bundles, err := filepath.Glob(filepath.Join(k.dir, state, "engine", "*", "executor", "*"))
	if err != nil {
		k.Fatal(err)
	}
	k.timed("build", "--state-dir", state)
	for _, b := range bundles {
		if record := filepath.Join("/run/runc", filepath.Base(b)); isDir(record) {
			k.Fatalf("left behind: %s", record)
		}
	}
	if got := k.images(state); got != k.digests {
		k.Fatalf("images are\n%s\nwant\n%s", got, k.digests)
	}
	k.clean(state)
}

// images lists the digests in a state folder, and checks every blob.
func (k *killer) images(state string) string {
	k.Helper()
	st := store.View(filepath.Join(k.dir, state, "store"))
	refs, err := st.Refs()
	if err != nil {
		k.Fatal(err)
	}
	var b strings.Builder
	for _, name := range sortedNames(refs) {
		fmt.Fprintln(&b, name, refs[name].Digest)
		m, err := st.ReadManifest(refs[name].Digest)
		if err != nil {
			k.Fatal(err)
		}
		for _, l := range append(m.Layers, m.Config) {
			if _, err := st.ReadBlob(l.Digest); err != nil {
				k.Fatal(err)
			}
		}
	}
	return b.String()
}

func (k *killer) clean(state string) {
	k.Helper()
	if left := leftovers(k.dir, filepath.Join(k.dir, state)); len(left) > 0 {
		k.Fatalf("left behind:\n%s", strings.Join(left, "\n"))
	}
}
