package image

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/debian/pool"
)

const (
	dpkgSettings = "etc/dpkg/dpkg.cfg.d/plinth"
	aptSources   = "etc/apt/sources.list.d/debian.sources"
)

// writeSettings writes what the image's dpkg and apt are to know, and the
// request's root certificates, before the first script runs.
func (r *rootfs) writeSettings() error {
	if !r.b.Spec.Docs {
		text := "# Documentation is left out of this image, as it was when the image was made.\n" + strings.Join(pool.DocRules, "\n") + "\n"
		if err := r.put(dpkgSettings, 0o644, []byte(text)); err != nil {
			return err
		}
	}
	for _, f := range r.b.localCerts() {
		if err := r.put(imagePath(f.Path), 0o644, f.Data); err != nil {
			return err
		}
	}
	if len(r.b.Spec.AptSources) == 0 || r.b.tree.pkg("apt") == nil || r.hasAptSources() {
		return nil
	}
	return r.put(aptSources, 0o644, []byte(sourcesText(r.b.Spec.AptSources)))
}

// hasAptSources says whether the root or the request has package sources.
func (r *rootfs) hasAptSources() bool {
	if _, err := os.Lstat(r.hostPath("etc/apt/sources.list")); err == nil {
		return true
	}
	entries, err := os.ReadDir(r.hostPath("etc/apt/sources.list.d"))
	if err == nil && len(entries) > 0 {
		return true
	}
	return r.b.ownAptSources()
}

// ownAptSources says whether the request's files have package sources.
func (b *builder) ownAptSources() bool {
	return slices.ContainsFunc(b.files, func(f File) bool {
		name := imagePath(f.Path)
		return name == "etc/apt/sources.list" || strings.HasPrefix(name, "etc/apt/sources.list.d/")
	})
}

// sourcesText is the sources in the deb822 form of sources.list(5).
func sourcesText(sources []AptSource) string {
	var stanzas []string
	for _, s := range sources {
		text := fmt.Sprintf("Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\n", s.URI, strings.Join(s.Suites, " "), strings.Join(s.Components, " "))
		if s.SignedBy != "" {
			text += "Signed-By: " + s.SignedBy + "\n"
		}
		stanzas = append(stanzas, text)
	}
	return strings.Join(stanzas, "\n")
}

// updateCerts are the commands that take the request's certificates into the
// stores of the image, when it has a program for that.
func (r *rootfs) updateCerts() [][]string {
	if len(r.b.localCerts()) == 0 || !r.b.tree.has("usr/sbin/update-ca-certificates") {
		return nil
	}
	return [][]string{
		{"/usr/sbin/update-ca-certificates"},
		// its hook for Java leaves the work to a trigger
		{"/usr/bin/dpkg", "--force-unsafe-io", "--triggers-only", "--pending"},
	}
}
