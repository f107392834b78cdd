// Package image builds container images out of Debian packages, without a
// Dockerfile and without an image from outside.
//
//	result, err := image.Build(ctx, request, pool, store, log)
//
// In Distroless mode no maintainer script runs: the image has the packages'
// files and what plinth makes itself (accounts, root certificates, Java's trust
// store, alternatives; see synth.go). In Full mode the image is an ordinary
// Debian: dpkg's database is written, and dpkg configures the packages in
// namespaces without network (see full.go).
//
// The layers of an image are those of its parent, then the packages grouped by
// source package (see group.go), then one for everything that is no package's
// file. The same request gives the same digests, whatever the time zone, umask,
// locale and number of jobs, and whatever was built before.
//
// What it does not promise: that a Distroless image has what a maintainer script
// would have made beyond the synthesisers' list, and that Full mode repeats for
// packages whose scripts write something random that normalise.go does not know.
package image

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lock"
)

// Mode is how the packages become an image.
type Mode string

// The modes.
const (
	Distroless Mode = "distroless"
	Full       Mode = "full"
)

// Request says what to build.
type Request struct {
	Target string     // the target's name, for messages
	Debs   []lock.Deb // the packages to add, in any order, without those of the parent
	Parent *Parent    // nil for an image that starts from nothing
	Spec   Spec
	Epoch  int64 // SOURCE_DATE_EPOCH: the time of what is generated, and the latest of any file; seconds since 1970
	// Created is the time in the config; the zero time means Epoch.
	Created time.Time
	Arch    string // Debian's name of the architecture: "amd64", "arm64", …
	Jobs    int    // how many layers are put together at a time, 0 means one per processor
}

// Parent is the package image that a request builds on. It is in the store.
type Parent struct {
	Manifest digest.Digest
	Debs     []lock.Deb // all packages in it, its own parents' too
}

// Spec is what an image is apart from its packages.
type Spec struct {
	Mode         Mode
	Docs         bool // keep documentation, man pages and translations
	Files        []File
	Users        []User
	Groups       []Group
	Env          []string // NAME=value, in order; they replace the parent's
	Entrypoint   []string // nil keeps the parent's
	Cmd          []string // nil keeps the parent's
	User         string
	WorkingDir   string
	ExposedPorts []string // "8080/tcp"
	StopSignal   string
	Labels       map[string]string
	Annotations  map[string]string // of the manifest
	AptSources   []AptSource       // written in Full mode when apt is there; see aptSources
}

// File is a file to add.
type File struct {
	Path     string      // in the image, absolute
	Data     []byte      // the content, unless there is a HostPath
	HostPath string      // where the content stands
	Mode     fs.FileMode // permission, set-id and sticky bits as Unix numbers them; 0 means 0644
	UID, GID int
}

// User is an account to add.
type User struct {
	Name     string
	UID, GID int
	Home     string // default "/home/NAME"; it is made unless it is "/nonexistent"
	Shell    string // default "/sbin/nologin"
}

// Group is a group to add.
type Group struct {
	Name string
	GID  int
}

// AptSource is a package source as sources.list(5) has it.
type AptSource struct {
	URI        string
	Suites     []string
	Components []string
	SignedBy   string // path in the image, "" for apt's own keyrings
}

// Result is a built image.
type Result struct {
	Manifest ocispec.Descriptor
	Size     int64 // of all layers together, compressed, bytes
}

// check finds what is wrong with r before anything is done.
func (r *Request) check() error {
	var problems diag.List
	add := func(format string, args ...any) *diag.Error {
		e := diag.Errorf(diag.Position{}, "cannot build "+r.Target+": "+format, args...)
		problems.Add(e)
		return e
	}
	if r.Spec.Mode != Distroless && r.Spec.Mode != Full {
		add("%q is no mode of a package image", r.Spec.Mode).Hint("modes are distroless and full")
	}
	if _, ok := architectures[r.Arch]; !ok {
		add("architecture %q is not known", r.Arch)
	}
	if len(r.Debs) == 0 && r.Parent == nil {
		add("it has no packages")
	}
	seen := map[string]string{}
	for _, d := range append(slices.Clone(r.Debs), r.parentDebs()...) {
		if d.Arch != r.Arch && d.Arch != "all" {
			add("package %s is for %s and the image for %s", d.Name, d.Arch, r.Arch)
		}
		if v, ok := seen[d.Name]; ok {
			add("package %s is in it twice, with version %s and %s", d.Name, v, d.Version)
		}
		seen[d.Name] = d.Version
	}
	paths := map[string]bool{}
	for _, f := range r.Spec.Files {
		p := strings.TrimPrefix(path.Clean(f.Path), "/")
		if !path.IsAbs(f.Path) || p == "" || strings.HasSuffix(f.Path, "/") || strings.Contains(f.Path+"/", "/../") {
			add("%q is no absolute path of a file", f.Path)
		}
		if paths[p] {
			add("file %s is there twice", f.Path)
		}
		paths[p] = true
	}
	for _, u := range r.Spec.Users {
		if !validName(u.Name) || strings.ContainsAny(u.Home+u.Shell, ":\n") || u.UID < 0 || u.GID < 0 {
			add("user %q has a name, home or shell that /etc/passwd cannot hold", u.Name)
		}
	}
	for _, g := range r.Spec.Groups {
		if !validName(g.Name) || g.GID < 0 {
			add("group %q has a name that /etc/group cannot hold", g.Name)
		}
	}
	for _, e := range r.Spec.Env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			add("%q is no environment variable", e).Hint("write NAME=value")
		}
	}
	return problems.Err()
}

func (r *Request) parentDebs() []lock.Deb {
	if r.Parent == nil {
		return nil
	}
	return r.Parent.Debs
}

func validName(name string) bool {
	return name != "" && !strings.ContainsAny(name, ":\n/ \t,") && !strings.HasPrefix(name, "-")
}

// errorf is an error about the image as a whole.
func (r *Request) errorf(format string, args ...any) *diag.Error {
	return diag.Errorf(diag.Position{}, "cannot build %s: %w", r.Target, fmt.Errorf(format, args...))
}

// sorted gives debs in the order in which packages are laid: base-files first,
// whose folders count when others differ, then by name.
func sorted(debs []lock.Deb) []lock.Deb {
	debs = slices.Clone(debs)
	slices.SortFunc(debs, func(a, b lock.Deb) int {
		if base := (b.Name == "base-files"); (a.Name == "base-files") != base {
			if base {
				return 1
			}
			return -1
		}
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch))
	})
	return debs
}
