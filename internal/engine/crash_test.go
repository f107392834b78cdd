package engine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestCachesOfAnotherBootAreDropped(t *testing.T) {
	root := t.TempDir()
	put := func(path, data string) string {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	boot := put("boot", "one\n")
	caches := []string{put("cache.db", "c"), put("history.db", "h"), put("runc-overlayfs/containerdmeta.db", "m"), put("runc-native/x", "x")}
	other := put("other", "o")
	there := func(want bool) {
		t.Helper()
		for _, path := range caches {
			if _, err := os.Stat(path); (err == nil) != want {
				t.Errorf("%s: %v, want it there: %v", path, err, want)
			}
		}
		if _, err := os.Stat(other); err != nil {
			t.Errorf("a file that is not a cache is gone: %v", err)
		}
	}
	mark := func() {
		t.Helper()
		if err := markRunning(root, boot); err != nil {
			t.Fatal(err)
		}
	}
	mark()
	there(true)
	mark() // killed and started again in one boot
	there(true)
	if err := markStopped(root); err != nil {
		t.Fatal(err)
	}
	put("boot", "two\n")
	mark() // stopped in good order before the machine was
	there(true)
	put("boot", "three\n")
	mark()
	there(false)
	if data, err := os.ReadFile(filepath.Join(root, runningFile)); err != nil || string(data) != "three\n" {
		t.Errorf("marked as %q, %v", data, err)
	}
	if err := markRunning(root, filepath.Join(root, "nowhere")); err == nil {
		t.Error("a missing boot id is no error")
	}
}

func TestRunningMarkComesAndGoes(t *testing.T) {
	root := t.TempDir()
	e := start(t, Options{Root: root})
	if _, err := os.Stat(filepath.Join(root, runningFile)); err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(root, runningFile)); err == nil {
		t.Error("the mark is still there after Close")
	}
}

func TestAllDatabasesAreFlushed(t *testing.T) {
	root := filepath.Join(t.TempDir(), "engine[1]")
	want := []string{"cache.db", "history.db", "runc-overlayfs/containerdmeta.db", "runc-overlayfs/metadata_v2.db", "runc-overlayfs/snapshots/metadata.db"}
	for _, name := range append(want, "runc-overlayfs/content/x.db", "other.txt") {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := databases(root)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i], _ = filepath.Rel(root, got[i])
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEnginesDatabasesAreKnown: a new version of BuildKit may have others.
func TestEnginesDatabasesAreKnown(t *testing.T) {
	e, err := Start(context.Background(), Options{Root: filepath.Join(t.TempDir(), "engine")})
	if err != nil {
		t.Fatal(err)
	}
	known, err := databases(e.opts.Root)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(e.opts.Root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".db" && !slices.Contains(known, path) {
			t.Errorf("%s is never flushed", path)
		}
		return err
	})
	if err := errors.Join(err, e.Close()); err != nil {
		t.Fatal(err)
	}
	if len(known) < 4 {
		t.Errorf("known are %q", known)
	}
}
