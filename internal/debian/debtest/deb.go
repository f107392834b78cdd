package debtest

import (
	"archive/tar"
	"bytes"
	"cmp"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Deb is a binary package. Only Name is needed: Version defaults to 1.0-1, Arch
// to amd64, Compression to xz, Priority to optional, Component to main.
type Deb struct {
	Name, Version, Arch string
	Depends, PreDepends string
	Recommends          string
	Provides            string
	Conflicts, Breaks   string
	Replaces            string
	Source              string // the Source field, "" when it is the package's own name
	MultiArch           string // "same", "foreign", "allowed"
	Priority, Section   string
	Component           string
	Essential           bool
	Protected           bool // the Protected field
	Files               []File
	Scripts             map[string]string // "postinst" → text; any file of control.tar
	Conffiles           []string          // paths, with the leading slash
	Compression         string            // of both members: "xz", "zst", "gz" or "none"
	InstalledSize       int64             // KiB; 0 means computed from Files
	Fields              map[string]string // further fields of the control file
}

// File is a file of a package. Parents are made when they are missing.
type File struct {
	Path string      // absolute, "/usr/bin/x"
	Mode fs.FileMode // permission bits, setuid and so on as fs has them; fs.ModeDir for a folder; 0 means 0644 (0755 for a folder)
	Data string
	Link string // target of a symbolic link
	Hard string // path of an earlier file that this one is a hard link to
	UID  int
	GID  int
}

func (d Deb) withDefaults() Deb {
	d.Version = cmp.Or(d.Version, "1.0-1")
	d.Arch = cmp.Or(d.Arch, "amd64")
	d.Priority = cmp.Or(d.Priority, "optional")
	d.Section = cmp.Or(d.Section, "misc")
	d.Component = cmp.Or(d.Component, "main")
	d.Compression = cmp.Or(d.Compression, "xz")
	if d.InstalledSize == 0 {
		for _, f := range d.Files {
			d.InstalledSize += int64(len(f.Data)+1023) / 1024
		}
	}
	return d
}

// SourceName is the name of the source package.
func (d Deb) SourceName() string {
	name, _, _ := strings.Cut(cmp.Or(d.Source, d.Name), " ")
	return name
}

// path is the .deb's place in the archive; an epoch does not show in it.
func (d Deb) path() string {
	src := d.SourceName()
	initial := src[:1]
	if strings.HasPrefix(src, "lib") && len(src) > 3 {
		initial = src[:4]
	}
	_, version, found := strings.Cut(d.Version, ":")
	if !found {
		version = d.Version
	}
	return fmt.Sprintf("pool/%s/%s/%s/%s_%s_%s.deb", d.Component, initial, src, d.Name, version, d.Arch)
}

// Control is the package's control file.
func (d Deb) Control() string {
	d = d.withDefaults()
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	yes := func(v bool) string {
		if v {
			return "yes"
		}
		return ""
	}
	field("Package", d.Name)
	field("Source", d.Source)
	field("Version", d.Version)
	field("Architecture", d.Arch)
	field("Essential", yes(d.Essential))
	field("Protected", yes(d.Protected))
	field("Maintainer", "Archive Test <test@example.org>")
	field("Installed-Size", fmt.Sprint(d.InstalledSize))
	field("Pre-Depends", d.PreDepends)
	field("Depends", d.Depends)
	field("Recommends", d.Recommends)
	field("Provides", d.Provides)
	field("Conflicts", d.Conflicts)
	field("Breaks", d.Breaks)
	field("Replaces", d.Replaces)
	field("Multi-Arch", d.MultiArch)
	field("Section", d.Section)
	field("Priority", d.Priority)
	for _, k := range slices.Sorted(maps.Keys(d.Fields)) {
		field(k, d.Fields[k])
	}
	field("Description", "test package "+d.Name)
	return b.String()
}

// stanza is the paragraph in Packages for the .deb with the given bytes.
func (d Deb) stanza(deb []byte) string {
	return d.Control() + fmt.Sprintf("Filename: %s\nSize: %d\nMD5sum: %x\nSHA256: %x\n",
		d.path(), len(deb), md5.Sum(deb), sha256.Sum256(deb))
}

// Build makes the .deb: the same bytes for the same Deb.
func (d Deb) Build() ([]byte, error) {
	d = d.withDefaults()
	data, err := d.dataTar()
	if err != nil {
		return nil, err
	}
	control, err := d.controlTar()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	member(&b, "debian-binary", []byte("2.0\n"))
	for _, m := range []struct {
		name string
		tar  []byte
	}{{"control.tar", control}, {"data.tar", data}} {
		c := strings.TrimPrefix(d.Compression, "none")
		packed, err := compress(c, m.tar)
		if err != nil {
			return nil, err
		}
		member(&b, m.name+suffix(c), packed)
	}
	return b.Bytes(), nil
}

// member appends a file to an ar archive.
func member(b *bytes.Buffer, name string, data []byte) {
	fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", name, defaultDate.Unix(), 0, 0, "100644", len(data))
	b.Write(data)
	if len(data)%2 == 1 {
		b.WriteByte('\n')
	}
}

func (d Deb) controlTar() ([]byte, error) {
	files := []File{{Path: "/control", Data: d.Control()}, {Path: "/md5sums", Data: d.md5sums()}}
	if len(d.Conffiles) > 0 {
		files = append(files, File{Path: "/conffiles", Data: strings.Join(d.Conffiles, "\n") + "\n"})
	}
	for _, name := range slices.Sorted(maps.Keys(d.Scripts)) {
		f := File{Path: "/" + name, Data: d.Scripts[name]}
		if strings.HasPrefix(f.Data, "#!") {
			f.Mode = 0o755
		}
		files = append(files, f)
	}
	return tarball(files)
}

func (d Deb) dataTar() ([]byte, error) {
	files := d.Files
	if !slices.ContainsFunc(files, func(f File) bool { return strings.HasPrefix(f.Path, "/usr/share/doc/"+d.Name) }) {
		files = append(slices.Clone(files), File{Path: "/usr/share/doc/" + d.Name + "/copyright", Data: "License: " + d.Name + "\n"})
	}
	return tarball(files)
}

func (d Deb) md5sums() string {
	var b strings.Builder
	for _, f := range d.Files {
		if f.Link == "" && f.Hard == "" && !f.Mode.IsDir() {
			fmt.Fprintf(&b, "%x  %s\n", md5.Sum([]byte(f.Data)), strings.TrimPrefix(f.Path, "/"))
		}
	}
	return b.String()
}

// tarball writes files with their parents in the form that dpkg-deb gives: ./ in front.
func tarball(files []File) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	seen := map[string]bool{}
	var add func(f File) error
	add = func(f File) error {
		p := path.Clean("/" + f.Path)
		if p != "/" && !seen[path.Dir(p)] {
			if err := add(File{Path: path.Dir(p), Mode: fs.ModeDir | 0o755}); err != nil {
				return err
			}
		}
		if f.Mode.IsDir() && seen[p] {
			return nil
		}
		seen[p] = true
		h := &tar.Header{Name: "." + p, Typeflag: tar.TypeReg, Mode: tarMode(f.Mode), Size: int64(len(f.Data)),
			Uid: f.UID, Gid: f.GID, Uname: "root", Gname: "root", ModTime: defaultDate, Format: tar.FormatGNU}
		if f.UID != 0 || f.GID != 0 {
			h.Uname, h.Gname = "", ""
		}
		switch {
		case f.Mode.IsDir():
			h.Typeflag, h.Name = tar.TypeDir, strings.TrimSuffix(h.Name, "/")+"/"
		case f.Link != "":
			h.Typeflag, h.Linkname, h.Mode, h.Size = tar.TypeSymlink, f.Link, 0o777, 0
		case f.Hard != "":
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, "."+f.Hard, 0
		}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if h.Size == 0 {
			return nil
		}
		_, err := w.Write([]byte(f.Data))
		return err
	}
	for _, f := range append([]File{{Path: "/", Mode: fs.ModeDir | 0o755}}, files...) {
		if err := add(f); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

func tarMode(m fs.FileMode) int64 {
	mode := int64(m.Perm())
	if mode == 0 {
		mode = 0o644
		if m.IsDir() {
			mode = 0o755
		}
	}
	for bit, v := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&bit != 0 {
			mode |= v
		}
	}
	return mode
}
