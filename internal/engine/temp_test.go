package engine

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTempFolderComesAndGoes(t *testing.T) {
	t.Setenv(tempVariable, t.TempDir())
	before := os.TempDir()
	temp, err := makeTemp("/s/engine")
	if err != nil {
		t.Fatal(err)
	}
	if os.TempDir() != temp.path || tempOf("/s/engine", temp.path) != temp.path || filepath.Dir(temp.path) != before {
		t.Errorf("%s is in use, made was %s in %s", os.TempDir(), temp.path, before)
	}
	point := filepath.Join(temp.path, "secret")
	if err := os.Mkdir(point, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", point, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(point, unix.MNT_DETACH) })
	if err := temp.remove("/s/engine"); err == nil {
		t.Error("a folder with a mount in it was removed")
	}
	if _, err := os.Stat(point); err != nil {
		t.Errorf("what is mounted is gone: %v", err)
	}
	if os.TempDir() != before {
		t.Errorf("%s stays in use", os.TempDir())
	}
	if err := unix.Unmount(point, 0); err != nil {
		t.Fatal(err)
	}
	if err := temp.remove("/s/engine"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(temp.path); err == nil {
		t.Error("the folder stays")
	}
}

func TestTempFolderLeavesNoVariable(t *testing.T) {
	t.Setenv(tempVariable, "") // puts it back after the test
	os.Unsetenv(tempVariable)
	temp, err := makeTemp("/s/engine")
	if err != nil {
		t.Fatal(err)
	}
	if err := temp.remove("/s/engine"); err != nil {
		t.Fatal(err)
	}
	if value, set := os.LookupEnv(tempVariable); set {
		t.Errorf("%s is %q, it was not set", tempVariable, value)
	}
}

func TestTempOf(t *testing.T) {
	ours := "/var/tmp/" + tempPrefix("/s/engine") + "123"
	for path, want := range map[string]string{
		ours:                               ours,
		ours + "/buildkit-secrets":         ours,
		ours + "/a/b":                      ours,
		"/var/tmp/plinth-0123456789ab-1/x": "",
		"/var/tmp/" + tempPrefix("/s/other") + "1/x":    "",
		"/var/tmp/not" + tempPrefix("/s/engine") + "/x": "",
		"/tmp": "",
	} {
		if got := tempOf("/s/engine", path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestSweepLeavesForeignTemps(t *testing.T) {
	t.Setenv(tempVariable, t.TempDir())
	outside := filepath.Join(t.TempDir(), "keep")
	if err := os.Mkdir(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	prefix := filepath.Join(os.TempDir(), tempPrefix("/s/engine"))
	if err := os.Symlink(outside, prefix+"link"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"other", "ours"} {
		if err := os.Mkdir(prefix+name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(prefix+"other", 65534, 65534); err != nil {
		t.Fatal(err)
	}
	var s Swept
	if err := s.sweepTemp("/s/engine", nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{outside: true, prefix + "link": true, prefix + "other": true, prefix + "ours": false} {
		if _, err := os.Lstat(name); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
