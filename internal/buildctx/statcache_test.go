package buildctx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
	"time"
)

// fixed is a modification time that a program could put back.
var fixed = time.Unix(1700000000, 0)

// sumOf asks the cache for the file's hash.
func sumOf(t *testing.T, c *StatCache, path string) string {
	t.Helper()
	info, err := os.Lstat(path)
	try(t, err)
	got, err := c.Sum(path, info)
	try(t, err)
	return got
}

// later makes the cache believe that all files are old enough to be remembered.
func later(c *StatCache) *StatCache {
	c.now = func() time.Time { return time.Now().Add(time.Minute) }
	return c
}

// poison changes a remembered hash in the file, so that a look-up shows where its answer came from.
func poison(t *testing.T, cachePath, path string) {
	t.Helper()
	c := LoadStatCache(cachePath)
	s, ok := c.old[path]
	if !ok {
		t.Fatalf("%s is not in the cache", path)
	}
	s.Sum = [sha256.Size]byte{1}
	c.old[path] = s
	c.dirty = true
	try(t, c.Save())
}

var poisoned = hex.EncodeToString(append([]byte{1}, make([]byte, 31)...))

func TestStatCacheRemembers(t *testing.T) {
	dir := t.TempDir()
	cachePath, path := filepath.Join(dir, "deep", "er", "cache"), filepath.Join(dir, "f")
	write(t, path, "text")
	c := later(LoadStatCache(cachePath))
	if got := sumOf(t, c, path); got != sum("text") {
		t.Errorf("got %s", got)
	}
	try(t, c.Save())
	poison(t, cachePath, path)
	c = LoadStatCache(cachePath)
	if got := sumOf(t, c, path); got != poisoned {
		t.Errorf("the cache was not used: %s", got)
	}
	if c.dirty {
		t.Error("a confirmed entry makes the cache dirty")
	}
	if entries, err := os.ReadDir(filepath.Dir(cachePath)); err != nil || len(entries) != 1 {
		t.Errorf("beside the cache: %v, %v", entries, err)
	}
	info, err := os.Stat(cachePath)
	if try(t, err); info.Mode() != 0o644 {
		t.Errorf("mode %v", info.Mode())
	}
}

// Each change that a program can make to a file, size and time put back, is seen.
func TestStatCacheSeesChanges(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"content":   func(path string) error { return os.WriteFile(path, []byte("tex2"), 0o644) },
		"new inode": func(path string) error { return replace(path, "tex2") },
		"renamed over": func(path string) error {
			if err := os.WriteFile(path+"2", []byte("tex2"), 0o644); err != nil {
				return err
			}
			if err := os.Chtimes(path+"2", fixed, fixed); err != nil {
				return err
			}
			return os.Rename(path+"2", path)
		},
		"size":  func(path string) error { return os.WriteFile(path, []byte("texts"), 0o644) },
		"time":  func(path string) error { return os.Chtimes(path, fixed, fixed.Add(1)) },
		"chmod": func(path string) error { return os.Chmod(path, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cachePath, path := filepath.Join(dir, "cache"), filepath.Join(dir, "f")
			write(t, path, "text")
			try(t, os.Chtimes(path, fixed, fixed))
			c := later(LoadStatCache(cachePath))
			sumOf(t, c, path)
			try(t, c.Save())
			poison(t, cachePath, path)
			time.Sleep(tick) // the change time of the next change is another one

			try(t, change(path))
			if name != "time" {
				try(t, os.Chtimes(path, fixed, fixed))
			}
			content, err := os.ReadFile(path)
			try(t, err)
			c = LoadStatCache(cachePath)
			if got := sumOf(t, c, path); got != sum(string(content)) {
				t.Errorf("got %s for %q", got, content)
			}
		})
	}
}

// Every part of the stamp counts, also those that real files can't move alone.
func TestStatCacheStamp(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write(t, path, "text")
	info, err := os.Lstat(path)
	try(t, err)
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatalf("%T", info.Sys())
	}
	same := stamp{Dev: st.Dev, Ino: st.Ino, Size: 4, Mode: syscall.S_IFREG | 0o644, Mtime: info.ModTime().UnixNano(), Ctime: st.Ctim.Nano(), Sum: [32]byte{1}}
	check := func(name string, s stamp, want string) {
		t.Helper()
		c := LoadStatCache(filepath.Join(dir, "none"))
		c.old[path] = s
		if got, err := c.Sum(path, info); got != want || err != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	check("nothing", same, poisoned)
	for i := range reflect.TypeFor[stamp]().NumField() - 1 {
		other := same
		switch field := reflect.ValueOf(&other).Elem().Field(i); {
		case field.CanInt():
			field.SetInt(field.Int() + 1)
		default:
			field.SetUint(field.Uint() + 1)
		}
		check(reflect.TypeFor[stamp]().Field(i).Name, other, sum("text"))
	}
}

func TestStatCacheRacyClean(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write(t, path, "text")
	info, err := os.Lstat(path)
	try(t, err)
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatalf("%T", info.Sys())
	}
	changed := time.Unix(0, st.Ctim.Nano()) // not before the modification time: the file was just written
	for after, remembered := range map[time.Duration]bool{-time.Hour: false, 0: false, tick: false, tick + 1: true, time.Hour: true} {
		c := LoadStatCache(filepath.Join(dir, "cache"))
		c.now = func() time.Time { return changed.Add(after) }
		if got, err := c.Sum(path, info); got != sum("text") || err != nil {
			t.Fatalf("%s, %v", got, err)
		}
		if _, ok := c.fresh[path]; ok != remembered || c.dirty != remembered {
			t.Errorf("hashed %v after the change: remembered %v, dirty %v; want %v", after, ok, c.dirty, remembered)
		}
	}
}

// A writer that is as fast as it can be, and puts size and time back, is never missed.
func TestStatCacheWithAFastWriter(t *testing.T) {
	dir := t.TempDir()
	cachePath, path := filepath.Join(dir, "cache"), filepath.Join(dir, "f")
	c := LoadStatCache(cachePath)
	for i := range 500 {
		text := fmt.Sprintf("%04d", i)
		try(t, os.WriteFile(path, []byte(text), 0o644))
		try(t, os.Chtimes(path, fixed, fixed))
		if got := sumOf(t, c, path); got != sum(text) {
			t.Fatalf("write %d was missed", i)
		}
		if i%50 == 0 {
			try(t, c.Save())
			c = LoadStatCache(cachePath)
		}
	}
}

func TestStatCacheKeepsWhatARunDidNotLookAt(t *testing.T) {
	dir := t.TempDir()
	cachePath := filepath.Join(dir, "cache")
	files(t, dir, map[string]string{"a": "a", "b": "b", "gone": "gone"})
	c := later(LoadStatCache(cachePath))
	for _, name := range []string{"a", "b", "gone"} {
		sumOf(t, c, filepath.Join(dir, name))
	}
	try(t, c.Save())
	if c.dirty || len(c.fresh) != 0 || len(c.old) != 3 {
		t.Errorf("after Save: dirty %v, fresh %v, old %v", c.dirty, c.fresh, c.old)
	}
	if again := LoadStatCache(cachePath); !reflect.DeepEqual(again.old, c.old) {
		t.Errorf("read %v, wrote %v", again.old, c.old)
	}
	before := c.old

	try(t, os.Remove(filepath.Join(dir, "gone")))
	write(t, filepath.Join(dir, "a"), "other")
	c = later(LoadStatCache(cachePath))
	sumOf(t, c, filepath.Join(dir, "a"))
	try(t, c.Save())
	after := LoadStatCache(cachePath).old
	if len(after) != 2 || after[filepath.Join(dir, "b")] != before[filepath.Join(dir, "b")] {
		t.Errorf("got %v, before %v", after, before)
	}
	if s := after[filepath.Join(dir, "a")]; s.Sum != sha256.Sum256([]byte("other")) || s.Size != 5 {
		t.Errorf("the changed file: %+v", s)
	}
}

func TestStatCacheSavesOnlyWhatItLearnt(t *testing.T) {
	dir := t.TempDir()
	cachePath := filepath.Join(dir, "cache")
	files(t, dir, map[string]string{"a": "a"})
	try(t, LoadStatCache(cachePath).Save())
	if _, err := os.Lstat(cachePath); err == nil {
		t.Error("an empty cache was written")
	}
	c := later(LoadStatCache(cachePath))
	sumOf(t, c, filepath.Join(dir, "a"))
	try(t, c.Save())
	before, err := os.Lstat(cachePath)
	try(t, err)
	c = LoadStatCache(cachePath)
	sumOf(t, c, filepath.Join(dir, "a"))
	try(t, c.Save())
	after, err := os.Lstat(cachePath)
	try(t, err)
	if !os.SameFile(before, after) {
		t.Error("the cache was written again though nothing was learnt")
	}

	// what a killed process left half-written is written over
	write(t, cachePath+".tmp", "half")
	write(t, filepath.Join(dir, "a"), "b")
	sumOf(t, later(c), filepath.Join(dir, "a"))
	try(t, c.Save())
	if _, err := os.Lstat(cachePath + ".tmp"); err == nil {
		t.Error("the temporary file stays")
	}
	if got := LoadStatCache(cachePath).old[filepath.Join(dir, "a")].Sum; got != sha256.Sum256([]byte("b")) {
		t.Errorf("got %x", got)
	}
}

// A damaged cache is an empty one.
func TestStatCacheDamaged(t *testing.T) {
	dir := t.TempDir()
	cachePath, path := filepath.Join(dir, "cache"), filepath.Join(dir, "f")
	write(t, path, "text")
	c := later(LoadStatCache(cachePath))
	sumOf(t, c, path)
	try(t, c.Save())
	good, err := os.ReadFile(cachePath)
	try(t, err)
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		try(t, os.WriteFile(cachePath, bad, 0o644))
		if c := LoadStatCache(cachePath); len(c.old) != 0 {
			t.Errorf("byte %d changed: %v", i, c.old)
		}
		try(t, os.WriteFile(cachePath, good[:i], 0o644))
		if c := LoadStatCache(cachePath); len(c.old) != 0 {
			t.Errorf("cut after %d bytes: %v", i, c.old)
		}
	}
}

func TestStatCacheErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write(t, path, "text")
	info, err := os.Lstat(path)
	try(t, err)
	try(t, os.Remove(path))
	for name, c := range map[string]*StatCache{"no cache": nil, "a cache": LoadStatCache("")} {
		want := "open " + path + ": no such file or directory"
		if got, err := c.Sum(path, info); got != "" || err == nil || err.Error() != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}

	write(t, path, "text")
	c := later(LoadStatCache(filepath.Join(path, "cache"))) // the folder is a file
	sumOf(t, c, path)
	if err := c.Save(); err == nil {
		t.Error("Save into a file reports nothing")
	}
	try(t, os.Mkdir(filepath.Join(dir, "cache"), 0o755))
	c = later(LoadStatCache(filepath.Join(dir, "cache"))) // the file is a folder
	sumOf(t, c, path)
	if err := c.Save(); err == nil || !c.dirty {
		t.Errorf("Save over a folder: %v, dirty %v", err, c.dirty)
	}
}

// A file info that isn't the kernel's has no stamp: the file is hashed each time.
func TestStatCacheWithoutAStamp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "text")
	info, err := os.Lstat(path)
	try(t, err)
	c := later(LoadStatCache(""))
	if got, err := c.Sum(path, noSys{info}); got != sum("text") || err != nil || len(c.fresh) != 0 {
		t.Errorf("%s, %v, %v", got, err, c.fresh)
	}
}

type noSys struct{ fs.FileInfo }

func (noSys) Sys() any { return nil }

// Whatever is in the cache's file, loading it works, and what was loaded is
// written and read again.
func FuzzLoadStatCache(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("text"), 0o644); err != nil {
		f.Fatal(err)
	}
	c := later(LoadStatCache(filepath.Join(dir, "cache")))
	info, err := os.Lstat(path)
	if err == nil {
		_, err = c.Sum(path, info)
	}
	if err == nil {
		err = c.Save()
	}
	good, readErr := os.ReadFile(filepath.Join(dir, "cache"))
	if err != nil || readErr != nil {
		f.Fatal(err, readErr)
	}
	body := good[len(cacheMagic) : len(good)-sha256.Size]
	f.Add(body, true)
	f.Add(body[:len(body)-1], true)
	f.Add(append(append([]byte(nil), body...), body...), true)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1}, true)
	f.Add([]byte{3, 0, 0, 0}, true)
	f.Add(good, false)
	f.Fuzz(func(t *testing.T, data []byte, framed bool) {
		if framed {
			check := sha256.Sum256(data)
			data = append(append([]byte(cacheMagic), data...), check[:]...)
		}
		path := filepath.Join(t.TempDir(), "cache")
		try(t, os.WriteFile(path, data, 0o644))
		c := LoadStatCache(path)
		c.fresh, c.dirty = c.old, true
		want := c.old
		try(t, c.Save())
		if got := LoadStatCache(path).old; !reflect.DeepEqual(got, want) {
			t.Errorf("read %v, wrote %v", got, want)
		}
	})
}
