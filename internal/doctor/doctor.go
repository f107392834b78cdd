// Package doctor looks at what a build needs of the machine: programs, kernel,
// disk, network, clock. Each check is a small function in one list; it really
// tries what a build will do where that leaves no trace, and says how to mend
// what it finds.
//
//	results := doctor.Run(ctx, doctor.Env{…})
//
// It changes nothing: what it makes to try something, in the state folder or in
// the folder above it, is gone when it returns. That all is well now does not
// promise that a build will not fill the disk.
package doctor

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/plinth-build/plinth/internal/ociref"
)

// Status is the outcome of a check.
type Status string

// The outcomes.
const (
	OK      Status = "ok"
	Warning Status = "warning" // a build works, but slower, or without something
	Failed  Status = "failed"  // a build needs it
	Skipped Status = "skipped" // the detail says why
)

// Result is what a check found.
type Result struct {
	Name   string   `json:"name"`
	Status Status   `json:"status"`
	Detail string   `json:"detail"`
	Hints  []string `json:"hints,omitempty"` // how to mend it
}

// Env is what the checks look at.
type Env struct {
	Root    string              // in front of /proc, /sys, /etc and /usr; "" for the machine's own
	Getenv  func(string) string // the environment
	UID     int                 // effective user id
	Now     func() time.Time
	Client  *http.Client  // default: one that goes through the proxy of the environment
	Timeout time.Duration // of each question to the network; 0 means 5 s
	Offline bool          // ask nobody
	// Resolve asks a registry for an image, as plinth update does. The error is for the user.
	Resolve func(context.Context, ociref.Ref) error
	State   string   // the state folder, "" for none
	Catalog *Catalog // nil outside of one
}

// Catalog is what the checks want to know of a catalog.
type Catalog struct {
	Root        string
	Err         error  // what is wrong with it; then all that follows may be empty
	Registry    string // where releases go
	Dockerfiles int    // targets that are built by the engine
	Full        int    // package images that run maintainer scripts
	Distroless  int    // package images that run nothing
	Upstreams   []ociref.Ref
	Archives    []Archive
	Packages    []string  // SHA-256 of the locked packages, hex
	Pool        string    // folder of the unpacked packages
	Newest      time.Time // date of the newest index in the lock; zero if there is none
}

// Archive is a suite of a Debian archive.
type Archive struct{ URI, Suite string }

// check is one check; it may have several results, such as one a registry.
type check struct {
	name string
	run  func(*run, context.Context) []Result
}

// checks are all checks in the order in which they are told.
func checks() []check {
	return []check{
		{"user", (*run).user},
		{"runc", (*run).runc},
		{"namespaces", (*run).namespaces},
		{"seccomp", (*run).seccomp},
		{"cgroups", (*run).cgroups},
		{"state folder", (*run).stateFolder},
		{"overlayfs", (*run).overlayfs},
		{"disk space", (*run).diskSpace},
		{"inodes", (*run).inodes},
		{"state lock", (*run).stateLock},
		{"catalog", (*run).catalog},
		{"git", (*run).git},
		{"certificates", (*run).certificates},
		{"registry", (*run).registries},
		{"archive", (*run).archives},
		{"clock", (*run).clock}, // last: it compares with what the network said
	}
}

// run is one run of all checks.
type run struct {
	Env
	mu    sync.Mutex
	skews map[string]time.Duration // host → how far its clock is ahead of ours
}

// Run runs all checks.
func Run(ctx context.Context, env Env) []Result {
	r := &run{Env: env, skews: map[string]time.Duration{}}
	if r.Timeout == 0 {
		r.Timeout = 5 * time.Second
	}
	if r.Client == nil {
		r.Client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}
	}
	var out []Result
	for _, c := range checks() {
		for _, res := range c.run(r, ctx) {
			if res.Name == "" {
				res.Name = c.name
			}
			out = append(out, res)
		}
	}
	return out
}

// file is a file of the machine.
func (r *run) file(path string) string { return filepath.Join(r.Root, path) }

func ok(format string, args ...any) []Result {
	return []Result{{Status: OK, Detail: fmt.Sprintf(format, args...)}}
}

func skipped(why string) []Result { return []Result{{Status: Skipped, Detail: why}} }

// bad is a warning or a failure with what to do about it.
func bad(s Status, hint, format string, args ...any) []Result {
	out := Result{Status: s, Detail: fmt.Sprintf(format, args...)}
	if hint != "" {
		out.Hints = strings.Split(hint, "\n")
	}
	return []Result{out}
}

// engine says how bad it is when something is missing that only images with a
// Dockerfile need.
func (r *run) engine() Status {
	if r.Catalog != nil && r.Catalog.Err == nil && r.Catalog.Dockerfiles == 0 {
		return Warning
	}
	return Failed
}

// privileged is the same for what mode: full needs too.
func (r *run) privileged() Status {
	if r.Catalog != nil && r.Catalog.Err == nil && r.Catalog.Dockerfiles+r.Catalog.Full == 0 {
		return Warning
	}
	return Failed
}
