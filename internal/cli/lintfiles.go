package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/plinth-build/plinth/internal/buildctx"
	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/git"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/lint/family"
	"github.com/plinth-build/plinth/internal/lint/find"
	"github.com/plinth-build/plinth/internal/lock"
)

// lintFiles is which Dockerfiles a user means, and what is known of them.
type lintFiles struct {
	catalog *catalog.Catalog // nil outside of one
	graph   *graph.Graph     // nil when the catalog has errors
	family  *family.Family   // likewise
	list    []lintFile
	broken  diag.List // what could not be read

	// listings are what is in the folders of the files, read once however many files are in one
	listings map[string]func() []string
	ignored  map[string]func() bool // whether a folder above them has a .dockerignore
}

// lintFile is one Dockerfile.
type lintFile struct {
	path string // as it is shown
	abs  string // "" for standard input
	rel  string // relative to the catalog's root, path outside of one
	data []byte
}

// openCatalog reads the catalog that the working folder is in, if there is one. One with errors is
// no reason not to look at its Dockerfiles: the errors are kept for later.
func (l *lintFiles) openCatalog(a *app) error {
	root := a.dir
	if root == "" {
		wd, err := os.Getwd()
		if err != nil {
			return diag.Errorf(diag.Position{}, "cannot find the catalog: %w", err)
		}
		if root, err = catalog.FindRoot(wd); err != nil {
			return nil //nolint:nilerr // without a catalog files and folders are enough
		}
	}
	c, err := catalog.Load(root)
	if err != nil {
		l.broken.AddErr(err)
		l.catalog = &catalog.Catalog{Root: root}
		return nil
	}
	l.catalog = c
	g, err := graph.Build(c)
	if err != nil {
		l.broken.AddErr(err)
		return nil
	}
	_, err = os.Stat(filepath.Join(c.Root, lock.FileName))
	l.graph, l.family = g, family.New(g, err == nil)
	return nil
}

// choose finds the files that the arguments name: files, folders, selectors of the catalog, and - for
// standard input. Without any it is the whole catalog, or the working folder.
func (l *lintFiles) choose(args []string, stdin io.Reader, stdinName string) error {
	switch {
	case len(args) > 0:
	case l.family != nil:
		for _, rel := range l.family.Files() {
			l.add(filepath.Join(l.catalog.Root, filepath.FromSlash(rel)))
		}
		return nil
	case l.catalog != nil:
		l.addFolder(l.catalog.Root)
		return nil
	default:
		args = []string{"."}
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case arg == "-":
			if err := l.addInput(stdin, stdinName); err != nil {
				return err
			}
		case err == nil && info.IsDir():
			if before := len(l.list); l.addFolder(arg) && len(l.list) == before {
				l.broken.Add(diag.Errorf(diag.Position{}, "cannot find a Dockerfile in %s", arg).
					Hint("name the file itself if it is called otherwise: plinth lint %s", filepath.Join(arg, "FILE")))
			}
		case err == nil:
			l.add(arg)
		case l.graph != nil && errors.Is(err, fs.ErrNotExist):
			if err := l.addTargets(arg); err != nil {
				return err
			}
		default:
			l.broken.Add(diag.Errorf(diag.Position{}, "cannot read %s: %w", arg, cause(err)))
		}
	}
	return nil
}

// cause is err without the operation and the path.
func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

func (l *lintFiles) addTargets(selector string) error {
	targets, err := l.graph.Select(selector)
	if err != nil {
		for _, e := range diag.Flatten(err) {
			e.Hint("it is no file or folder either")
			return e.WithCode(diag.ExitUsage)
		}
	}
	for _, t := range targets {
		if t.Dockerfile != nil {
			l.add(filepath.Join(l.catalog.Root, filepath.FromSlash(t.DockerfilePath)))
		}
	}
	return nil
}

func (l *lintFiles) addInput(stdin io.Reader, name string) error {
	data, err := io.ReadAll(stdin)
	if err != nil {
		return diag.Errorf(diag.Position{}, "cannot read standard input: %w", err)
	}
	f := lintFile{path: "-", data: data}
	if name != "" {
		f = l.file(name)
		f.data = data
	}
	if f.rel == "" {
		f.rel = f.path
	}
	l.list = append(l.list, f)
	return nil
}

// addFolder adds the Dockerfiles below a folder. It says whether the folder could be read.
func (l *lintFiles) addFolder(dir string) bool {
	var without []string
	if l.catalog != nil && l.catalog.Config.State != "" {
		state := l.catalog.Config.State
		if !filepath.IsAbs(state) {
			state = filepath.Join(l.catalog.Root, state)
		}
		if rel, err := filepath.Rel(absolute(dir), state); err == nil {
			without = append(without, filepath.Join(dir, rel))
		}
	}
	found, err := find.In(dir, without...)
	for _, path := range found {
		l.add(path)
	}
	if err != nil {
		l.broken.Add(diag.Errorf(diag.Position{}, "cannot look into all of %s: %w", dir, err))
	}
	return err == nil
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// add reads a file, unless it is there already.
func (l *lintFiles) add(path string) {
	f := l.file(path)
	if slices.ContainsFunc(l.list, func(o lintFile) bool { return o.abs == f.abs }) {
		return
	}
	var err error
	if f.data, err = os.ReadFile(path); err != nil {
		l.broken.Add(diag.Errorf(diag.Position{}, "cannot read %s: %w", f.path, cause(err)))
		return
	}
	l.list = append(l.list, f)
}

func (l *lintFiles) file(path string) lintFile {
	f := lintFile{abs: absolute(path)}
	f.path = filepath.ToSlash(shown(f.abs))
	if !filepath.IsAbs(path) {
		f.path = filepath.ToSlash(filepath.Clean(path))
	}
	f.rel = f.path
	if l.catalog != nil {
		if rel, err := filepath.Rel(absolute(l.catalog.Root), f.abs); err == nil && filepath.IsLocal(rel) {
			f.rel = filepath.ToSlash(rel)
		}
	}
	return f
}

// only keeps the files that a list of paths has, relative to the top of the repository.
func (l *lintFiles) only(top string, changed []string) {
	l.list = slices.DeleteFunc(l.list, func(f lintFile) bool {
		rel, err := filepath.Rel(top, f.abs)
		return err != nil || !slices.Contains(changed, filepath.ToSlash(rel))
	})
}

// narrow keeps files that changed since a commit, or that are staged; those with what is staged as their
// content.
func (l *lintFiles) narrow(ctx context.Context, since string, staged bool) error {
	if since == "" && !staged {
		return nil
	}
	wd, err := os.Getwd()
	if err != nil {
		return diag.Errorf(diag.Position{}, "cannot find the repository: %w", err)
	}
	repo, err := git.OpenTop(ctx, wd)
	if err != nil {
		return err
	}
	if repo == nil {
		return diag.Errorf(diag.Position{}, "cannot tell what changed: %s is in no git repository", wd)
	}
	if since != "" {
		changed, err := repo.Changed(ctx, since)
		if err != nil {
			return err
		}
		l.only(repo.Root(), changed)
	}
	if !staged {
		return nil
	}
	names, err := repo.Staged(ctx)
	if err != nil {
		return err
	}
	l.only(repo.Root(), names)
	for i := range l.list {
		f := &l.list[i]
		rel, err := filepath.Rel(repo.Root(), f.abs)
		if err != nil {
			return err
		}
		if f.data, err = repo.Index(ctx, filepath.ToSlash(rel)); err != nil {
			return err
		}
	}
	return nil
}

// docs prepares a file for the rules: once, or for each target of the catalog that is built from it.
func (l *lintFiles) docs(f lintFile, o *lint.Options) ([]*lint.Doc, []*lint.Context) {
	var contexts []*lint.Context
	if l.family != nil {
		contexts = l.family.Contexts(f.rel)
	}
	file := syntax.Parse(f.path, f.data)
	folder := l.folder(f)
	if len(contexts) == 0 {
		d := lint.NewDoc(file, o, folder, nil)
		d.Rel = f.rel
		return []*lint.Doc{d}, []*lint.Context{nil}
	}
	var docs []*lint.Doc
	for _, c := range contexts {
		d := lint.NewDoc(file, o, folder, c)
		d.Rel = f.rel
		docs = append(docs, d)
	}
	return docs, contexts
}

// folder is what rules can see of the file's build context, nil for standard input.
func (l *lintFiles) folder(f lintFile) *lint.Folder {
	if f.abs == "" {
		return nil
	}
	dir, name := filepath.Split(f.abs)
	out := &lint.Folder{Dir: filepath.ToSlash(filepath.Dir(f.path))}
	if ignore := buildctx.IgnoreFile(dir, name); ignore != "" {
		if data, err := os.ReadFile(filepath.Join(dir, ignore)); err == nil {
			out.IgnorePath, out.Dockerignore = filepath.ToSlash(filepath.Join(out.Dir, ignore)), data
		}
	}
	out.Exists = func(name string) bool {
		if !filepath.IsLocal(filepath.FromSlash(strings.TrimPrefix(name, "/"))) {
			return false
		}
		_, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name)))
		return err == nil
	}
	out.IgnoredAbove = l.above(dir)
	out.Names = l.listing(dir)
	return out
}

// listing gives the names of what is in a folder, none when it cannot be read.
func (l *lintFiles) listing(dir string) func() []string {
	if known := l.listings[dir]; known != nil {
		return known
	}
	if l.listings == nil {
		l.listings = map[string]func() []string{}
	}
	l.listings[dir] = sync.OnceValue(func() (names []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	})
	return l.listings[dir]
}

// above gives ignoredAbove of a folder, looked up once.
func (l *lintFiles) above(dir string) func() bool {
	if l.ignored[dir] == nil {
		if l.ignored == nil {
			l.ignored = map[string]func() bool{}
		}
		l.ignored[dir] = sync.OnceValue(func() bool { return ignoredAbove(dir) })
	}
	return l.ignored[dir]
}

// ignoredAbove says whether a folder above one has a .dockerignore, up to the root of the repository that
// they are in; outside of repositories it is false.
func ignoredAbove(dir string) (found bool) {
	for dir = filepath.Clean(dir); !exists(dir, ".git"); {
		above := filepath.Dir(dir)
		if above == dir {
			return false
		}
		dir = above
		found = found || exists(dir, ".dockerignore")
	}
	return found
}

func exists(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}
