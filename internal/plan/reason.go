package plan

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/buildctx"
)

// Kind is the type of a reason.
type Kind string

// The reasons to build, in the order in which they are told.
const (
	Forced     Kind = "forced"     // the user asked for it with --no-cache
	First      Kind = "new"        // this target was never built here
	Damaged    Kind = "damaged"    // it was built, but a blob is gone or changed
	Dockerfile Kind = "dockerfile" // the Dockerfile's text changed
	Context    Kind = "context"    // files of the build context changed
	Packages   Kind = "packages"   // locked packages or the package image's settings changed
	Args       Kind = "args"       // build arguments changed
	Labels     Kind = "labels"     // labels changed
	Settings   Kind = "settings"   // platform, target stage, SOURCE_DATE_EPOCH, or plinth itself
	Upstream   Kind = "upstream"   // a locked upstream moved
	Parent     Kind = "parent"     // a parent's digest changed, or may change
	Refresh    Kind = "refresh"    // a new refresh window began
	Unknown    Kind = "unknown"    // the inputs are as before but the result is not here
)

// Reason says why a target is built. Subject is what changed (a file, a
// package, a parent), Detail how.
type Reason struct {
	Kind    Kind   `json:"kind"`
	Subject string `json:"subject,omitempty"`
	Detail  string `json:"detail"`
}

// String is the reason in a few words, for tables and logs.
func (r Reason) String() string {
	switch r.Kind {
	case Context, Packages:
		return fmt.Sprintf("%s: %s", r.Kind, r.Detail)
	}
	return r.Detail
}

// Summary joins reasons into one line: the first ones, and how many more.
func Summary(reasons []Reason) string {
	const shown = 2
	words := make([]string, 0, shown+1)
	for i, r := range reasons {
		if i == shown {
			words = append(words, fmt.Sprintf("and %d more", len(reasons)-shown))
			break
		}
		words = append(words, r.String())
	}
	return strings.Join(words, "; ")
}

// compare lists what differs between the last build and now, in the order of
// the kinds. Parents whose digest is not known yet are not compared.
func compare(last Snapshot, now Inputs, entries []buildctx.Entry, debs []string) []Reason {
	var out []Reason
	add := func(k Kind, subject, format string, args ...any) {
		out = append(out, Reason{k, subject, fmt.Sprintf(format, args...)})
	}
	was := last.Inputs
	if was.Dockerfile != now.Dockerfile {
		add(Dockerfile, "Dockerfile", "Dockerfile changed")
	}
	if was.Context != now.Context || !maps.Equal(was.Contexts, now.Contexts) {
		out = append(out, compareEntries(last.Entries, entries)...)
	}
	out = append(out, comparePackages(was.Packages, now.Packages, last.Debs, debs)...)
	for _, d := range diffMaps(was.Args, now.Args) {
		add(Args, d.key, "build argument %s %s", d.key, d.how)
	}
	for _, d := range diffMaps(was.Labels, now.Labels) {
		if d.key == ocispec.AnnotationCreated && was.Labels[ocispec.AnnotationRevision] != now.Labels[ocispec.AnnotationRevision] {
			continue // it is the time of the commit
		}
		if d.key == ocispec.AnnotationRevision && d.now != "" {
			if len(out) == 0 { // otherwise it is told already what was committed
				add(Labels, d.key, "its last commit is %s", shortRevision(d.now))
			}
			continue
		}
		add(Labels, d.key, "label %s %s", d.key, d.how)
	}
	settings := []struct{ name, was, now string }{
		{"plinth's way of building", was.Code, now.Code}, {"platform", was.Platform, now.Platform},
		{"target stage", was.Stage, now.Stage}, {"squash", string(was.Squash), string(now.Squash)},
		{"the secrets that are given", strings.Join(was.Secrets, ", "), strings.Join(now.Secrets, ", ")},
		{"temp", strings.Join(was.Temp, " "), strings.Join(now.Temp, " ")}, {"SOURCE_DATE_EPOCH", was.Epoch, now.Epoch},
	}
	for _, s := range settings {
		if s.was != s.now {
			add(Settings, s.name, "%s %s", s.name, how(s.was, s.now, s.was != "", s.now != ""))
		}
	}
	for _, d := range diffMaps(was.Upstreams, now.Upstreams) {
		switch {
		case d.was == "":
			add(Upstream, d.key, "upstream %s is new", d.key)
		case d.now == "":
			add(Upstream, d.key, "upstream %s is no longer used", d.key)
		default:
			add(Upstream, d.key, "upstream %s moved to %s", d.key, shortDigest(d.now))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now.Parents)) {
		before, ok := was.Parents[name]
		switch {
		case !ok:
			add(Parent, name, "parent %s is new", name)
		case now.Parents[name] != "" && before != now.Parents[name]:
			add(Parent, name, "parent %s changed", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was.Parents)) {
		if _, ok := now.Parents[name]; !ok {
			add(Parent, name, "parent %s is no longer used", name)
		}
	}
	if was.Window != now.Window {
		if now.Window == "" {
			add(Refresh, "", "refresh was switched off")
		} else {
			add(Refresh, now.Window, "refresh window %s began", now.Window)
		}
	}
	return out
}

func compareEntries(was, now []buildctx.Entry) []Reason {
	before := map[string]buildctx.Entry{}
	for _, e := range was {
		before[e.Path] = e
	}
	var out []Reason
	add := func(path, what string) {
		out = append(out, Reason{Context, path, path + " " + what})
	}
	for _, e := range now {
		b, ok := before[e.Path]
		delete(before, e.Path)
		switch {
		case !ok:
			add(e.Path, "was added")
		case b.Mode.Type() != e.Mode.Type():
			add(e.Path, "became "+typeName(e.Mode))
		case b.Sum != e.Sum:
			add(e.Path, "changed")
		case b.Mode != e.Mode:
			add(e.Path, fmt.Sprintf("changed its mode from %s to %s", octal(b.Mode), octal(e.Mode)))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(before)) {
		add(path, "was removed")
	}
	if len(out) == 0 { // the digests differ, so something did; an old snapshot may lack the entries
		add("", "changed")
	}
	slices.SortStableFunc(out, func(a, b Reason) int { return strings.Compare(a.Subject, b.Subject) })
	return out
}

func typeName(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m.IsRegular():
		return "a file"
	}
	return "a special file"
}

// octal prints a mode as chmod takes it.
func octal(m fs.FileMode) string {
	bits := uint32(m.Perm())
	for _, s := range []struct {
		flag fs.FileMode
		bit  uint32
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if m&s.flag != 0 {
			bits |= s.bit
		}
	}
	return fmt.Sprintf("%04o", bits)
}

func comparePackages(was, now *PackageInputs, wasDebs, nowDebs []string) []Reason {
	if was == nil || now == nil {
		if was != now {
			return []Reason{{Packages, "", "the kind of image changed"}}
		}
		return nil
	}
	var out []Reason
	if was.Debs != now.Debs {
		for _, d := range diffMaps(versions(wasDebs), versions(nowDebs)) {
			switch {
			case d.was == "":
				out = append(out, Reason{Packages, d.key, d.key + " " + d.now + " was added"})
			case d.now == "":
				out = append(out, Reason{Packages, d.key, d.key + " was removed"})
			default:
				out = append(out, Reason{Packages, d.key, fmt.Sprintf("%s %s → %s", d.key, d.was, d.now)})
			}
		}
		if len(out) == 0 {
			out = append(out, Reason{Packages, "", "the archives of the same versions changed"})
		}
	}
	for _, d := range diffMaps(was.Files, now.Files) {
		detail := d.key + " changed"
		if d.was == "" {
			detail = d.key + " was added"
		} else if d.now == "" {
			detail = d.key + " was removed"
		}
		out = append(out, Reason{Packages, d.key, detail})
	}
	// the rest is compared as a whole: image.yaml says it better than a field's name
	before, after := Inputs{Packages: was}, Inputs{Packages: now}
	if len(out) == 0 && before.ID() != after.ID() {
		out = append(out, Reason{Packages, "", "settings in image.yaml or the lock changed"})
	}
	return out
}

// versions maps package to version out of lock keys (name_version_arch).
func versions(keys []string) map[string]string {
	out := map[string]string{}
	for _, k := range keys {
		if p := strings.SplitN(k, "_", 3); len(p) == 3 {
			out[p[0]] = p[1]
		}
	}
	return out
}

type diff struct{ key, was, now, how string }

// diffMaps lists the keys whose values differ, sorted.
func diffMaps(was, now map[string]string) []diff {
	keys := map[string]bool{}
	for k := range was {
		keys[k] = true
	}
	for k := range now {
		keys[k] = true
	}
	var out []diff
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		a, inA := was[k]
		b, inB := now[k]
		if a != b || inA != inB {
			out = append(out, diff{k, a, b, how(a, b, inA, inB)})
		}
	}
	return out
}

func how(was, now string, had, has bool) string {
	switch {
	case !had:
		return fmt.Sprintf("was set to %q", now)
	case !has:
		return "was removed"
	}
	return fmt.Sprintf("changed from %q to %q", was, now)
}

// shortRevision shortens a commit's hash and keeps what stands behind it, such as -dirty.
func shortRevision(r string) string {
	hash, rest, _ := strings.Cut(r, "-")
	if rest != "" {
		rest = "-" + rest
	}
	return hash[:min(12, len(hash))] + rest
}

func shortDigest(d string) string {
	_, hex, ok := strings.Cut(d, ":")
	if !ok {
		return d
	}
	return hex[:min(12, len(hex))]
}
