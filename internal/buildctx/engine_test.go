package buildctx

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// What Scan describes must be what the engine is sent. The engine's own code
// for that is fsutil; these tests compare with it.

// sent lists what the engine gets of dir: path, mode and link target.
func sent(dir string) ([]string, error) {
	var patterns []string
	data, err := os.ReadFile(filepath.Join(dir, ".dockerignore"))
	if err == nil {
		patterns, err = ignorefile.ReadAll(bytes.NewReader(data))
	}
	if err != nil {
		return nil, err
	}
	all, err := fsutil.NewFS(dir)
	if err != nil {
		return nil, err
	}
	filtered, err := fsutil.NewFilterFS(all, &fsutil.FilterOpt{ExcludePatterns: patterns})
	if err != nil {
		return nil, err
	}
	var out []string
	err = filtered.Walk(context.Background(), "/", func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		stat, ok := info.Sys().(*types.Stat)
		if !ok {
			return fmt.Errorf("%s: %T", d.Name(), info.Sys())
		}
		out = append(out, describe(stat.Path, fs.FileMode(stat.Mode), stat.Linkname))
		return nil
	})
	return out, err
}

// scanned lists the same of what Scan found.
func scanned(dir string) ([]string, error) {
	c, err := Scan(dir, dir, "Dockerfile", nil)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range c.Entries {
		target := ""
		if e.Mode&fs.ModeSymlink != 0 {
			target = e.Sum
		}
		out = append(out, describe(e.Path, e.Mode, target))
	}
	return out, nil
}

func describe(path string, mode fs.FileMode, target string) string {
	return fmt.Sprintf("%s %v %s", path, mode, target)
}

func compare(t *testing.T, dir string) {
	t.Helper()
	want, wantErr := sent(dir)
	got, err := scanned(dir)
	if err != nil {
		if wantErr == nil && !strings.Contains(err.Error(), "cannot use the pattern") {
			t.Errorf("got the error %v, the engine takes it", err)
		}
		return // the engine doesn't compile patterns that it gets by without
	}
	if wantErr != nil {
		t.Errorf("no error, the engine says %v", wantErr)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nthe engine gets\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// Random trees with random patterns, from few names so that they meet.
func TestScanIsWhatTheEngineGets(t *testing.T) {
	const trees, patternSets = 25, 60
	for seed := range uint64(trees) {
		r := rand.New(rand.NewPCG(seed, 1))
		dir := t.TempDir()
		growTree(t, r, dir, 3)
		for range patternSets {
			ignore := randomPatterns(r)
			write(t, filepath.Join(dir, ".dockerignore"), ignore)
			if compare(t, dir); t.Failed() {
				t.Fatalf("seed %d, patterns:\n%s", seed, ignore)
			}
		}
	}
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

func randomName(r *rand.Rand) string { return pick(r, "a", "b", "ab", "a.b", "c.txt", "-", "é", ".d") }

func growTree(t *testing.T, r *rand.Rand, dir string, depth int) {
	t.Helper()
	for range 2 + r.IntN(4) {
		path := filepath.Join(dir, randomName(r))
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		switch kind := r.IntN(10); {
		case kind < 5 && depth > 0:
			try(t, os.Mkdir(path, 0o700|fs.FileMode(r.IntN(64))))
			growTree(t, r, path, depth-1)
		case kind == 9:
			try(t, os.Symlink(randomName(r), path))
		default:
			try(t, os.WriteFile(path, nil, 0o600|fs.FileMode(r.IntN(64))))
		}
	}
}

func randomPatterns(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(5) {
		b.WriteString(pick(r, "", "", "", "!", "!", "# ", "! ", " "))
		b.WriteString(pick(r, "", "", "", "/", "./", "../"))
		for i := range 1 + r.IntN(3) {
			if i > 0 {
				b.WriteString(pick(r, "/", "/", "//", "/./"))
			}
			b.WriteString(pick(r, randomName(r), randomName(r), randomName(r), "*", "**", "?", "a*", "*b", "[ab]", "[^a]", "*.txt", "**b", ".dockerignore"))
		}
		b.WriteString(pick(r, "", "", "/", "/**", "/*", " ", "\r"))
		b.WriteString("\n")
	}
	return b.String()
}

// Any text as patterns, over one tree.
func FuzzPatterns(f *testing.F) {
	for _, seed := range []string{"", "a\n!a/b", "*\n!a/**\na/b/[^x]", "**/c.txt\n!/a", "\ufeff# x\n\\!a", "[", "!", "{a}|b", "!!a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, ignore string) {
		dir := t.TempDir()
		files(t, dir, map[string]string{".dockerignore": ignore, "a/b/c.txt": "", "a/b/x": "", "a/!a": "", "ab/a": "", "c.txt": "", "{a}/b": "", "é": "-> a"})
		compare(t, dir)
	})
}
