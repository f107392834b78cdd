package image

import (
	"crypto/md5"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/plinth-build/plinth/internal/debian/deb"
	"github.com/plinth-build/plinth/internal/debian/pool"
)

// dpkg's database in a root whose packages dpkg did not unpack itself. The
// formats are those that dpkg 1.21 and 1.22 read and write, see dpkg(1) FILES,
// deb-triggers(5) and doc/triggers.txt in its source.
const (
	dpkgDir    = "var/lib/dpkg/"
	infoDir    = dpkgDir + "info/"
	statusFile = dpkgDir + "status"
)

// infoName is what the files of a package in info/ begin with.
func infoName(p *pool.Package) string {
	if p.Stanza.Get("Multi-Arch") == "same" {
		return p.Name() + ":" + p.Stanza.Get("Architecture")
	}
	return p.Name()
}

// isScript says whether the file of a control archive is run and not read.
func isScript(name string) bool {
	switch name {
	case "preinst", "postinst", "prerm", "postrm", "config":
		return true
	}
	return false
}

// enter writes the packages into the database in the state "unpacked".
func (r *rootfs) enter(packages []*pool.Package) error {
	for _, d := range []string{"info", "updates", "alternatives", "parts", "triggers"} {
		if err := r.mkdirAll(dpkgDir + d); err != nil {
			return err
		}
	}
	if err := r.put(infoDir+"format", 0o644, []byte("1\n")); err != nil {
		return err
	}
	status, err := r.read(statusFile)
	if err != nil {
		return err
	}
	var text strings.Builder
	text.Write(status)
	for _, p := range packages {
		for _, name := range slices.Sorted(maps.Keys(p.Control)) {
			if name == "control" {
				continue
			}
			mode := uint32(0o644)
			if isScript(name) {
				mode = 0o755
			}
			if err := r.put(infoDir+infoName(p)+"."+name, mode, p.Control[name]); err != nil {
				return err
			}
		}
		if err := r.put(infoDir+infoName(p)+".list", 0o644, []byte(fileList(p, r.b.tree))); err != nil {
			return err
		}
		text.WriteString(p.Stanza.Text("install ok unpacked"))
		conffiles, err := r.conffiles(p)
		if err != nil {
			return err
		}
		text.WriteString(conffiles + "\n")
	}
	if err := r.put(statusFile, 0o644, []byte(text.String())); err != nil {
		return err
	}
	if available, err := r.read(dpkgDir + "available"); err != nil || available == nil {
		if err := errors.Join(err, r.put(dpkgDir+"available", 0o644, nil)); err != nil {
			return err
		}
	}
	return r.triggers(packages)
}

// read reads a file of the root; nil when there is none.
func (r *rootfs) read(name string) ([]byte, error) {
	data, err := r.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// fileList is the .list file: every path as the package calls it, documentation
// that is left out included, as dpkg does it under path-exclude; paths that
// another package replaced left out.
func fileList(p *pool.Package, t *tree) string {
	var b strings.Builder
	b.WriteString("/.\n")
	for i := range p.Entries {
		e := &p.Entries[i]
		if n, taken := t.nodes[e.Path]; taken && n.pkg != p && e.Type != deb.Dir {
			if _, replaced := t.replaced[e.Path]; replaced {
				continue
			}
		}
		b.WriteString(e.Name() + "\n")
	}
	return b.String()
}

// conffiles is the Conffiles field of a status record, "" when the package has none.
func (r *rootfs) conffiles(p *pool.Package) (string, error) {
	var b strings.Builder
	for l := range strings.SplitSeq(string(p.Control["conffiles"]), "\n") {
		name := strings.TrimSpace(l)
		if !strings.HasPrefix(name, "/") { // empty, or with a flag such as remove-on-upgrade
			continue
		}
		at, err := r.resolve(imagePath(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		data, err := r.root.ReadFile(at)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\n %s %x", name, md5.Sum(data))
	}
	if b.Len() == 0 {
		return "", nil
	}
	return "Conffiles:" + b.String() + "\n", nil
}

// directive is a line of a package's triggers file.
type directive struct {
	interest bool // else activate
	trigger  string
	noawait  bool
}

func parseTriggers(data []byte) []directive {
	var out []directive
	for l := range strings.SplitSeq(string(data), "\n") {
		l, _, _ = strings.Cut(l, "#")
		f := strings.Fields(l)
		if len(f) != 2 {
			continue
		}
		kind, wait, _ := strings.Cut(f[0], "-")
		if kind == "interest" || kind == "activate" {
			out = append(out, directive{kind == "interest", f[1], wait == "noawait"})
		}
	}
	return out
}

// triggers registers what the packages are interested in, and notes which
// triggers unpacking them sets off, for dpkg to run when it configures. An
// interest in a path is kept in triggers/File, one in a name in triggers/NAME;
// what was set off and by whom in triggers/Unincorp.
func (r *rootfs) triggers(packages []*pool.Package) error {
	files := map[string][]string{}
	add := func(file, line string) error {
		if files[file] == nil {
			data, err := r.read(dpkgDir + "triggers/" + file)
			if err != nil {
				return err
			}
			files[file] = strings.FieldsFunc(string(data), func(c rune) bool { return c == '\n' })
		}
		if !slices.Contains(files[file], line) {
			files[file] = append(files[file], line)
		}
		return nil
	}
	for _, p := range packages {
		for _, d := range parseTriggers(p.Control["triggers"]) {
			if !d.interest || path.Base(d.trigger) == "File" || path.Base(d.trigger) == "Unincorp" {
				continue
			}
			suffix := ""
			if d.noawait {
				suffix = "/noawait"
			}
			var err error
			if strings.HasPrefix(d.trigger, "/") {
				err = add("File", d.trigger+" "+infoName(p)+suffix)
			} else if !strings.Contains(d.trigger, "/") {
				err = add(d.trigger, infoName(p)+suffix)
			}
			if err != nil {
				return err
			}
		}
	}
	if err := add("File", ""); err != nil { // reads it
		return err
	}
	files["File"] = slices.DeleteFunc(files["File"], func(l string) bool { return l == "" })
	set := map[string]bool{}
	for _, l := range files["File"] {
		trigger, _, _ := strings.Cut(l, " ")
		if below(packages, imagePath(trigger)) {
			set[trigger] = true
		}
	}
	for _, p := range packages {
		for _, d := range parseTriggers(p.Control["triggers"]) {
			if !d.interest {
				set[d.trigger] = true
			}
		}
	}
	for _, t := range slices.Sorted(maps.Keys(set)) {
		if err := add("Unincorp", t+" -"); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := r.put(dpkgDir+"triggers/"+name, 0o644, []byte(strings.Join(append(files[name], ""), "\n"))); err != nil {
			return err
		}
	}
	return nil
}

// below says whether one of the packages has something at or below name.
func below(packages []*pool.Package, name string) bool {
	for _, p := range packages {
		for i := range p.Entries {
			if n := p.Entries[i].Path; n == name || strings.HasPrefix(n, name) && len(n) > len(name) && n[len(name)] == '/' {
				return true
			}
		}
	}
	return false
}

// dpkgConfigure configures what is unpacked and runs pending triggers. A
// dependency may be missing on purpose: exclude: leaves packages out.
var dpkgConfigure = []string{"/usr/bin/dpkg", "--force-depends", "--force-unsafe-io", "--force-confdef", "--force-confold", "--configure"}

func (r *rootfs) configure(packages []*pool.Package) [][]string {
	if len(packages) == 0 {
		return nil
	}
	return [][]string{append(slices.Clone(dpkgConfigure), "--pending")}
}

// basePasswd configures base-passwd when it is among the packages. Its preinst
// makes the first accounts.
func (r *rootfs) basePasswd(packages []*pool.Package) [][]string {
	for _, p := range packages {
		if p.Name() == "base-passwd" {
			out := [][]string{append(slices.Clone(dpkgConfigure), p.Name())}
			if p.Control["preinst"] != nil {
				out = slices.Insert(out, 0, r.script(p, "/"+infoDir+infoName(p)+".preinst", "install"))
			}
			return out
		}
	}
	return nil
}

// script is the command that runs a maintainer script as dpkg does.
func (r *rootfs) script(p *pool.Package, file string, args ...string) []string {
	return append([]string{
		"/usr/bin/env", "DPKG_ROOT=", "DPKG_ADMINDIR=/var/lib/dpkg", "DPKG_FORCE=security-mac,downgrade", "DPKG_MAINTSCRIPT_NAME=preinst",
		"DPKG_MAINTSCRIPT_PACKAGE=" + p.Name(), "DPKG_MAINTSCRIPT_ARCH=" + p.Stanza.Get("Architecture"),
		"DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=" + strconv.Itoa(1), "DPKG_RUNNING_VERSION=1.21.0", file,
	}, args...)
}

// preinstDir is where dpkg lays out the control archive of the package whose preinst runs.
const preinstDir = dpkgDir + "tmp.ci"

// preinsts lays out the preinst scripts of packages and gives the commands that
// run them one after the other and clean up.
func (r *rootfs) preinsts(packages []*pool.Package) ([][]string, error) {
	var out [][]string
	for i, p := range packages {
		if p.Control["preinst"] == nil {
			continue
		}
		dir := preinstDir + "-" + strconv.Itoa(i)
		for _, name := range slices.Sorted(maps.Keys(p.Control)) {
			mode := uint32(0o644)
			if isScript(name) {
				mode = 0o755
			}
			if err := r.put(dir+"/"+name, mode, p.Control[name]); err != nil {
				return nil, err
			}
		}
		out = append(out,
			[]string{"/usr/bin/ln", "-sfn", path.Base(dir), "/" + preinstDir},
			r.script(p, "/"+preinstDir+"/preinst", "install"),
			[]string{"/usr/bin/rm", "-rf", "/" + preinstDir, "/" + dir})
	}
	return out, nil
}
