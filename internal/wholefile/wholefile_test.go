package wholefile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func names(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestWrite(t *testing.T) {
	dir, temp := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "file")
	for i, w := range []Writer{{}, {TempDir: temp, Prefix: "x-"}, {Sync: true}} {
		text := string(rune('a' + i))
		if err := w.Bytes(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != text {
			t.Errorf("%+v: got %q", w, got)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if names(t, dir) != 1 || names(t, temp) != 0 {
		t.Error("temporary files are left")
	}
}

func TestErrorsLeaveTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := Bytes(path, []byte("before")); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("no more")
	err := Writer{}.Stream(path, func(w io.Writer) error {
		if _, err := w.Write([]byte("half")); err != nil {
			return err
		}
		if got := content(t, path); got != "before" {
			t.Errorf("in the middle the file has %q", got)
		}
		return cause
	})
	if !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if got := content(t, path); got != "before" || names(t, dir) != 1 {
		t.Errorf("the file has %q, of %d", got, names(t, dir))
	}
	if err := (Writer{TempDir: filepath.Join(dir, "nowhere")}).Bytes(path, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestTemporaryName(t *testing.T) {
	dir := t.TempDir()
	err := Writer{TempDir: dir, Prefix: "json-"}.Stream(filepath.Join(t.TempDir(), "file"), func(io.Writer) error {
		if found, err := filepath.Glob(filepath.Join(dir, "json-*")); err != nil || len(found) != 1 {
			t.Errorf("got %v, %v", found, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
