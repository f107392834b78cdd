package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/engine/enginetest"
)

// childRoot tells the test binary to be the process that is killed.
const childRoot = "PLINTH_TEST_ENGINE_ROOT"

func TestMain(m *testing.M) {
	if root := os.Getenv(childRoot); root != "" {
		if err := sleepingBuild(root); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// sleepingBuild runs a step that does not end.
func sleepingBuild(root string) error {
	shell, err := os.ReadFile(filepath.Join(root, "..", "sh"))
	if err != nil {
		return err
	}
	e, err := Start(context.Background(), Options{Root: root})
	if err != nil {
		return err
	}
	return runStep(context.Background(), e, shell, "echo started && sleep 600", func(line string) { fmt.Println(line) })
}

// runStep runs a command over a root with nothing but the shell in it, and a secret.
func runStep(ctx context.Context, e *Engine, shell []byte, command string, line func(string)) error {
	st := llb.Scratch().File(llb.Mkdir("/bin", 0o755)).File(llb.Mkfile("/bin/sh", 0o755, shell))
	run := st.Run(llb.Args([]string{"/bin/sh", "-c", command}), llb.AddSecret("/run/secrets/token"), llb.IgnoreCache).Root()
	def, err := run.Marshal(ctx)
	if err != nil {
		return err
	}
	status := make(chan *client.SolveStatus)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for s := range status {
			for _, l := range s.Logs {
				line(strings.TrimSpace(string(l.Data)))
			}
		}
	}()
	_, err = e.Client().Solve(ctx, def, client.SolveOpt{Session: []session.Attachable{secretsprovider.FromMap(map[string][]byte{"/run/secrets/token": []byte("hunter22")})}}, status)
	<-done
	return err
}

func start(t *testing.T, o Options) *Engine {
	t.Helper()
	e, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func TestStartAndCloseAgainOnOneRoot(t *testing.T) {
	root := filepath.Join(t.TempDir(), "engine")
	log := filepath.Join(t.TempDir(), "logs", "engine.log")
	for i := range 2 {
		begin := time.Now()
		e, err := Start(t.Context(), Options{Root: root, LogFile: log})
		if err != nil {
			t.Fatalf("start %d: %v", i+1, err)
		}
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("start %d took %s", i+1, took)
		}
		workers, err := e.Client().ListWorkers(t.Context())
		if err != nil || len(workers) != 1 {
			t.Fatalf("workers %v, %v", workers, err)
		}
		if got := workers[0].Labels["org.mobyproject.buildkit.worker.snapshotter"]; got != e.Snapshotter() {
			t.Errorf("snapshotter %q, want %q", got, e.Snapshotter())
		}
		if len(workers[0].GCPolicy) != 4 || workers[0].GCPolicy[1].MaxUsedSpace != 40<<30 {
			t.Errorf("the cache is not bounded: %+v", workers[0].GCPolicy)
		}
		if err := e.Close(); err != nil {
			t.Errorf("close %d: %v", i+1, err)
		}
		if err := e.Close(); err != nil {
			t.Errorf("second close %d: %v", i+1, err)
		}
	}
	if _, err := os.Stat(log); err != nil {
		t.Errorf("no log: %v", err)
	}
}

func TestStartSaysWhatIsMissing(t *testing.T) {
	_, err := Start(t.Context(), Options{Root: t.TempDir(), RuncPath: "/nowhere/runc"})
	var e *diag.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	if want := "cannot find /nowhere/runc, which starts the containers of RUN steps"; !strings.HasPrefix(e.Msg, want) {
		t.Errorf("got %q, want %q", e.Msg, want)
	}
	if !slices.Equal(e.Hints, []string{"apt-get install runc"}) {
		t.Errorf("hints %q", e.Hints)
	}
	t.Setenv("PATH", "")
	if _, err := Start(t.Context(), Options{Root: t.TempDir()}); err == nil || !strings.HasPrefix(err.Error(), "cannot find runc,") {
		t.Errorf("got %v", err)
	}
}

func TestSecondEngineOnARootLeavesTheFirstAlone(t *testing.T) {
	root := t.TempDir()
	e := start(t, Options{Root: root})
	if _, err := Start(t.Context(), Options{Root: root}); err == nil || !strings.HasPrefix(err.Error(), "cannot start the build engine: ") || !strings.Contains(err.Error(), "containerdmeta.db: timeout") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, runningFile)); err != nil {
		t.Error(err)
	}
	if err := runStep(t.Context(), e, enginetest.Shell(t), "echo hello", func(string) {}); err != nil {
		t.Error(err)
	}
}

func TestNothingIsWrittenToTheTerminal(t *testing.T) {
	root := t.TempDir()
	shell := enginetest.Shell(t)
	stderr := os.Stderr
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = w
	e := start(t, Options{Root: root})
	err = runStep(t.Context(), e, shell, "exit 3", func(string) {})
	closed := e.Close()
	os.Stderr = stderr
	w.Close()
	var out bytes.Buffer
	out.ReadFrom(r)
	if err == nil || !strings.Contains(err.Error(), "exit code: 3") {
		t.Errorf("got %v", err)
	}
	if closed != nil {
		t.Error(closed)
	}
	if out.Len() > 0 {
		t.Errorf("written to stderr:\n%s", out.String())
	}
}

func TestNativeSnapshotter(t *testing.T) {
	e := start(t, Options{Root: t.TempDir(), Snapshotter: "native"})
	var lines []string
	if err := runStep(t.Context(), e, enginetest.Shell(t), "echo hello", func(l string) { lines = append(lines, l) }); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(lines, "hello") {
		t.Errorf("log %q", lines)
	}
	if e.Snapshotter() != "native" {
		t.Errorf("snapshotter %q", e.Snapshotter())
	}
}

func TestCancelStopsARunAndCloseLeavesNothing(t *testing.T) {
	root := filepath.Join(t.TempDir(), "engine")
	e := start(t, Options{Root: root})
	ctx, cancel := context.WithCancel(t.Context())
	var cancelled time.Time
	err := runStep(ctx, e, enginetest.Shell(t), "echo started && sleep 600", func(line string) {
		if line == "started" {
			cancelled = time.Now()
			cancel()
		}
	})
	cancel()
	if err == nil || cancelled.IsZero() {
		t.Fatalf("not cancelled: %v", err)
	}
	if took := time.Since(cancelled); took > 2*time.Second {
		t.Errorf("the step ended %s after it was cancelled", took)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	assertClean(t, root)
}

// assertClean fails when a container, a mount, a cgroup or a process of root is there.
func assertClean(t *testing.T, root string) {
	t.Helper()
	if ids := containersOf(t, root); len(ids) > 0 {
		t.Errorf("containers left: %v", ids)
	}
	mounts, err := ownMounts(root)
	if err != nil || len(mounts) > 0 {
		t.Errorf("mounts left: %v, %v", mounts, err)
	}
	if left := temps(t, root); len(left) > 0 {
		t.Errorf("temporary folders left: %v", left)
	}
	if dirs := cgroupRoots(root); len(dirs) > 0 {
		t.Errorf("cgroups left: %v, with processes %v", dirs, cgroupProcesses(dirs))
	}
	bundles, err := filepath.Glob(filepath.Join(root, "*", "executor", "*", "config.json"))
	if err != nil || len(bundles) > 0 {
		t.Errorf("bundles left: %v, %v", bundles, err)
	}
}

// temps are the temporary folders of the engine at root.
func temps(t *testing.T, root string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(os.TempDir(), tempPrefix(root)+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func containersOf(t *testing.T, root string) []string {
	t.Helper()
	out, err := exec.Command("runc", "list", "--format", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []container
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range list {
		if within(root, c.Bundle) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// killedBuild leaves a root behind as a kill -9 in the middle of a RUN does.
func killedBuild(t *testing.T, root string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(root, "..", "sh"), enginetest.Shell(t), 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childRoot+"="+root)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	n, _ := out.Read(buf)
	if got := string(buf[:n]); got != "started\n" {
		t.Errorf("the build said %q", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if len(containersOf(t, root)) != 1 || len(temps(t, root)) != 1 {
		t.Fatal("the killed build left no container or no temporary folder: the test tests nothing")
	}
}

func TestSweepAfterKill(t *testing.T) {
	root := filepath.Join(t.TempDir(), "engine")
	other := filepath.Join(t.TempDir(), "engine")
	killedBuild(t, root)
	killedBuild(t, other)
	stale := filepath.Join(root, "runc-overlayfs", "content", "ingest", "abc")
	if err := os.MkdirAll(stale, 0o755); err != nil {
		t.Fatal(err)
	}
	// a container that runc was about to make when it was killed, and another program's
	halfMade, foreign := filepath.Join(runcState, identity.NewID()), filepath.Join(runcState, identity.NewID())
	for _, dir := range []string{filepath.Join(root, "runc-overlayfs", "executor", filepath.Base(halfMade)), halfMade, foreign} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Remove(foreign) })
	swept, err := Sweep(t.Context(), Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	if len(swept.Containers) != 1 || len(swept.Mounts) == 0 || !slices.Contains(swept.Files, stale) || !slices.Contains(swept.Files, halfMade) {
		t.Errorf("swept %+v", swept)
	}
	if _, err := os.Lstat(halfMade); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the half-made container is there: %v", err)
	}
	if _, err := os.Lstat(foreign); err != nil {
		t.Errorf("another program's container is gone: %v", err)
	}
	if !slices.ContainsFunc(swept.Mounts, func(point string) bool { return tempOf(root, point) != "" }) {
		t.Errorf("the secret's tmpfs was not swept: %v", swept.Mounts)
	}
	assertClean(t, root)
	if got := containersOf(t, other); len(got) != 1 {
		t.Errorf("the other root has containers %v, want its one", got)
	}
	if got := cgroupProcesses(cgroupRoots(other)); len(got) == 0 {
		t.Error("the other root's process is gone")
	}
	again, err := Sweep(t.Context(), Options{Root: root})
	if err != nil || !again.Empty() {
		t.Errorf("a second sweep found %+v, %v", again, err)
	}
	if len(temps(t, other)) != 1 {
		t.Error("the other root's temporary folder is gone")
	}
	// without runc's help the cgroup tells whose the process is
	swept, err = Sweep(t.Context(), Options{Root: other, RuncPath: "/nowhere/runc"})
	if err != nil || len(swept.Processes) == 0 || len(swept.Cgroups) == 0 {
		t.Errorf("swept %+v, %v", swept, err)
	}
	if swept, err := Sweep(t.Context(), Options{Root: other}); err != nil || len(swept.Containers) != 1 {
		t.Errorf("swept %+v, %v", swept, err)
	}
	assertClean(t, other)
	e := start(t, Options{Root: root})
	if err := runStep(t.Context(), e, enginetest.Shell(t), "echo hello", func(string) {}); err != nil {
		t.Errorf("the root does not work after a sweep: %v", err)
	}
}

// A process that is killed when it has made the folder of a snapshot, and has not yet
// written that down, leaves a folder that is in no database.
func TestStartDropsUnknownSnapshots(t *testing.T) {
	for _, snapshotter := range []string{"overlayfs", "native"} {
		root := filepath.Join(t.TempDir(), "engine")
		step := func() {
			t.Helper()
			e := start(t, Options{Root: root, Snapshotter: snapshotter})
			if err := runStep(t.Context(), e, enginetest.Shell(t), "echo hello", func(string) {}); err != nil {
				t.Fatalf("%s: %v", snapshotter, err)
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
		}
		dir := filepath.Join(root, workerDir+snapshotter, "snapshots", "snapshots")
		if err := os.MkdirAll(filepath.Join(dir, "1", "fs"), 0o755); err != nil { // in no database, as there is none
			t.Fatal(err)
		}
		step()
		known, err := os.ReadDir(dir)
		if err != nil || len(known) == 0 {
			t.Fatalf("%s: %d snapshots, %v", snapshotter, len(known), err)
		}
		for n := range 40 { // some of them are those of the next snapshots
			if err := os.MkdirAll(filepath.Join(dir, strconv.Itoa(n), "fs"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		step()
		if left, err := os.ReadDir(dir); err != nil || len(left) >= 40 {
			t.Errorf("%s: %d snapshots are there, %v", snapshotter, len(left), err)
		}
	}
}

func TestSweepOfNothing(t *testing.T) {
	for _, root := range []string{filepath.Join(t.TempDir(), "missing"), t.TempDir()} {
		swept, err := Sweep(t.Context(), Options{Root: root})
		if err != nil || !swept.Empty() {
			t.Errorf("%s: swept %+v, %v", root, swept, err)
		}
	}
}
