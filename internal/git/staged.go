package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// OpenTop opens the whole repository that a folder lies in, not only what is below the folder. It
// returns nil when there is none, or no git.
func OpenTop(ctx context.Context, dir string) (*Repo, error) {
	r, err := Open(ctx, dir)
	if r == nil || err != nil {
		return nil, err
	}
	top, err := r.run(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, fmt.Errorf("cannot read the git repository of %s: %w", dir, err)
	}
	return Open(ctx, strings.TrimSuffix(top, "\n"))
}

// Root is the folder that the paths of the repository's files are relative to.
func (r *Repo) Root() string { return r.root }

// Staged lists the files that the next commit adds or changes, as slash paths relative to
// the root. In a hook it is the commit that is being made, whatever parts of the index
// that takes.
func (r *Repo) Staged(ctx context.Context) ([]string, error) {
	out, err := r.inIndex(ctx, "diff", "--cached", "--name-only", "-z", "--no-renames", "--diff-filter=d", "--relative", "--", ".")
	if err != nil {
		return nil, fmt.Errorf("cannot find what is staged: %w", err)
	}
	files := strings.FieldsFunc(out, func(c rune) bool { return c == 0 })
	slices.Sort(files)
	return files, nil
}

// Index is a file as it is staged.
func (r *Repo) Index(ctx context.Context, file string) ([]byte, error) {
	out, err := r.inIndex(ctx, "cat-file", "blob", ":./"+file)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s as it is staged: %w", file, err)
	}
	return []byte(out), nil
}

// inIndex runs git on the index that a hook is told of, otherwise on the repository's own.
func (r *Repo) inIndex(ctx context.Context, args ...string) (string, error) {
	cmd := r.command(ctx, args...)
	if index := os.Getenv("GIT_INDEX_FILE"); index != "" {
		// git runs hooks at the top of the work tree, and this name is relative to that
		abs, err := filepath.Abs(index)
		if err != nil {
			return "", err
		}
		cmd.Env = append(cmd.Env, "GIT_INDEX_FILE="+abs)
	}
	return output(cmd, args[0])
}
