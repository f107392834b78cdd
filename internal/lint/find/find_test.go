package find

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestIsDockerfile(t *testing.T) {
	for name, want := range map[string]bool{
		"Dockerfile": true, "dockerfile": true, "Containerfile": true, "Dockerfile.dev": true, "Dockerfile.v1.2": true,
		"web.Dockerfile": true, "a.containerfile": true, "Dockerfile.dockerignore": false, "Dockerfile.md": false,
		"Dockerfile.j2": false, "Dockerfile.dev.tmpl": false, "Dockerfiles": false, "dockerfile-notes": false,
		"Dockerfile.alpine.in": false, "docker": false, ".dockerignore": false, "xDockerfile": false,
	} {
		if got := IsDockerfile(name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestIn(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{
		"Dockerfile", "b/Dockerfile.dev", "b/c/x.Dockerfile", "b/README.md", ".git/Dockerfile", "b/node_modules/x/Dockerfile",
		"vendor/Dockerfile", "out/Dockerfile", "d/Dockerfile/inside",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"e.Dockerfile": "Dockerfile", "f.Dockerfile": "nowhere", "g.Dockerfile": "b"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	found, err := In(root, filepath.Join(root, "out"))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range found {
		found[i], _ = filepath.Rel(root, f)
	}
	if want := []string{"Dockerfile", "b/Dockerfile.dev", "b/c/x.Dockerfile", "e.Dockerfile"}; !slices.Equal(found, want) {
		t.Errorf("got %q, want %q", found, want)
	}
	if _, err := In(filepath.Join(root, "nowhere")); err == nil {
		t.Error("a folder that is not there is no error")
	}
}
