//go:build linux

package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sleeper makes the test binary a process that runs a sandbox until it is killed.
const sleeper = "PLINTH_TEST_SLEEPER"

// napTime is a sleep that no other process has.
const napTime = "86399.25"

func TestMain(m *testing.M) {
	if Main() {
		return
	}
	if os.Getenv(sleeper) != "" {
		err := Run(context.Background(), Config{Root: "/", Commands: [][]string{{"/bin/sleep", napTime}}})
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// asRoot runs test when the process may make namespaces, and otherwise checks that Run says it may not.
func asRoot(t *testing.T, test func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		test()
		return
	}
	if err := Run(t.Context(), Config{Root: "/"}); err != ErrNotRoot {
		t.Errorf("without root: %v", err)
	}
}

func sh(t *testing.T, script string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := Run(t.Context(), Config{Root: "/", Env: []string{"PATH=/usr/bin:/bin", "ONE=1"}, Output: &out, Commands: [][]string{{"/bin/sh", "-c", script}}})
	return out.String(), err
}

func TestInside(t *testing.T) {
	asRoot(t, func() {
		for script, want := range map[string]string{
			"echo $ONE $HOME; echo err >&2":                         "1\nerr\n",
			"hostname 2>/dev/null || cat /proc/sys/kernel/hostname": Hostname + "\n",
			"ls -A /tmp /run/lock | wc -l":                          "3\n", // the two names and an empty line
			"tail -n +2 /proc/net/route | wc -l":                    "0\n", // no way out
			"echo $$ > /dev/null; test -c /dev/null && test -c /dev/urandom && test ! -e /dev/kmsg && test -w /dev/full && echo ok": "ok\n",
			"umask; pwd": "0022\n/\n",
			"(echo x > /proc/sys/kernel/hostname) 2>/dev/null || echo read-only":                     "read-only\n",
			"readlink /proc/self >/dev/null && test $(ls -d /proc/[0-9]* | wc -l) -lt 8 && echo few": "few\n",
			"cat /dev/fd/0 < /dev/null && echo fd":                                                   "fd\n",
		} {
			got, err := sh(t, script)
			if err != nil || want != "" && got != want {
				t.Errorf("%s: %q, %v", script, got, err)
			}
		}
	})
}

func TestFailure(t *testing.T) {
	asRoot(t, func() {
		_, err := sh(t, "exit 3")
		if err == nil || err.Error() != "/bin/sh -c exit 3: exit status 3" {
			t.Error(err)
		}
		err = Run(t.Context(), Config{Root: "/", Commands: [][]string{{"/no/such"}, {"/bin/true"}}})
		if err == nil || err.Error() != "/no/such: fork/exec /no/such: no such file or directory" {
			t.Error(err)
		}
		if err := Run(t.Context(), Config{Root: t.TempDir()}); err == nil || !strings.HasPrefix(err.Error(), "cannot mount proc on ") {
			t.Error(err)
		}
		if err := Run(t.Context(), Config{Root: "/no/such"}); err == nil || err.Error() != "cannot mount the root: no such file or directory" {
			t.Error(err)
		}
	})
}

func TestCancel(t *testing.T) {
	asRoot(t, func() {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begin := time.Now()
		err := Run(ctx, Config{Root: "/", Commands: [][]string{{"/bin/sleep", "60"}}})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 30*time.Second {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
	})
}

// After kill -9 of the caller no process and no mount is left.
func TestKilledCallerLeavesNothing(t *testing.T) {
	asRoot(t, func() {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), sleeper+"=1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the command to run", napping)
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		waitFor(t, "the command to be gone", func() bool { return !napping() })
	})
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}

// napping says whether a process sleeps for napTime.
func napping() bool {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return false
	}
	for _, e := range entries {
		line, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if err == nil && string(line) == "/bin/sleep\x00"+napTime+"\x00" {
			return true
		}
	}
	return false
}

func TestMainIsNotForOthers(t *testing.T) {
	if Main() {
		t.Error("an ordinary process is taken for the sandbox's")
	}
}
