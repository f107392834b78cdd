package cli

import (
	"os"
	"path/filepath"
	"testing"
)

func TestIgnoredAbove(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"a/.git", "a/docker/deep", "b/.git", "b/docker", "c/docker"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{".dockerignore", "a/.dockerignore", "b/docker/.dockerignore", "c/.dockerignore"} {
		if err := os.WriteFile(filepath.Join(root, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for dir, want := range map[string]bool{
		"a/docker": true, "a/docker/deep": true, "a/docker/": true, // of the repository's root
		"a": false, "b/docker": false, // none above, the one outside of the repository does not count
		"c/docker": false, // no repository
	} {
		if got := ignoredAbove(filepath.Join(root, dir)); got != want {
			t.Errorf("%s: %v", dir, got)
		}
	}
}
