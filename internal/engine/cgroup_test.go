package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// inCgroup starts a command, for the caller to wait for, in a new cgroup
// buildkit/c below the returned one.
func inCgroup(t *testing.T, name string, args ...string) (root string, cmd *exec.Cmd) {
	t.Helper()
	// any hierarchy that takes processes will do: the one of v2, or of a controller of v1
	for _, pattern := range []string{"pids", "unified", ""} {
		root = filepath.Join(cgroupMount, pattern, "plinth-test-"+strconv.Itoa(os.Getpid()))
		if _, err := os.Stat(filepath.Join(filepath.Dir(root), "cgroup.procs")); err == nil {
			break
		}
	}
	leaf := filepath.Join(root, "buildkit", "c")
	if err := os.MkdirAll(leaf, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, dir := range []string{leaf, filepath.Dir(leaf), root} {
			os.Remove(dir)
		}
	})
	cmd = exec.CommandContext(t.Context(), name, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(leaf, "cgroup.procs"), []byte(strconv.Itoa(cmd.Process.Pid)), 0); err != nil {
		t.Fatal(err)
	}
	return root, cmd
}

func TestRemoveCgroupsWaitsForTheDying(t *testing.T) {
	root, cmd := inCgroup(t, "sleep", "0.3")
	go func() { _ = cmd.Wait() }()
	removed, err := removeCgroups(t.Context(), []string{root}, time.Now().Add(time.Minute))
	if err != nil || len(removed) != 1 {
		t.Errorf("removed %q, %v", removed, err)
	}
	if _, err := os.Stat(root); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", root, err)
	}
}

func TestRemoveCgroupsGivesUpAtTheDeadline(t *testing.T) {
	root, cmd := inCgroup(t, "sleep", "60")
	removed, err := removeCgroups(t.Context(), []string{root}, time.Now())
	if err == nil || len(removed) != 0 {
		t.Errorf("removed %q around a running process, %v", removed, err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
