package image

import (
	"bytes"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/debian/deb"
	"github.com/plinth-build/plinth/internal/debian/pool"
)

// A Distroless image runs no maintainer script. What scripts would have made
// and programs cannot do without is made here, step by step; each step says
// for which packages it is and what it stands for. gcr.io/distroless is the
// measure: who moves from there finds the same accounts, the same certificate
// bundle and package records in the same place.

// synthesisers are the steps in order; a later one sees the entries of an earlier one.
var synthesisers = []func(*builder, *generated) error{
	(*builder).topLinks,       // merged /usr: /bin -> usr/bin and so on
	(*builder).baseFolders,    // /tmp, /run and what base-files' postinst makes
	(*builder).accounts,       // /etc/passwd, /etc/group, home folders: base-passwd, adduser
	(*builder).nameService,    // /etc/nsswitch.conf: base-files, libnss
	(*builder).packageRecords, // /var/lib/dpkg/status.d, which scanners read
	(*builder).certificates,   // the bundle of root certificates, also Java's: ca-certificates, ca-certificates-java
	(*builder).alternatives,   // /etc/alternatives: update-alternatives
}

func (b *builder) synthesise(g *generated) error {
	for _, step := range synthesisers {
		if err := step(b, g); err != nil {
			return err
		}
	}
	return nil
}

// lib64 names the architectures whose dynamic loader is called by a path below /lib64.
var lib64 = map[string]bool{"amd64": true, "ppc64el": true}

func (b *builder) topLinks(g *generated) error {
	if b.parent != nil {
		return nil // it has them
	}
	for _, l := range topLinkNames(b.tree, b.Arch) {
		g.symlink(l, "usr/"+l)
		if _, ok := b.tree.dirs["usr/"+l]; !ok {
			g.dir("usr/"+l, 0o755, 0, 0)
		}
	}
	return nil
}

// topLinkNames are the links that the root needs: three always, the others
// where the architecture or a package wants them.
func topLinkNames(t *tree, arch string) []string {
	names := []string{"bin", "lib", "sbin"}
	for _, l := range []string{"lib32", "lib64", "libx32"} {
		_, used := t.dirs["usr/"+l]
		if used || l == "lib64" && lib64[arch] {
			names = append(names, l)
		}
	}
	slices.Sort(names)
	return names
}

func (b *builder) baseFolders(g *generated) error {
	if b.parent != nil {
		return nil
	}
	for name, meta := range map[string]dirMeta{
		"dev": plainDir, "etc": plainDir, "proc": plainDir, "sys": plainDir, "run": plainDir,
		"tmp": {mode: 0o1777}, "root": {mode: 0o700}, "var/tmp": {mode: 0o1777}, "run/lock": {mode: 0o1777},
	} {
		if _, ok := b.tree.dirs[name]; !ok {
			g.dir(name, meta.mode, meta.uid, meta.gid)
		}
	}
	for link, target := range map[string]string{"var/run": "/run", "var/lock": "/run/lock"} {
		if !b.tree.has(link) {
			g.symlink(link, target)
		}
	}
	return nil
}

const nonroot = 65532 // the unprivileged account of distroless images

func (b *builder) accounts(g *generated) error {
	var a accounts
	if b.parent != nil {
		if len(b.Spec.Users)+len(b.Spec.Groups) == 0 {
			return nil
		}
		a = accounts{passwd: b.parent.files["etc/passwd"], group: b.parent.files["etc/group"]}
	} else {
		a = b.basicAccounts()
		g.dir("home", 0o755, 0, 0)
		g.dir("home/nonroot", 0o700, nonroot, nonroot)
	}
	return b.addAccounts(g, a)
}

// basicAccounts are those of base-passwd when it is there, otherwise those of
// gcr.io/distroless; nonroot is in both.
func (b *builder) basicAccounts() accounts {
	passwd, group := b.small("usr/share/base-passwd/passwd.master"), b.small("usr/share/base-passwd/group.master")
	if passwd == nil || group == nil {
		return accounts{
			passwd: []byte("root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"),
			group:  []byte("root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\n"),
		}
	}
	// the masters have * for the password, which update-passwd leaves to shadow
	passwd = append(bytes.ReplaceAll(passwd, []byte(":*:"), []byte(":x:")), "nonroot:x:65532:65532:nonroot:/home/nonroot:/usr/sbin/nologin\n"...)
	group = append(bytes.ReplaceAll(group, []byte(":*:"), []byte(":x:")), "nonroot:x:65532:\n"...)
	return accounts{passwd: passwd, group: group}
}

// small is the content of a small file of the packages, the parent's too; nil when there is none.
func (b *builder) small(name string) []byte {
	if n, ok := b.tree.nodes[name]; ok {
		return n.pkg.Small[name]
	}
	return nil
}

func (b *builder) nameService(g *generated) error {
	if b.parent == nil && !b.tree.has("etc/nsswitch.conf") {
		g.file("etc/nsswitch.conf", 0o644, 0, 0, []byte("passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nservices: files\nprotocols: files\n"))
	}
	return nil
}

// packageRecords writes a record for each package where scanners look in images
// without dpkg: its control file, and the checksums of its files.
func (b *builder) packageRecords(g *generated) error {
	if len(b.packages) == 0 {
		return nil
	}
	g.dir("var/lib/dpkg/status.d", 0o755, 0, 0)
	for _, p := range b.packages {
		name := "var/lib/dpkg/status.d/" + p.Name()
		if p.Stanza.Get("Multi-Arch") == "same" && p.Stanza.Get("Architecture") != b.Arch {
			name += ":" + p.Stanza.Get("Architecture")
		}
		g.file(name, 0o644, 0, 0, []byte(p.Stanza.Text("install ok installed")))
		if sums := p.Control["md5sums"]; sums != nil {
			g.file(name+".md5sums", 0o644, 0, 0, sums)
		}
	}
	return nil
}

// alternatives makes the links that update-alternatives would have made.
func (b *builder) alternatives(g *generated) error {
	type choice struct {
		link, target string
		priority     int
	}
	best := map[string]choice{}
	offer := func(name, link, target string, priority int) {
		at := imagePath(target)
		if !b.tree.has(at) || b.tree.has(imagePath(link)) {
			return
		}
		if c, ok := best[name]; !ok || priority > c.priority || priority == c.priority && target < c.target {
			best[name] = choice{link, target, priority}
		}
	}
	for _, a := range alternativesTable {
		e := a.expand(b.Arch)
		offer(e.name, e.link, e.target, e.priority)
	}
	for _, p := range b.tree.packages {
		for _, name := range slices.Sorted(maps.Keys(p.Small)) {
			if !strings.HasSuffix(name, ".jinfo") {
				continue
			}
			j := parseJinfo(p.Small[name])
			for _, tool := range j.tools {
				offer(tool.name, "/usr/bin/"+tool.name, tool.path, j.priority)
			}
		}
	}
	for name, c := range best {
		g.symlink("etc/alternatives/"+name, c.target)
		g.symlink(imagePath(c.link), "/etc/alternatives/"+name)
	}
	return nil
}

// javaHome is the home of the one JVM in the image, "" when there is none or several.
func (b *builder) javaHome() string {
	home := ""
	for name, n := range b.tree.nodes {
		rest, ok := strings.CutPrefix(name, "usr/lib/jvm/")
		if !ok || n.entry.Type != deb.File {
			continue
		}
		dir, file, _ := strings.Cut(rest, "/")
		if file != "bin/java" {
			continue
		}
		if home != "" {
			return ""
		}
		home = "/usr/lib/jvm/" + dir
	}
	return home
}

// pkg is the package called name of the image or of its parents, nil when there is none.
func (t *tree) pkg(name string) *pool.Package {
	for _, p := range t.packages {
		if p.Name() == name {
			return p
		}
	}
	return nil
}

// certName is the name of a certificate without folder and ending.
func certName(p string) string { return strings.TrimSuffix(path.Base(p), ".crt") }
