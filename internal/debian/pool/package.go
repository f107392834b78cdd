package pool

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/debian/deb"
)

// Package is an unpacked package. It is shared: nobody changes it.
type Package struct {
	SHA256  string            // of the .deb, hex
	Control map[string][]byte // the files of the control archive: control, postinst, md5sums, …
	Stanza  deb.Stanza        // the control file
	Entries []Entry           // in the package's order
	// Small has the content of the files that images are made from, by path; see isSmall.
	Small map[string][]byte
	// Main and Docs are the sections of the package's .tar.gz.
	Main, Docs Section
	// Newest is the latest modification time among the files, seconds since 1970.
	Newest int64
}

// Name is the package's name.
func (p *Package) Name() string { return p.Stanza.Get("Package") }

// Source is the name of the source package, without a version.
func (p *Package) Source() string {
	name, _, _ := strings.Cut(p.Stanza.Get("Source"), " ")
	if name == "" {
		return p.Name()
	}
	return name
}

// Entry is one file system object of a package.
type Entry struct {
	deb.Entry
	Doc bool     // documentation: in the image only on request
	Sum [32]byte // SHA-256 of a File's content
}

// Section is a run of gzip members in the package's .tar.gz.
type Section struct {
	Size int64    // compressed, bytes
	Raw  int64    // of the tar entries, bytes
	Sum  [32]byte // SHA-256 of the compressed bytes
}

// DocRules say, in dpkg's own words and order, what is documentation. The last
// rule that matches wins, as dpkg does it; a directory below an excluded path
// goes unless something in it is included again. Copyright files stay: licences
// ask for it. The empty man page folders stay: scripts put links there.
var DocRules = []string{
	"path-exclude=/usr/share/doc/*",
	"path-include=/usr/share/doc/*/copyright",
	"path-exclude=/usr/share/man/*",
	"path-exclude=/usr/share/info/*",
	"path-exclude=/usr/share/lintian/*",
	"path-exclude=/usr/share/locale/*",
	"path-include=/usr/share/locale/locale.alias",
	"path-exclude=/usr/share/doc-base/*",
}

// docFolders are the folders of DocRules with a slash at the end.
var docFolders = []string{
	"usr/share/doc/", "usr/share/man/", "usr/share/info/", "usr/share/lintian/", "usr/share/locale/", "usr/share/doc-base/",
}

// isDoc applies DocRules to an entry. Two things differ from dpkg's matching:
// the folder or link usr/share/doc/PACKAGE stays, as the copyright file stands
// in it or behind it, and so do usr/share/man/man1 to man8.
func isDoc(e deb.Entry) bool {
	for _, folder := range docFolders {
		rest, below := strings.CutPrefix(e.Path, folder)
		if !below {
			continue
		}
		switch folder {
		case "usr/share/doc/":
			if !strings.Contains(rest, "/") {
				return e.Type != deb.Dir && e.Type != deb.Symlink
			}
			return path.Base(rest) != "copyright" || e.Type == deb.Dir
		case "usr/share/man/":
			return e.Type != deb.Dir || len(rest) != 4 || rest[:3] != "man"
		case "usr/share/locale/":
			return rest != "locale.alias"
		}
		return true
	}
	return false
}

// maxSmall bounds one file in Package.Small, bytes.
const maxSmall = 1 << 20

// isSmall says whether the content of e is kept in the metadata: root
// certificates, what Java packages say about their commands, the users and
// groups of base-passwd.
func isSmall(e deb.Entry) bool {
	switch {
	case e.Type != deb.File || e.Size > maxSmall:
		return false
	case strings.HasPrefix(e.Path, "usr/share/ca-certificates/"):
		return strings.HasSuffix(e.Path, ".crt")
	case strings.HasPrefix(e.Path, "usr/lib/jvm/."):
		return strings.HasSuffix(e.Path, ".jinfo")
	}
	return e.Path == "usr/share/base-passwd/passwd.master" || e.Path == "usr/share/base-passwd/group.master"
}
