package store

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
)

// With this variable set the test program is the other process: it takes the
// lock of that folder, says so, and keeps it until its input ends.
const holdVar = "PLINTH_TEST_HOLD_LOCK"

func TestMain(m *testing.M) {
	dir := os.Getenv(holdVar)
	if dir == "" {
		os.Exit(m.Run())
	}
	lock, err := Acquire(dir, "plinth build --other")
	if err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("held\n")
	_, _ = os.Stdin.Read(make([]byte, 1))
	if err := lock.Release(); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// hold starts another process that has the lock of dir.
func hold(t *testing.T, dir string) (other *exec.Cmd, release func()) {
	t.Helper()
	self, err := os.Executable()
	try(t, err)
	other = exec.Command(self)
	other.Env = append(os.Environ(), holdVar+"="+dir)
	stdin, err := other.StdinPipe()
	try(t, err)
	stdout, err := other.StdoutPipe()
	try(t, err)
	try(t, other.Start())
	t.Cleanup(func() { _ = other.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return other, func() {
		t.Helper()
		try(t, stdin.Close())
		try(t, other.Wait())
	}
}

func holder(t *testing.T, dir string) Holder {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "lock"))
	try(t, err)
	var h Holder
	try(t, json.Unmarshal(data, &h))
	return h
}

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "state")
	before := time.Now().Add(-time.Second)
	lock, err := Acquire(dir, "plinth build")
	try(t, err)
	h := holder(t, dir)
	if h.PID != os.Getpid() || h.Command != "plinth build" || h.Since.Before(before) || h.Since.After(time.Now()) || h.Since.Location() != time.UTC || h.Since.Nanosecond() != 0 {
		t.Errorf("holder %+v", h)
	}
	if lock.Stale {
		t.Error("a new lock is stale")
	}
	try(t, lock.Release())
	if left := tree(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	lock, err = Acquire(dir, "plinth update")
	try(t, err)
	if lock.Stale {
		t.Error("a released lock is stale")
	}
	try(t, lock.Release())
	if err := lock.Release(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("released twice: %v", err)
	}
}

func TestLockOfAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	other, release := hold(t, dir)
	_, err := Acquire(dir, "plinth update")
	want := `^cannot start: "plinth build --other" \(process ` + strconv.Itoa(other.Process.Pid) + `, since \d\d:\d\d:\d\d\) is using ` + regexp.QuoteMeta(dir) + `$`
	if err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
		t.Fatalf("got %v", err)
	}
	h := holder(t, dir)
	if h.PID != other.Process.Pid || !strings.Contains(err.Error(), h.Since.Local().Format("15:04:05")) {
		t.Errorf("holder %+v, error %v", h, err)
	}
	hints := diag.Flatten(err)[0].Hints
	if len(hints) != 1 || hints[0] != "wait until it has ended, or give this run its own state with --state-dir" {
		t.Errorf("hints %q", hints)
	}

	// a holder that has not said who it is yet, or not all of it
	for _, text := range []string{"", `{"pid":12,"comm`, `{}`} {
		try(t, os.WriteFile(filepath.Join(dir, "lock"), []byte(text), 0o644))
		_, err = Acquire(dir, "plinth update")
		wantError(t, err, "cannot start: another plinth is using "+dir)
	}

	release()
	lock, err := Acquire(dir, "plinth update")
	try(t, err)
	if lock.Stale {
		t.Error("the other process released the lock")
	}
	try(t, lock.Release())
}

// A killed process leaves the file and not the lock.
func TestLockOfAKilledProcess(t *testing.T) {
	dir := t.TempDir()
	other, _ := hold(t, dir)
	try(t, other.Process.Kill())
	_ = other.Wait() // says that it was killed
	if holder(t, dir).PID != other.Process.Pid {
		t.Fatal("the killed process left no file")
	}
	lock, err := Acquire(dir, "p")
	try(t, err)
	if !lock.Stale {
		t.Error("the lock of a killed process is not stale")
	}
	if h := holder(t, dir); h.PID != os.Getpid() || h.Command != "p" { // the longer text before is gone
		t.Errorf("holder %+v", h)
	}
	try(t, lock.Release())
}

// Of many that take and release one lock, one at a time has it.
func TestLockIsHeldByOne(t *testing.T) {
	dir := t.TempDir()
	var holders, taken atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				lock, err := Acquire(dir, "plinth build")
				if err != nil {
					if !strings.HasPrefix(err.Error(), "cannot start: ") {
						t.Error(err)
					}
					continue
				}
				taken.Add(1)
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold the lock", n)
				}
				holders.Add(-1)
				if err := lock.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if taken.Load() < 8 {
		t.Errorf("taken only %d times", taken.Load())
	}
}

func TestLockErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	try(t, os.WriteFile(file, nil, 0o644))
	_, err := Acquire(file, "plinth build")
	wantError(t, err, "cannot make the state folder: mkdir "+file+": not a directory")
	try(t, os.Mkdir(filepath.Join(dir, "lock"), 0o755))
	_, err = Acquire(dir, "plinth build")
	wantError(t, err, "cannot lock the state folder: open "+filepath.Join(dir, "lock")+": is a directory")
}
