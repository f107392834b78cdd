// Package starter makes a new catalog: either two images to begin with, or a
// plinth.yaml for a folder that has images with Dockerfiles already.
//
//	found, err := starter.Look(dir)               // what is there
//	files, err := starter.Files(found, registry)  // what to write
//	err = starter.Write(dir, files)               // all of it, or nothing
//
// It never overwrites a file. A process that is killed may leave some of the
// files, but no plinth.yaml: that is written last.
package starter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
)

// DefaultRegistry is the registry of a catalog whose author names none.
const DefaultRegistry = "registry.example.com/base"

// IgnoreFile keeps the state folder out of git.
const IgnoreFile = ".gitignore"

// File is a file to write.
type File struct {
	Path string // slash path relative to the catalog
	Text string
}

// Files are the files of a new catalog, plinth.yaml last. registry is the one
// that the user asks for, "" for the one that was found or the default. Where
// images are already, nothing is written beside plinth.yaml but a .gitignore,
// and that only where there is none.
func Files(found Found, registry string) ([]File, error) {
	aliases := slices.Clone(found.Prefixes)
	if registry == "" && len(aliases) > 0 {
		registry, aliases = aliases[0], aliases[1:]
	}
	if registry == "" {
		registry = DefaultRegistry
	}
	aliases = slices.DeleteFunc(aliases, func(a string) bool { return a == registry })
	config := File{catalog.ConfigFile, configText(registry, aliases)}
	if err := check(config); err != nil {
		return nil, err
	}
	ignore := File{IgnoreFile, "# what plinth stores: images, caches, logs\n" + catalog.DefaultState + "/\n"}
	switch {
	case len(found.Folders) == 0:
		return append(firstImages(registry), ignore, config), nil
	case found.Ignore != NoIgnoreFile:
		return []File{config}, nil
	}
	return []File{ignore, config}, nil
}

// check reads plinth.yaml as every command will.
func check(config File) error {
	dir, err := os.MkdirTemp("", "plinth-init-")
	if err != nil {
		return diag.Errorf(diag.Position{}, "cannot start a catalog: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, config.Path), []byte(config.Text), 0o644); err != nil {
		return diag.Errorf(diag.Position{}, "cannot start a catalog: %w", err)
	}
	_, err = catalog.Load(dir)
	var problems diag.List
	for _, e := range diag.Flatten(err) {
		e.Pos = diag.Position{} // the file is not there for the user
		problems.Add(e.WithCode(diag.ExitUsage))
	}
	return problems.Err()
}

func configText(registry string, aliases []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# The settings of all images. plinth schema prints what else can be set.

# Where releases will go, and the prefix under which the Dockerfiles here name
# each other. It need not exist for building.
registry: %s
`, registry)
	if len(aliases) > 0 {
		fmt.Fprintf(&b, `
# More prefixes under which the Dockerfiles name each other.
aliases: [%s]
`, strings.Join(aliases, ", "))
	}
	b.WriteString(`
# A result is reused until the week ends, although nothing changed: RUN apt-get
# takes what the mirror has. Package images change with plinth update alone.
# refresh: weekly

# What RUN steps leave here reaches no image.
# temp: [/tmp, /var/cache/apt, /var/lib/apt/lists]
`)
	return b.String()
}

// firstImages are a base of Debian packages, and an image with a Dockerfile on it.
func firstImages(registry string) []File {
	return []File{
		{"0000-python/image.yaml", `# Python on Debian 13, without a shell or a package manager. The versions are
# in plinth.lock; plinth update takes newer ones.
title: Python
debian: 13
packages: [base-files, ca-certificates, python3, tzdata]
# these serve nothing but the packages' own scripts, which are not run here
exclude: [debconf, dpkg, openssl]
user: "65532:65532"
entrypoint: [/usr/bin/python3]
`},
		{"0100-hello/Dockerfile", `# The ARG lets plain docker build take the parent from another registry.
ARG REGISTRY=` + registry + `
FROM ${REGISTRY}/python
COPY --chmod=0644 hello.py /srv/hello.py
# the user is the parent's: 65532, not root
CMD ["/srv/hello.py"]
`},
		{"0100-hello/.dockerignore", `# only what is listed is part of the image, and makes it be built again
*
!hello.py
`},
		{"0100-hello/hello.py", `print("Hello from a base image")
`},
	}
}

// Write writes the files into dir, which is made when it is not there. If one of
// them is there already, or anything else goes wrong, nothing is left of them.
func Write(dir string, files []File) (err error) {
	var undo []string
	defer func() {
		if err == nil {
			return
		}
		for _, path := range slices.Backward(undo) {
			os.Remove(path)
		}
	}()
	if err := vacant(dir, files); err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		made, err := mkdirAll(filepath.Dir(path))
		undo = append(undo, made...)
		if err != nil {
			return failed(dir, err)
		}
		// it must not be there, so that nobody's file is lost who made it just now
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return failed(dir, err)
		}
		undo = append(undo, path)
		_, err = out.WriteString(f.Text)
		if err := errors.Join(err, out.Close()); err != nil {
			return failed(dir, err)
		}
	}
	return nil
}

func failed(dir string, err error) error {
	return diag.Errorf(diag.Position{}, "cannot start a catalog in %s: %w", dir, err).Hint("nothing was left behind")
}

// vacant checks that none of the files is there.
func vacant(dir string, files []File) error {
	var taken []string
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(f.Path))); err == nil {
			taken = append(taken, f.Path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return failed(dir, err)
		}
	}
	switch {
	case len(taken) == 0:
		return nil
	case slices.Contains(taken, catalog.ConfigFile):
		return diag.Errorf(diag.Position{}, "cannot start a catalog in %s: it is one, it has a %s", dir, catalog.ConfigFile).
			Hint("see what is in it with: plinth list -C %s", Quote(dir))
	}
	return diag.Errorf(diag.Position{}, "cannot start a catalog in %s: these files are there: %s", dir, strings.Join(taken, ", ")).
		Hint("move them away, or start in an empty folder: plinth init DIR")
}

// mkdirAll makes a folder and those above it, and says which it made, the
// outermost first.
func mkdirAll(dir string) (made []string, err error) {
	var missing []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil || !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, d)
	}
	for _, d := range slices.Backward(missing) {
		if err := os.Mkdir(d, 0o755); err != nil {
			return made, err
		}
		made = append(made, d)
	}
	return made, nil
}

// Quote writes a word as a shell reads it.
func Quote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,=", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
