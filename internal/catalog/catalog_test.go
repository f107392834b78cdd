package catalog

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/ociref"
)

const minimal = "registry: registry.acme.example/base\n"

// write makes a catalog of the files given by path; plinth.yaml is the minimal one unless given.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	if _, ok := files[ConfigFile]; !ok {
		files = maps.Clone(files)
		files[ConfigFile] = minimal
	}
	for name, content := range files {
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func load(t *testing.T, files map[string]string) *Catalog {
	t.Helper()
	c, err := Load(write(t, files))
	if err != nil {
		t.Fatalf("cannot load:\n%s", report(err))
	}
	return c
}

// report prints an error as a user sees it: one line each, hints indented.
func report(err error) string {
	var out []string
	for _, e := range diag.Flatten(err) {
		out = append(out, e.Error())
		for _, h := range e.Hints {
			out = append(out, "  "+h)
		}
	}
	return strings.Join(out, "\n")
}

func dirs(c *Catalog) string {
	var out []string
	for _, i := range c.Images {
		out = append(out, i.Dir)
	}
	return strings.Join(out, " ")
}

func TestLoadDefaults(t *testing.T) {
	root := write(t, map[string]string{"0100-java17/Dockerfile": "FROM debian:12"})
	c, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	host := []ociref.Platform{ociref.Host()}
	source := func(uri, suite string) DebianSource {
		return DebianSource{URI: "http://deb.debian.org/" + uri, Suite: suite, Components: []string{"main"}}
	}
	want := Config{
		Registry: "registry.acme.example/base", Args: map[string]string{}, Labels: map[string]string{},
		Platforms: host, Refresh: Weekly, State: ".plinth", FlavourName: "{{.Name}}-{{.Flavour}}", Squash: SquashOwn, Tags: []string{"latest"},
		Debian: DebianConfig{Releases: map[string]DebianRelease{
			"12": {[]DebianSource{source("debian", "bookworm"), source("debian", "bookworm-updates"), source("debian-security", "bookworm-security")}},
			"13": {[]DebianSource{source("debian", "trixie"), source("debian", "trixie-updates"), source("debian-security", "trixie-security")}},
		}},
	}
	if !reflect.DeepEqual(c.Config, want) {
		t.Errorf("got %+v\nwant %+v", c.Config, want)
	}
	if c.Root != root || len(c.Images) != 1 {
		t.Fatalf("root %s, %d images", c.Root, len(c.Images))
	}
	img := c.Images[0]
	pos := diag.Position{File: "0100-java17/Dockerfile"}
	if img.Dockerfile == nil || img.Dockerfile.Path != "0100-java17/Dockerfile" || len(img.Dockerfile.Stages) != 1 {
		t.Errorf("Dockerfile is %+v", img.Dockerfile)
	}
	img.Dockerfile = nil
	wantImage := &Image{
		Dir: "0100-java17", Tier: "0100", Name: "java17", Args: map[string]string{}, Labels: map[string]string{},
		Refresh: Weekly, Platforms: host, Pos: pos, NamePos: pos, TargetPos: pos, VersionPos: pos, Squash: SquashOwn, Tags: []string{"latest"},
		ArgPos: map[string]diag.Position{}, LabelPos: map[string]diag.Position{},
	}
	if !reflect.DeepEqual(img, wantImage) {
		t.Errorf("got %+v\nwant %+v", img, wantImage)
	}
}

func TestLoadEverything(t *testing.T) {
	host := ociref.Host().String()
	c := load(t, map[string]string{
		ConfigFile: `registry: localhost:5000/base
aliases: ["local-image/*", old.example]
images: ["img/*"]
args: {V: 1.10, "W": yes, X: true}
labels:
  vendor: Acme é
platforms: [` + host + `]
refresh: daily
debian:
  keyring: keys.gpg
  releases:
    12:
      sources:
        - {uri: "http://mirror/debian", suite: bookworm}
        - {uri: "file:///srv/debian", suite: sec, components: [main, contrib]}
  signers: ["0123 4567 89ab cdef 0123 4567 89AB CDEF 0123 4567"]
state: build/state
flavours: [a]
default-flavour: a
flavour-name: "{{.Flavour}}-{{.Name}}"
squash: none
temp: [/tmp, /var/cache/apt]
tags: [a, "{{.Date}}"]
secrets: {npm: env=NPM_TOKEN, pip: src=etc/pip.conf, abs: source=/etc/x}
`,
		"keys.gpg": "x",
		"img/0100-app/image.yaml": `title: App
description: |
  Two
  lines
owners: [a@x, b@x]
args: &args {A: 1, B: "two"}
labels: *args
matrix: {debian: [12, 13], java: [17, "21", 1.10]}
name: app{{.debian}}-{{.java}}
refresh: never
target: mid
platforms: [` + host + `]
squash: all
temp: [/t/]
tags: ["{{.Version}}"]
version: 1.10
contexts: {more: shared/files/}
flavours: [b, b+a]
default-flavour: b
`,
		"shared/files/x":        "",
		"flavours/a/Dockerfile": "FROM x", "flavours/b/Dockerfile": "FROM x", "flavours/README": "", "flavours/.git/x": "",
		"img/0100-app/Dockerfile": "FROM a AS mid\nFROM b",
	})
	if got, want := c.Config.Aliases, []string{"local-image", "old.example"}; !slices.Equal(got, want) {
		t.Errorf("aliases %q, want %q", got, want)
	}
	if got, want := c.Config.Args, map[string]string{"V": "1.10", "W": "yes", "X": "true"}; !maps.Equal(got, want) {
		t.Errorf("args %q, want %q", got, want)
	}
	want := DebianRelease{[]DebianSource{
		{"http://mirror/debian", "bookworm", []string{"main"}},
		{"file:///srv/debian", "sec", []string{"main", "contrib"}},
	}}
	if got := c.Config.Debian.Releases["12"]; !reflect.DeepEqual(got, want) {
		t.Errorf("release 12 is %+v, want %+v", got, want)
	}
	if got := c.Config.Debian.Releases["13"].Sources; len(got) != 3 {
		t.Errorf("release 13 lost its default: %+v", got)
	}
	if got, want := c.Config.Debian.Signers, []string{"0123456789ABCDEF0123456789ABCDEF01234567"}; !slices.Equal(got, want) {
		t.Errorf("signers %q, want %q", got, want)
	}
	if d := c.Config; d.Debian.Keyring != "keys.gpg" || d.State != "build/state" || d.Refresh != Daily || d.Registry != "localhost:5000/base" {
		t.Errorf("got %+v", d)
	}
	if d := c.Config; !reflect.DeepEqual(d.Flavours, []FlavourUse{{"a", []string{"a"}, diag.Position{File: ConfigFile, Line: 18, Column: 12}}}) || d.DefaultFlavour != "a" ||
		d.FlavourName != "{{.Flavour}}-{{.Name}}" || d.Squash != SquashNone || !slices.Equal(d.Temp, []string{"/tmp", "/var/cache/apt"}) ||
		!slices.Equal(d.Tags, []string{"a", "{{.Date}}"}) {
		t.Errorf("got %+v", d)
	}
	var secrets []string
	for _, s := range c.Config.Secrets {
		secrets = append(secrets, s.ID+" "+s.Env+" "+s.File)
	}
	if want := []string{"npm NPM_TOKEN ", "pip  " + filepath.Join(c.Root, "etc/pip.conf"), "abs  /etc/x"}; !slices.Equal(secrets, want) {
		t.Errorf("secrets %q, want %q", secrets, want)
	}
	img := c.Images[0]
	at := func(line, col int) diag.Position {
		return diag.Position{File: "img/0100-app/image.yaml", Line: line, Column: col}
	}
	img.Dockerfile = nil
	wantImage := &Image{
		Dir: "img/0100-app", Tier: "0100", Name: "app", Title: "App", Description: "Two\nlines\n", Owners: []string{"a@x", "b@x"},
		Args: map[string]string{"A": "1", "B": "two"}, Labels: map[string]string{"A": "1", "B": "two"},
		Matrix:       []Axis{{"debian", []string{"12", "13"}, at(8, 10)}, {"java", []string{"17", "21", "1.10"}, at(8, 28)}},
		NameTemplate: "app{{.debian}}-{{.java}}", Refresh: Never, Target: "mid",
		Platforms: []ociref.Platform{ociref.Host()}, Pos: diag.Position{File: "img/0100-app/image.yaml"}, NamePos: at(9, 7), TargetPos: at(11, 9),
		Squash: SquashAll, Temp: []string{"/t"}, Tags: []string{"{{.Version}}"}, TagsPos: at(15, 7), Version: "1.10", VersionPos: at(16, 10),
		Contexts: map[string]Context{"more": {"shared/files", at(17, 18)}}, DefaultFlavour: "b",
		Flavours: []FlavourUse{{"b", []string{"b"}, at(18, 12)}, {"b+a", []string{"b", "a"}, at(18, 15)}},
		ArgPos:   map[string]diag.Position{"A": at(6, 17), "B": at(6, 23)},
		LabelPos: map[string]diag.Position{"A": at(6, 17), "B": at(6, 23)},
	}
	if !reflect.DeepEqual(img, wantImage) {
		t.Errorf("got  %+v\nwant %+v", img, wantImage)
	}
	labels := img.MergedLabels(Config{Labels: map[string]string{"A": "catalog", "C": "c", "org.opencontainers.image.title": "x"}})
	wantLabels := map[string]string{
		"A": "1", "B": "two", "C": "c",
		"org.opencontainers.image.title":       "App",
		"org.opencontainers.image.description": "Two\nlines\n",
		"org.opencontainers.image.authors":     "a@x, b@x",
	}
	if !maps.Equal(labels, wantLabels) {
		t.Errorf("labels %q, want %q", labels, wantLabels)
	}
}

func TestLoadPackages(t *testing.T) {
	c := load(t, map[string]string{
		"0000-base/image.yaml": `packages: [base-files, "openjdk-{{.java}}-jre", libstdc++6]
matrix: {java: [17]}
mode: full
debian: 13
from: parent
exclude: [perl-base]
docs: true
files:
  - {path: /etc/a, source: sub/a.txt, mode: 07755, owner: "1:2"}
  - path: /etc/b
    content: "x {{.java}}"
    mode: 0o7777
users: [{name: app, uid: 1000}, {name: _svc, uid: 5, gid: 6, home: /srv, shell: /bin/sh}]
groups: [{name: grp, gid: 7}]
env: {PATH: /bin, B: 2}
entrypoint: [/bin/app, -n, 1]
cmd: [serve]
user: 1000:1000
workdir: /srv
ports: [8080, 53/udp]
stop-signal: SIGRTMIN+3
`,
		"0000-base/sub/a.txt": "x",
		"small/image.yaml":    "packages: []\n",
	})
	at := func(line, col int) diag.Position {
		return diag.Position{File: "0000-base/image.yaml", Line: line, Column: col}
	}
	want := &Packages{
		Names: []Named{{"base-files", at(1, 12)}, {"openjdk-{{.java}}-jre", at(1, 24)}, {"libstdc++6", at(1, 49)}},
		Mode:  Full, Debian: "13", DebianPos: at(4, 9), From: "parent", FromPos: at(5, 7),
		Exclude: []Named{{"perl-base", at(6, 11)}}, Docs: true,
		Files: []FileSpec{
			{Path: "/etc/a", Source: "sub/a.txt", Mode: 0o7755, UID: 1, GID: 2, Pos: at(9, 5)},
			{Path: "/etc/b", Content: "x {{.java}}", Mode: 0o7777, Pos: at(10, 5)},
		},
		Users: []User{
			{"app", 1000, 1000, "/home/app", "/usr/sbin/nologin", at(13, 9)},
			{"_svc", 5, 6, "/srv", "/bin/sh", at(13, 33)},
		},
		Groups:     []Group{{"grp", 7, at(14, 10)}},
		Env:        []EnvVar{{"PATH", "/bin", at(15, 13)}, {"B", "2", at(15, 22)}},
		Entrypoint: []string{"/bin/app", "-n", "1"}, Cmd: []string{"serve"}, User: "1000:1000", WorkingDir: "/srv",
		ExposedPorts: []string{"8080/tcp", "53/udp"}, StopSignal: "SIGRTMIN+3", Pos: at(1, 11),
	}
	if got := c.Images[0].Packages; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	pos := diag.Position{File: "small/image.yaml", Line: 1, Column: 11}
	small := &Packages{Mode: Distroless, DebianPos: pos, Pos: pos}
	if got := c.Images[1].Packages; !reflect.DeepEqual(got, small) {
		t.Errorf("got  %+v\nwant %+v", got, small)
	}
	if c.Images[1].Dockerfile != nil {
		t.Error("a package image has a Dockerfile")
	}
}

func TestWhichFoldersAreImages(t *testing.T) {
	files := map[string]string{}
	for _, dir := range []string{"b", "a", "a/x", "a/x/y", "a/x/y/z", ".hidden/q", "flavours/f", "tests/t", ".plinth/s", "state/s", "a/flavours/f", "n/b"} {
		files[dir+"/Dockerfile"] = "FROM a"
	}
	files["p/image.yaml"] = "packages: []"
	files["docs/readme"] = ""
	files["Dockerfile"] = "FROM a"
	files["dir/Dockerfile/f"] = ""
	for name, tc := range map[string]struct{ config, want string }{
		"default":          {minimal, "a a/x a/x/y b n/b p state/s"},
		"state folder":     {minimal + "state: ./state/", "a a/x a/x/y b n/b p"},
		"globs":            {minimal + "images: ['a/*', 'p/']", "a/x p"},
		"any depth":        {minimal + "images: ['a/**']", "a a/flavours/f a/x a/x/y a/x/y/z"},
		"in the middle":    {minimal + "images: ['**/b']", "b n/b"},
		"named on purpose": {minimal + "images: ['tests/?']", "tests/t"},
		"no flavour":       {minimal + "images: ['**/[bf]']", "a/flavours/f b n/b"},
		"classes":          {minimal + "images: ['[ab]']", "a b"},
	} {
		files[ConfigFile] = tc.config
		if got := dirs(load(t, files)); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
}

func symlink(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

func TestLinks(t *testing.T) {
	root := write(t, map[string]string{"shared/file": "FROM a", "a/x": "", "real/Dockerfile": "FROM b"})
	link := func(to, at string) { symlink(t, to, filepath.Join(root, at)) }
	link("../shared/file", "a/Dockerfile") // a link to a file is read
	link("real", "linked")                 // a link to a folder is an image of its own
	link("..", "a/loop")                   // a link to what it lies in is not followed
	link("nowhere", "a/context-link")      // what lies in a context is not looked at
	c, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dirs(c), "a linked real"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	link("gone", "shared/Dockerfile")
	link("../../x", "shared/image.yaml")
	_, err = Load(root)
	want := "shared/Dockerfile: cannot read Dockerfile: it is a link to gone: no such file or directory\n  point the link at a file that exists\n" +
		"shared/image.yaml: cannot read image.yaml: it is a link to ../../x: no such file or directory\n  point the link at a file that exists"
	if got := report(err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestUnreadable reports permissions through a stand-in when the tests run as root, whom none stop.
func TestUnreadable(t *testing.T) {
	root := write(t, map[string]string{"a/Dockerfile": "FROM a"})
	file := filepath.Join(root, "a/Dockerfile")
	if os.Geteuid() == 0 {
		// a link to itself cannot be read by anybody
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("Dockerfile", file); err != nil {
			t.Fatal(err)
		}
		_, err := Load(root)
		if got, want := report(err), "a/Dockerfile: cannot read Dockerfile: it is a link to Dockerfile: too many levels of symbolic links"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		return
	}
	if err := os.Chmod(file, 0); err != nil {
		t.Fatal(err)
	}
	_, err := Load(root)
	want := "a/Dockerfile: cannot read Dockerfile: permission denied\n  give yourself permission: chmod u+r a/Dockerfile"
	if got := report(err); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFindRoot(t *testing.T) {
	root := write(t, map[string]string{"a/b/c": ""})
	for _, dir := range []string{"", "a", "a/b"} {
		got, err := FindRoot(filepath.Join(root, dir))
		if err != nil || got != root {
			t.Errorf("%s: %s, %v, want %s", dir, got, err, root)
		}
	}
	if err := os.Remove(filepath.Join(root, ConfigFile)); err != nil {
		t.Fatal(err)
	}
	_, err := FindRoot(filepath.Join(root, "a"))
	prefix := "cannot find plinth.yaml: looked in " + filepath.Join(root, "a") + ", " + root + ", " + filepath.Dir(root) + ", "
	if err == nil || !strings.HasPrefix(err.Error(), prefix) || !strings.HasSuffix(err.Error(), ", /") {
		t.Errorf("got %v, want %s…", err, prefix)
	}
	_, err = Load(root)
	want := "cannot find plinth.yaml: looked in " + root + "\n" +
		"  create it in the folder that holds the image folders, with this line: registry: registry.example.com/base"
	if got := report(err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// the line that the hint gives is enough
	if _, err := Load(write(t, map[string]string{ConfigFile: "registry: registry.example.com/base"})); err != nil {
		t.Error(err)
	}
	if err := os.Mkdir(filepath.Join(root, ConfigFile), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(root); report(err) != "plinth.yaml: cannot read plinth.yaml: is a directory" {
		t.Errorf("got %v", err)
	}
}

func TestReasonDropsThePath(t *testing.T) {
	if got := reason(&fs.PathError{Op: "open", Path: "/x", Err: fs.ErrNotExist}); got != fs.ErrNotExist {
		t.Errorf("got %v", got)
	}
	if got := reason(fs.ErrClosed); got != fs.ErrClosed {
		t.Errorf("got %v", got)
	}
}

func TestFlavours(t *testing.T) {
	files := map[string]string{
		ConfigFile:              minimal + "flavours: [a, b]\ndefault-flavour: b\n",
		"flavours/a/Dockerfile": "ARG BASE\nFROM ${BASE}\n",
		"flavours/a/image.yaml": "title: A\ndescription: d\nargs: {X: 1}\nlabels: {l: m}\nrefresh: never\nsquash: all\ntemp: [/t]\n",
		"flavours/b/Dockerfile": "ARG BASE\nFROM ${BASE}\n",
		"one/Dockerfile":        "FROM x",
		"none/Dockerfile":       "FROM x", "none/image.yaml": "flavours: []",
		"some/Dockerfile": "FROM x", "some/image.yaml": "flavours: [a]\ntemp: []",
		"other/Dockerfile": "FROM x", "other/image.yaml": "default-flavour: a",
	}
	c := load(t, files)
	got := map[string]string{}
	for _, img := range c.Images {
		var names []string
		for _, f := range img.Flavours {
			names = append(names, f.Name)
		}
		got[img.Name] = strings.Join(names, " ") + "/" + img.DefaultFlavour
		if img.NoTemp != (img.Name == "some") {
			t.Errorf("%s: NoTemp is %v", img.Name, img.NoTemp)
		}
	}
	if want := map[string]string{"one": "a b/b", "none": "/", "some": "a/", "other": "a b/a"}; !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	a := c.Flavours["a"]
	if len(c.Flavours) != 2 || a.Dir != "flavours/a" || a.Dockerfile.Path != "flavours/a/Dockerfile" || a.Title != "A" || a.Description != "d" ||
		a.Args["X"] != "1" || a.Labels["l"] != "m" || a.Refresh != Never || a.Squash != SquashAll || !slices.Equal(a.Temp, []string{"/t"}) ||
		a.ArgPos["X"].Line != 3 || a.LabelPos["l"].Line != 4 {
		t.Errorf("got %+v", a)
	}
}
