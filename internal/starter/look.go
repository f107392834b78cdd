package starter

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/dockerfile"
	"github.com/plinth-build/plinth/internal/ociref"
)

// Ignore is what a folder's .gitignore says of the state folder.
type Ignore int

// The states of a .gitignore.
const (
	NoIgnoreFile Ignore = iota // there is none
	StateListed                // it has a line for the state folder
	StateMissing               // it has none
)

// Found is what a folder holds before it becomes a catalog.
type Found struct {
	Folders []string // that are images: slash paths with a Dockerfile or an image.yaml in them
	// Prefixes are registries, with or without a path, under which Dockerfiles
	// name images that have a folder here: the most frequent first.
	Prefixes []string
	Ignore   Ignore
}

// Look finds the images in a folder, where a catalog would find them. A folder
// that is not there has none, and a Dockerfile that cannot be read names nothing.
func Look(dir string) (Found, error) {
	var out Found
	var err error
	if out.Folders, err = imageFolders(dir); err != nil {
		return out, err
	}
	names := map[string]bool{}
	for _, folder := range out.Folders {
		names[targetName(folder)] = true
	}
	counts := map[string]int{}
	for _, folder := range out.Folders {
		for _, text := range references(dir, path.Join(folder, catalog.DockerfileFile)) {
			if prefix := prefixOf(text, names); prefix != "" {
				counts[prefix]++
			}
		}
	}
	for prefix := range counts {
		out.Prefixes = append(out.Prefixes, prefix)
	}
	slices.SortFunc(out.Prefixes, func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	out.Ignore, err = ignore(dir)
	return out, err
}

// depth is how deep a catalog without globs looks for images.
const depth = 3

// imageFolders lists the image folders of a folder that has no plinth.yaml yet,
// by the rules of package catalog, which wants one. Links to folders, which that
// one follows, are left alone.
func imageFolders(root string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(root, p)
		switch {
		case errors.Is(err, fs.ErrNotExist) && p == root:
			return nil
		case err != nil || relErr != nil:
			return diag.Errorf(diag.Position{}, "cannot look for images in %s: %w", root, errors.Join(err, relErr))
		case p == root && !d.IsDir():
			return diag.Errorf(diag.Position{}, "cannot start a catalog in %s: it is not a folder", root)
		case p == root:
			return nil
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			name := d.Name()
			if strings.HasPrefix(name, ".") || name == "flavours" || name == "tests" || strings.Count(rel, "/") >= depth {
				return fs.SkipDir
			}
			return nil
		}
		if folder := path.Dir(rel); folder != "." && (d.Name() == catalog.DockerfileFile || d.Name() == catalog.ImageFile) && !slices.Contains(out, folder) {
			out = append(out, folder)
		}
		return nil
	})
	slices.Sort(out)
	return out, err
}

// targetName is the name that a folder gives its image: without the tier.
func targetName(folder string) string {
	name := path.Base(folder)
	tier, rest, ok := strings.Cut(name, "-")
	if ok && rest != "" && tier != "" && strings.Trim(tier, "0123456789") == "" {
		return rest
	}
	return name
}

// references are the images that a Dockerfile names, with ARG at its defaults.
func references(dir, name string) []string {
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return nil
	}
	file, err := dockerfile.Parse(name, data)
	if err != nil {
		return nil
	}
	found, err := file.References(nil, "", ociref.Host())
	if err != nil {
		return nil
	}
	var out []string
	for _, r := range found {
		out = append(out, r.Text)
	}
	return out
}

// prefixOf is what stands before the name of one of our images, "" if it is none
// of ours or has nothing in front.
func prefixOf(text string, names map[string]bool) string {
	ref, err := ociref.Parse(text)
	if err != nil {
		return ""
	}
	repository := ref.Repository()
	prefix, name := path.Dir(repository), path.Base(repository)
	// a name may have slashes in it, but a folder's has none
	if !names[name] || prefix == "docker.io/library" || prefix == "docker.io" {
		return ""
	}
	return strings.TrimPrefix(prefix, "docker.io/")
}

func ignore(dir string) (Ignore, error) {
	data, err := os.ReadFile(filepath.Join(dir, IgnoreFile))
	if errors.Is(err, fs.ErrNotExist) {
		return NoIgnoreFile, nil
	}
	if err != nil {
		return NoIgnoreFile, diag.Errorf(diag.Position{File: IgnoreFile}, "cannot read the file: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if strings.Trim(strings.TrimSpace(line), "/") == catalog.DefaultState {
			return StateListed, nil
		}
	}
	return StateMissing, nil
}
