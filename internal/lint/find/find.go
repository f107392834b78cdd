// Package find looks for Dockerfiles in folders.
package find

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// IsDockerfile says whether a file is a Dockerfile by its name: Dockerfile, Containerfile, one of these
// with something behind a dot (Dockerfile.dev) or in front of it (web.Dockerfile). Documents,
// templates, backups and ignore files that are called so are not.
func IsDockerfile(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"dockerfile", "containerfile"} {
		if name == word || strings.HasSuffix(name, "."+word) {
			return true
		}
		if rest, ok := strings.CutPrefix(name, word+"."); ok {
			return !slices.Contains(otherEndings, rest[strings.LastIndexByte(rest, '.')+1:])
		}
	}
	return false
}

// otherEndings are of files that are about Dockerfiles and are none.
var otherEndings = []string{
	"dockerignore", "md", "markdown", "rst", "adoc", "txt", "html", "json", "yaml", "yml", "toml", "lock", "sh", "py",
	"j2", "jinja", "jinja2", "tmpl", "tpl", "template", "erb", "mustache", "hbs", "gotmpl", "ejs", "in",
	"orig", "rej", "bak", "swp", "old", "save", "patch", "diff", "license", "sig", "asc",
}

// skipped are folders in which other people's Dockerfiles are.
var skipped = []string{"node_modules", "vendor", "__pycache__"}

// In gives the Dockerfiles in a folder and the folders below it, sorted. Hidden folders are not
// looked into, nor those given, nor those that a package manager fills. What can't be
// read is in the error; the rest is there all the same.
func In(dir string, without ...string) ([]string, error) {
	var found []string
	var problems []error
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			problems = append(problems, err)
			if e != nil && e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			if path != dir && (strings.HasPrefix(e.Name(), ".") || slices.Contains(skipped, e.Name()) || slices.Contains(without, path)) {
				return fs.SkipDir
			}
			return nil
		}
		if IsDockerfile(e.Name()) && isFile(path, e) {
			found = append(found, path)
		}
		return nil
	})
	slices.Sort(found)
	return found, errors.Join(append(problems, err)...)
}

// isFile says whether an entry is a regular file, or a link to one.
func isFile(path string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.Type().IsRegular()
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
