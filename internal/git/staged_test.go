package git

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestStaged(t *testing.T) {
	r := newRepo(t)
	r.write("cat/a/Dockerfile", "FROM a\n")
	r.write("cat/gone/Dockerfile", "FROM gone\n")
	r.git("add", ".")
	r.git("commit", "-qm", "one")
	r.write("cat/a/Dockerfile", "FROM staged\n")
	r.write("top/Dockerfile", "FROM top\n")
	r.git("add", ".")
	r.git("rm", "-q", "cat/gone/Dockerfile")
	r.write("cat/a/Dockerfile", "FROM later\n")
	r.write("cat/b/Dockerfile", "FROM not-staged\n")

	repo, err := OpenTop(t.Context(), filepath.Join(r.top, "cat"))
	if err != nil {
		t.Fatal(err)
	}
	if repo.Root() != r.top {
		t.Errorf("the top is %s, want %s", repo.Root(), r.top)
	}
	files, err := repo.Staged(t.Context())
	if want := []string{"cat/a/Dockerfile", "top/Dockerfile"}; err != nil || !slices.Equal(files, want) {
		t.Errorf("staged are %q, %v, want %q", files, err, want)
	}
	data, err := repo.Index(t.Context(), "cat/a/Dockerfile")
	if err != nil || string(data) != "FROM staged\n" {
		t.Errorf("the index has %q, %v", data, err)
	}
	if _, err := repo.Index(t.Context(), "cat/b/Dockerfile"); err == nil {
		t.Error("what is not staged is in the index")
	}
}

func TestStagedOfAnotherIndex(t *testing.T) {
	r := newRepo(t)
	r.git("add", ".")
	r.git("commit", "-qm", "one")
	r.write("x/Dockerfile", "FROM whole\n")
	r.git("add", ".")
	// as git commit NAME does for its hooks: an index with less in it
	t.Setenv("GIT_INDEX_FILE", filepath.Join(r.top, ".git", "other"))
	r.git("read-tree", "HEAD")
	r.write("y/Dockerfile", "FROM part\n")
	r.git("add", "y")
	repo, err := OpenTop(t.Context(), r.top)
	if err != nil {
		t.Fatal(err)
	}
	files, err := repo.Staged(t.Context())
	if want := []string{"y/Dockerfile"}; err != nil || !slices.Equal(files, want) {
		t.Errorf("staged are %q, %v, want %q", files, err, want)
	}
}

func TestOpenTopOfNothing(t *testing.T) {
	if repo, err := OpenTop(t.Context(), t.TempDir()); repo != nil || err != nil {
		t.Errorf("got %v, %v", repo, err)
	}
}
