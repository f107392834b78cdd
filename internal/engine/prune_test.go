package engine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/plinth-build/plinth/internal/engine/enginetest"
)

func TestCacheIsListedAndPruned(t *testing.T) {
	shell := enginetest.Shell(t)
	o := Options{Root: filepath.Join(t.TempDir(), "engine")}
	if HasCache(o) {
		t.Error("there is a cache before there is an engine")
	}
	e := start(t, o)
	before := time.Now().Add(-time.Second)
	for _, text := range []string{"one", "two"} {
		if err := runStep(t.Context(), e, shell, "echo "+text+" > /"+text, func(string) {}); err != nil {
			t.Fatal(err)
		}
	}
	if !HasCache(o) {
		t.Error("there is no cache after a build")
	}
	records, err := e.Cache(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// a folder, the shell in it, and a step on that for each command
	byID := map[string]CacheRecord{}
	var steps []CacheRecord
	for _, r := range records {
		byID[r.ID] = r
		if r.InUse || r.Used.Before(before) || r.Used.After(time.Now()) {
			t.Errorf("%+v", r)
		}
		if strings.Contains(r.Description, "/bin/sh -c echo") {
			steps = append(steps, r)
		}
	}
	if len(steps) != 2 || len(steps[0].Parents) != 1 || !slices.Equal(steps[0].Parents, steps[1].Parents) {
		t.Fatalf("got %+v", records)
	}
	parent := byID[steps[0].Parents[0]]
	if parent.Size < int64(len(shell)) {
		t.Errorf("the shell's entry has %d bytes: %+v", parent.Size, parent)
	}

	// what something stands on stays; the others go
	if n, err := e.Prune(t.Context(), []string{parent.ID, steps[0].ID, "unknown"}); err != nil || n != 1 {
		t.Errorf("%d gone, %v", n, err)
	}
	left := ids(t, e)
	if len(left) != len(records)-1 || slices.Contains(left, steps[0].ID) || !slices.Contains(left, steps[1].ID) {
		t.Errorf("left %v of %v", left, records)
	}
	if n, err := e.Prune(t.Context(), nil); err != nil || n != 0 {
		t.Errorf("%d gone, %v", n, err)
	}
	if n, err := e.Prune(t.Context(), append(left, "unknown")); err != nil || n != len(left) {
		t.Errorf("%d gone of %d, %v", n, len(left), err)
	}
	if left := ids(t, e); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	// the files are gone too, not only the records
	if found := shellCopies(t, o.Root, len(shell)); len(found) != 0 {
		t.Errorf("left on disk: %v", found)
	}
	if err := runStep(t.Context(), e, shell, "echo again", func(string) {}); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Prune(ctx, ids(t, e)); err == nil || !strings.HasPrefix(err.Error(), "cannot prune the build cache: ") {
		t.Errorf("got %v", err)
	}
	if _, err := e.Cache(ctx); err == nil || !strings.HasPrefix(err.Error(), "cannot list the build cache: ") {
		t.Errorf("got %v", err)
	}
}

func ids(t *testing.T, e *Engine) []string {
	t.Helper()
	records, err := e.Cache(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range records {
		out = append(out, r.ID)
	}
	return out
}

func shellCopies(t *testing.T, root string, size int) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() == int64(size) {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestClear(t *testing.T) {
	root := filepath.Join(t.TempDir(), "engine")
	if err := Clear(Options{Root: root}); err != nil {
		t.Error(err)
	}
	e := start(t, Options{Root: root})
	if err := runStep(t.Context(), e, enginetest.Shell(t), "echo x > /x", func(string) {}); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Clear(Options{Root: root}); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	again := start(t, Options{Root: root})
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestClearLeavesMountsAlone(t *testing.T) {
	root, source := t.TempDir(), t.TempDir()
	point := filepath.Join(root, "a", "mounted")
	precious := filepath.Join(source, "precious")
	if err := errors.Join(os.MkdirAll(point, 0o755), os.WriteFile(precious, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(source, point, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(point, 0); err != nil {
			t.Error(err)
		}
	})
	err := Clear(Options{Root: root})
	if want := "cannot clear the build cache: " + point + " is still mounted"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}
