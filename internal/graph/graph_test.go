package graph

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/ociref"
)

const config = "registry: reg.example/base\naliases: ['local-image/*']\n"

// load makes a catalog of files given by path. A name without a slash is the
// Dockerfile of the folder of that name.
func load(t testing.TB, files map[string]string) *catalog.Catalog {
	t.Helper()
	root := t.TempDir()
	put := func(name, content string) {
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put(catalog.ConfigFile, config)
	for name, content := range files {
		if !strings.Contains(name, "/") && name != catalog.ConfigFile {
			name += "/Dockerfile"
		}
		put(name, content)
	}
	c, err := catalog.Load(root)
	if err != nil {
		t.Fatalf("cannot load: %s", report(err))
	}
	return c
}

func build(t testing.TB, files map[string]string) *Graph {
	t.Helper()
	g, err := Build(load(t, files))
	if err != nil {
		t.Fatalf("cannot build:\n%s", report(err))
	}
	return g
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

func names(targets []*Target) string {
	var out []string
	for _, t := range targets {
		out = append(out, t.Name)
	}
	return strings.Join(out, " ")
}

// needs prints what a target needs, one a line.
func needs(t *Target) string {
	var out []string
	flags := func(base bool, rest ...string) string {
		s := strings.Join(rest, "")
		if base {
			s += " base"
		}
		return s
	}
	for _, e := range t.Parents {
		by := ""
		if e.Trigger.File != "" {
			by = " by " + e.Trigger.String()
		}
		out = append(out, fmt.Sprintf("%s %s = %s %s%s", e.Kind, e.Text, e.Target.Name, e.Pos, flags(e.Base, by)))
	}
	for _, u := range t.Upstreams {
		rest := ""
		if u.Behind {
			rest += " behind"
		}
		if u.Suggestion != "" {
			rest += " like " + u.Suggestion
		}
		if u.Platform != "" {
			rest += " for " + u.Platform
		}
		out = append(out, fmt.Sprintf("%s %s -> %s %s%s", u.Kind, u.Text, u.Ref.Normalised(), u.Pos, flags(u.Base, rest)))
	}
	return strings.Join(out, "\n")
}

func TestWhatIsOurs(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("ab", 32)
	for ref, want := range map[string]string{
		// ours
		"debian12":                         "from debian12 = debian12 x/Dockerfile:1 base",
		"debian12:latest":                  "from debian12:latest = debian12 x/Dockerfile:1 base",
		"reg.example/base/debian12":        "from reg.example/base/debian12 = debian12 x/Dockerfile:1 base",
		"reg.example/base/debian12:latest": "from reg.example/base/debian12:latest = debian12 x/Dockerfile:1 base",
		"local-image/debian12":             "from local-image/debian12 = debian12 x/Dockerfile:1 base",
		"docker.io/local-image/debian12":   "from docker.io/local-image/debian12 = debian12 x/Dockerfile:1 base",
		// published releases of ours
		"reg.example/base/debian12:1.2":        "from reg.example/base/debian12:1.2 -> reg.example/base/debian12:1.2 x/Dockerfile:1 behind base",
		"reg.example/base/debian12" + digest:   "from reg.example/base/debian12" + digest + " -> reg.example/base/debian12" + digest + " x/Dockerfile:1 behind base",
		"local-image/debian12:latest" + digest: "from local-image/debian12:latest" + digest + " -> docker.io/local-image/debian12:latest" + digest + " x/Dockerfile:1 behind base",
		"reg.example/base/x:1":                 "from reg.example/base/x:1 -> reg.example/base/x:1 x/Dockerfile:1 behind base",
		// upstreams
		"debian12:1":                      "from debian12:1 -> docker.io/library/debian12:1 x/Dockerfile:1 base",
		"debian12" + digest:               "from debian12" + digest + " -> docker.io/library/debian12" + digest + " x/Dockerfile:1 base",
		"docker.io/library/debian12":      "from docker.io/library/debian12 -> docker.io/library/debian12:latest x/Dockerfile:1 base",
		"library/debian12":                "from library/debian12 -> docker.io/library/debian12:latest x/Dockerfile:1 base",
		"other/debian12":                  "from other/debian12 -> docker.io/other/debian12:latest x/Dockerfile:1 base",
		"reg.example/debian12":            "from reg.example/debian12 -> reg.example/debian12:latest x/Dockerfile:1 base",
		"reg.example/based/debian12":      "from reg.example/based/debian12 -> reg.example/based/debian12:latest x/Dockerfile:1 base",
		"redis":                           "from redis -> docker.io/library/redis:latest x/Dockerfile:1 base",
		"debian":                          "from debian -> docker.io/library/debian:latest x/Dockerfile:1 like debian12 base",
		"debain12":                        "from debain12 -> docker.io/library/debain12:latest x/Dockerfile:1 like debian12 base",
		"debain12:1":                      "from debain12:1 -> docker.io/library/debain12:1 x/Dockerfile:1 base",
		"x":                               "from x -> docker.io/library/x:latest x/Dockerfile:1 base",
		"x:7":                             "from x:7 -> docker.io/library/x:7 x/Dockerfile:1 base",
		"--platform=linux/arm64/v8 b.c/d": "from b.c/d -> b.c/d:latest x/Dockerfile:1 for linux/arm64 base",
	} {
		g := build(t, map[string]string{"debian12": "FROM scratch", "x": "FROM " + ref})
		x, _ := g.Lookup("x")
		if got := needs(x); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", ref, got, want)
		}
	}
}

func TestLongestPrefixCounts(t *testing.T) {
	g := build(t, map[string]string{
		catalog.ConfigFile: "registry: reg.example\naliases: [reg.example/old]",
		"a":                "FROM reg.example/old/b", "b": "FROM reg.example/c", "c": "FROM scratch",
	})
	if got, want := names(g.Targets), "c b a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEdges(t *testing.T) {
	g := build(t, map[string]string{
		"a": "FROM scratch", "b": "FROM scratch", "c": "FROM scratch",
		"x": "FROM a AS one\nFROM debian:12 AS two\nCOPY --from=one / /\nCOPY --from=b / /\nCOPY --from=reg.example/base/b /2 /\nCOPY --from=b /3 /\n" +
			"RUN --mount=from=b,target=/b --mount=from=c,target=/c true\nCOPY --from=debian:12 / /\nCOPY --from=debian:12 /2 /\nFROM unreached\n",
		"x/image.yaml": "target: two",
	})
	x, _ := g.Lookup("x")
	want := `from a = a x/Dockerfile:1
copy b = b x/Dockerfile:4
copy reg.example/base/b = b x/Dockerfile:5
mount b = b x/Dockerfile:7
mount c = c x/Dockerfile:7
from debian:12 -> docker.io/library/debian:12 x/Dockerfile:2 base
copy debian:12 -> docker.io/library/debian:12 x/Dockerfile:8`
	if got := needs(x); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if x.Stage != "two" || x.DockerfilePath != "x/Dockerfile" || x.ContextDir != filepath.Join(g.Catalog.Root, "x") || x.Platform != ociref.Host() {
		t.Errorf("got %+v", x)
	}
	if got := names(g.Children(x.Parents[0].Target)); got != "x" {
		t.Errorf("children of a: %s", got)
	}
	// a later reference makes an earlier one a base
	g = build(t, map[string]string{"a": "FROM scratch", "y": "FROM a AS tool\nFROM a\nCOPY --from=tool / /", "z": "FROM q:1 AS tool\nFROM q:1\nCOPY --from=tool / /"})
	y, _ := g.Lookup("y")
	if got, want := needs(y), "from a = a y/Dockerfile:1 base"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	z, _ := g.Lookup("z")
	if got, want := needs(z), "from q:1 -> docker.io/library/q:1 z/Dockerfile:1 base"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMatrix(t *testing.T) {
	g := build(t, map[string]string{
		catalog.ConfigFile: config + "args: {A: catalog, B: 'catalog {{.Image}}'}\nlabels: {l: catalog, m: catalog}\nrefresh: monthly\n",
		"0100-java":        "ARG debian\nARG B\nFROM deb-${debian}\nRUN echo $java",
		"0100-java/image.yaml": "matrix: {debian: [12, 1.10], java: ['17', 21]}\nname: d{{.debian}}-j{{.java}}\n" +
			"args: {A: 'image {{.java}}'}\nlabels: {m: 'image {{.debian}}'}\ntitle: Java {{.java}}\nrefresh: never\n",
		"deb":            "FROM scratch",
		"deb/image.yaml": "matrix: {v: [12, 1.10]}",
	})
	if got, want := names(g.Targets), "deb-1.10 d1.10-j17 d1.10-j21 deb-12 d12-j17 d12-j21"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	tg, _ := g.Lookup("d1.10-j21")
	if want := map[string]string{"debian": "1.10", "java": "21"}; !maps.Equal(tg.Values, want) {
		t.Errorf("values %v", tg.Values)
	}
	if want := map[string]string{"debian": "1.10", "java": "21", "A": "image 21", "B": "catalog java"}; !maps.Equal(tg.Args, want) {
		t.Errorf("args %q", tg.Args)
	}
	if want := map[string]string{"l": "catalog", "m": "image 1.10", "org.opencontainers.image.title": "Java 21"}; !maps.Equal(tg.Labels, want) {
		t.Errorf("labels %q", tg.Labels)
	}
	if got, want := needs(tg), "from deb-1.10 = deb-1.10 0100-java/Dockerfile:3 base"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if tg.Refresh != catalog.Never || tg.Parents[0].Target.Refresh != catalog.Monthly {
		t.Errorf("refresh %s and %s", tg.Refresh, tg.Parents[0].Target.Refresh)
	}
	if want := (diag.Position{File: "0100-java/image.yaml", Line: 2, Column: 7}); tg.Pos != want {
		t.Errorf("position %s, want %s", tg.Pos, want)
	}
}

func TestPackages(t *testing.T) {
	g := build(t, map[string]string{
		"base/image.yaml": "packages: ['openjdk-{{.java}}', ca]\nmatrix: {debian: [12, 13], java: [17]}\nname: base{{.debian}}\ndebian: '{{.debian}}'\n" +
			"exclude: ['x{{.java}}']\nenv: {J: '{{.java}}', K: k}\nfiles: [{path: /j, content: 'v {{.java}}', mode: 0600}, {path: /s, source: 'f{{.java}}'}]\nuser: a\n",
		"base/f17":         "",
		"child/image.yaml": "packages: [cc]\nfrom: reg.example/base/base13\n",
		"grand/image.yaml": "packages: [cc]\nmatrix: {v: [12]}\nfrom: 'mid'\nname: grand\n",
		"mid":              "FROM base13",
		"none/image.yaml":  "packages: []\n",
		"great/image.yaml": "packages: [cc]\nfrom: child\n",
	})
	base, _ := g.Lookup("base13")
	at := func(line, col int) diag.Position {
		return diag.Position{File: "base/image.yaml", Line: line, Column: col}
	}
	want := &catalog.Packages{
		Names: []catalog.Named{{Name: "openjdk-17", Pos: at(1, 12)}, {Name: "ca", Pos: at(1, 33)}}, Mode: catalog.Distroless, Debian: "13", DebianPos: at(4, 9),
		Exclude: []catalog.Named{{Name: "x17", Pos: at(5, 11)}},
		Env:     []catalog.EnvVar{{Name: "J", Value: "17", Pos: at(6, 10)}, {Name: "K", Value: "k", Pos: at(6, 26)}},
		Files: []catalog.FileSpec{
			{Path: "/j", Content: "v 17", Mode: 0o600, Pos: at(7, 9)}, {Path: "/s", Source: "f17", Mode: 0o644, Pos: at(7, 57)},
		},
		User: "a", Pos: at(1, 11),
	}
	if !reflect.DeepEqual(base.Packages, want) {
		t.Errorf("got  %+v\nwant %+v", base.Packages, want)
	}
	if base.DockerfilePath != "" {
		t.Errorf("a package image has the Dockerfile %s", base.DockerfilePath)
	}
	if got := base.Image.Packages; got.Debian != "{{.debian}}" || got.Names[0].Name != "openjdk-{{.java}}" || got.Env[0].Value != "{{.java}}" || got.Files[1].Source != "f{{.java}}" {
		t.Errorf("the catalog changed: %+v", got)
	}
	for name, wants := range map[string][3]string{
		"child": {"from base13 = base13 child/image.yaml:2:7 base", "13", "base13"},
		"great": {"from child = child great/image.yaml:2:7 base", "13", "child"},
		"grand": {"from mid = mid grand/image.yaml:3:7 base", "12", "mid"},
		"none":  {"", "12", ""},
	} {
		tg, _ := g.Lookup(name)
		if got := [3]string{needs(tg), tg.Packages.Debian, tg.Packages.From}; got != wants {
			t.Errorf("%s: got %q, want %q", name, got, wants)
		}
	}
}

func TestOnbuildOfParents(t *testing.T) {
	g := build(t, map[string]string{
		"tools":  "FROM scratch",
		"parent": "FROM scratch\nONBUILD COPY --from=tools / /\nONBUILD COPY --from=busybox:1 / /\nONBUILD COPY --from=st / /\n",
		"child":  "FROM alpine:3 AS st\nFROM debian:1 AS unused\nFROM reg.example/base/parent",
		"copies": "FROM scratch AS st\nFROM scratch\nCOPY --from=parent / /",
		"grand":  "FROM child",
	})
	for name, want := range map[string]string{
		"parent": "",
		"child": "from reg.example/base/parent = parent child/Dockerfile:3 base\nonbuild tools = tools child/Dockerfile:3 by parent/Dockerfile:2\n" +
			"from alpine:3 -> docker.io/library/alpine:3 child/Dockerfile:1\nonbuild busybox:1 -> docker.io/library/busybox:1 child/Dockerfile:3",
		"copies": "copy parent = parent copies/Dockerfile:3",
		"grand":  "from child = child grand/Dockerfile:1 base",
	} {
		tg, _ := g.Lookup(name)
		if got := needs(tg); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
	if got, want := names(g.Targets), "parent copies tools child grand"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOrderAndClosures(t *testing.T) {
	g := build(t, map[string]string{
		"z": "FROM scratch", "m": "FROM z", "a": "FROM m", "b": "FROM m\nCOPY --from=z / /", "y": "FROM scratch", "c": "FROM a\nCOPY --from=b / /\nCOPY --from=y / /",
	})
	if got, want := names(g.Targets), "y z m a b c"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	get := func(name string) *Target {
		tg, ok := g.Lookup(name)
		if !ok {
			t.Fatalf("no %s", name)
		}
		return tg
	}
	for what, pair := range map[string][2]string{
		"ancestors of c":         {names(g.Ancestors(get("c"))), "y z m a b"},
		"ancestors of m":         {names(g.Ancestors(get("m"))), "z"},
		"ancestors of a and m":   {names(g.Ancestors(get("a"), get("m"))), "z m"},
		"ancestors of z":         {names(g.Ancestors(get("z"))), ""},
		"descendants of z":       {names(g.Descendants(get("z"))), "m a b c"},
		"descendants of y and a": {names(g.Descendants(get("y"), get("a"))), "c"},
		"descendants of c":       {names(g.Descendants(get("c"))), ""},
		"children of z":          {names(g.Children(get("z"))), "m b"},
		"names":                  {strings.Join(g.Names(), " "), "a b c m y z"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %s, want %s", what, pair[0], pair[1])
		}
	}
	if _, ok := g.Lookup("none"); ok {
		t.Error("found a target that is not there")
	}
	children := g.Children(get("z"))
	children[0] = nil
	if g.Children(get("z"))[0] == nil {
		t.Error("the graph can be changed from outside")
	}
}

func TestSelect(t *testing.T) {
	g := build(t, map[string]string{
		"0000-base": "FROM scratch", "0100-java": "FROM base", "0100-java/image.yaml": "matrix: {v: [17, 21]}",
		"0100-node": "FROM base", "sub/0200-app/Dockerfile": "FROM java-17",
		"0300-java-17": "FROM scratch", "0300-java-17/image.yaml": "name: odd",
	})
	all := "base java-17 app java-21 node odd"
	for selectors, want := range map[string]string{
		"":              all,
		"base":          "base",
		"java":          "java-17 java-21",
		"0100-java":     "java-17 java-21",
		"0100-java/":    "java-17 java-21",
		"java-17":       "java-17",
		"sub/0200-app":  "app",
		"0200-app":      "app",
		"0100":          "java-17 java-21 node",
		"100":           "java-17 java-21 node",
		"0":             "base",
		"java-*":        "java-17 java-21",
		"*":             all,
		"java-[12]?":    "java-17 java-21",
		"java+":         "java-17 app java-21",
		"+app":          "base java-17 app",
		"+java-17+":     "base java-17 app",
		"0100+":         "java-17 app java-21 node",
		"node,app,node": "app node",
		"+app,odd":      "base java-17 app odd",
	} {
		var args []string
		if selectors != "" {
			args = strings.Split(selectors, ",")
		}
		got, err := g.Select(args...)
		if err != nil || names(got) != want {
			t.Errorf("%s: got %s, %v, want %s", selectors, names(got), err, want)
		}
	}
	first, _ := g.Select()
	first[0] = nil
	if g.Targets[0] == nil {
		t.Error("Select gives the graph's own list away")
	}
	for selectors, want := range map[string]string{
		"bsae":  "cannot find a target, an image or a tier called \"bsae\"\n  did you mean base?",
		"jaav+": "cannot find a target, an image or a tier called \"jaav+\"\n  did you mean java?",
		"zzzzzzzz,0900": "cannot find a target, an image or a tier called \"0900\"\n  plinth graph lists the targets\n" +
			"cannot find a target, an image or a tier called \"zzzzzzzz\"\n  plinth graph lists the targets",
		"q*":     "cannot find a target that matches \"q*\"\n  plinth graph lists the targets",
		"a[":     "cannot use the selector \"a[\": syntax error in pattern",
		"base,+": "cannot find a target, an image or a tier called \"+\"\n  plinth graph lists the targets",
	} {
		got, err := g.Select(strings.Split(selectors, ",")...)
		if report(err) != want || got != nil {
			t.Errorf("%s: got %s and\n%s\nwant\n%s", selectors, names(got), report(err), want)
		}
		if diag.Code(err) != diag.ExitUsage {
			t.Errorf("%s: exit code %d", selectors, diag.Code(err))
		}
	}
}

func TestAffected(t *testing.T) {
	g := build(t, map[string]string{
		"base": "FROM scratch", "java": "FROM base", "java/image.yaml": "matrix: {v: [1, 2]}", "app": "FROM java-1", "java/sub/Dockerfile": "FROM scratch", "other": "FROM scratch",
	})
	for files, want := range map[string]string{
		"base/Dockerfile": "base java-1 app java-2",
		"java/deep/file":  "java-1 app java-2",
		"java/sub/x":      "java-1 app java-2 sub",
		"./app/x":         "app",
		"app":             "app",
		"application/x":   "",
		"README.md":       "",
		"plinth.yaml":     "base java-1 app java-2 other sub",
		"plinth.lock":     "base java-1 app java-2 other sub",
		"sub/plinth.yaml": "",
		"app/x,other/y":   "app other",
		"":                "",
	} {
		if got := names(g.Affected(strings.Split(files, ","))); got != want {
			t.Errorf("%s: got %s, want %s", files, got, want)
		}
	}
}

func TestGraphIsTheSameEachTime(t *testing.T) {
	files := map[string]string{}
	for i := range 20 {
		files[fmt.Sprintf("i%02d", i)] = fmt.Sprintf("FROM i%02d", (i*7+3)%20)
	}
	for i := 0; i < 20; i += 4 {
		files[fmt.Sprintf("i%02d", i)] = "FROM scratch"
	}
	c := load(t, files)
	first, err := Build(c)
	for range 10 {
		again, err2 := Build(c)
		if report(err) != report(err2) {
			t.Fatalf("got\n%s\nthen\n%s", report(err), report(err2))
		}
		if err == nil && !slices.EqualFunc(first.Targets, again.Targets, func(a, b *Target) bool { return a.Name == b.Name && needs(a) == needs(b) }) {
			t.Fatalf("got %s then %s", names(first.Targets), names(again.Targets))
		}
	}
}

// flavoured is a catalog whose images have flavours; flavours/x is x.
func flavoured(files map[string]string) map[string]string {
	out := map[string]string{
		"flavours/init/Dockerfile": "ARG BASE\nFROM ${BASE}\nARG WHO\nARG BASE\n", "flavours/obs/Dockerfile": "ARG BASE\nFROM tools AS t\nFROM ${BASE}\nEXPOSE 9100\nCOPY --from=t / /\n",
		"flavours/init/image.yaml": "title: with hooks\ndescription: Runs hooks.\nargs: {WHO: flavour, HOW: '{{.Flavour}} of {{.Name}}'}\nlabels: {who: flavour, how: '{{.Name}}'}\nsquash: none\nrefresh: never\ntemp: [/f]\n",
		"tools":                    "FROM scratch", "tools/image.yaml": "flavours: []",
	}
	maps.Copy(out, files)
	return out
}

func TestFlavours(t *testing.T) {
	g := build(t, flavoured(map[string]string{
		catalog.ConfigFile: config + "flavours: [init, init+obs]\nargs: {ALL: catalog, WHO: catalog}\nlabels: {who: catalog}\nsquash: all\ntemp: [/tmp]\n",
		"db":               "FROM scratch\nEXPOSE 5432 80/udp\nONBUILD COPY --from=tools / /",
		"db/image.yaml":    "title: Database\ndescription: Keeps data.\nmatrix: {v: [1]}\nname: db{{.v}}\nversion: 1.{{.v}}\ntags: [a]\nlabels: {how: image}\nsquash: none\ntemp: [/own]\n",
		"app":              "FROM db1\nEXPOSE 80", "app/image.yaml": "flavours: [obs]\nargs: {WHO: image}\ntemp: []",
	}))
	if got, want := names(g.Targets), "db1 tools app app-obs db1-init db1-init-obs"; got != want {
		t.Fatalf("targets %s, want %s", got, want)
	}
	at := func(name string) *Target {
		t.Helper()
		tg, ok := g.Lookup(name)
		if !ok {
			t.Fatalf("no target %s", name)
		}
		return tg
	}
	db, init, both := at("db1"), at("db1-init"), at("db1-init-obs")
	if init.Under != db || both.Under != init || both.Plain() != db || db.Plain() != db || init.Flavour != "init" || both.Flavour != "init+obs" || init.Internal || db.Internal {
		t.Errorf("got %+v", init)
	}
	if init.Dir != "flavours/init" || init.ContextDir != filepath.Join(g.Catalog.Root, "flavours/init") || init.DockerfilePath != "flavours/init/Dockerfile" || init.Dockerfile == nil || init.Stage != "" {
		t.Errorf("made from %+v", init)
	}
	if want := map[string]string{"ALL": "catalog", "WHO": "flavour", "HOW": "init of db1", "v": "1", "BASE": "reg.example/base/db1"}; !maps.Equal(init.Args, want) {
		t.Errorf("arguments %q, want %q", init.Args, want)
	}
	if both.Args["BASE"] != "reg.example/base/db1-init" || at("app-obs").Args["WHO"] != "image" {
		t.Errorf("arguments %q and %q", both.Args, at("app-obs").Args)
	}
	want := map[string]string{
		"who": "flavour", "how": "image", "org.opencontainers.image.title": "Database (with hooks)",
		"org.opencontainers.image.description": "Keeps data. Runs hooks.", "org.opencontainers.image.version": "1.1",
	}
	if !maps.Equal(init.Labels, want) || init.Title != "Database (with hooks)" || both.Title != "Database (init, obs)" || at("app-obs").Title != "" {
		t.Errorf("labels %q, want %q", init.Labels, want)
	}
	if init.Squash != catalog.SquashNone || both.Squash != catalog.SquashAll || db.Squash != catalog.SquashNone || init.Refresh != catalog.Never || both.Refresh != catalog.Weekly {
		t.Errorf("squash %s %s %s, refresh %s %s", init.Squash, both.Squash, db.Squash, init.Refresh, both.Refresh)
	}
	if init.Version != "1.1" || !slices.Equal(init.Tags, []string{"a"}) {
		t.Errorf("version %s, tags %s", init.Version, init.Tags)
	}
	for name, want := range map[string]string{"db1": "/own /tmp", "db1-init": "/f /own /tmp", "db1-init-obs": "/f /own /tmp", "app": "", "app-obs": "/tmp", "tools": "/tmp"} {
		if got := strings.Join(at(name).Temp, " "); got != want {
			t.Errorf("temp of %s: %s, want %s", name, got, want)
		}
	}
	for name, want := range map[string]string{"db1": "80/udp 5432/tcp", "db1-init-obs": "80/udp 5432/tcp 9100/tcp", "app": "80/tcp 80/udp 5432/tcp", "tools": ""} {
		if got := strings.Join(at(name).Ports, " "); got != want {
			t.Errorf("ports of %s: %s, want %s", name, got, want)
		}
	}
	if got := names(g.Affected([]string{"flavours/init/x"})); got != "db1-init db1-init-obs" {
		t.Errorf("affected by a flavour: %s", got)
	}
	if got := names(g.Affected([]string{"db/image.yaml"})); got != "db1 app app-obs db1-init db1-init-obs" {
		t.Errorf("affected by an image: %s", got)
	}
	if got, want := needs(both), "from reg.example/base/db1-init = db1-init flavours/obs/Dockerfile:3 base"; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStepsOfCombinationsAreInternal(t *testing.T) {
	g := build(t, flavoured(map[string]string{
		catalog.ConfigFile: config + "flavour-name: '{{.Flavour}}.{{.Name}}'\n",
		"a":                "FROM scratch", "a/image.yaml": "flavours: [init+obs]",
		"b": "FROM scratch", "b/image.yaml": "flavours: [init+obs, init]",
	}))
	for name, want := range map[string]bool{"a": false, "init.a": true, "init-obs.a": false, "init.b": false, "init-obs.b": false} {
		tg, ok := g.Lookup(name)
		if !ok || tg.Internal != want {
			t.Errorf("%s: there %v, internal %v", name, ok, tg.Internal)
		}
	}
}

func TestDefaultFlavour(t *testing.T) {
	g := build(t, flavoured(map[string]string{
		catalog.ConfigFile: config + "flavours: [init, obs]\ndefault-flavour: init\n",
		"db":               "FROM scratch",
		"app":              "FROM db\nCOPY --from=reg.example/base/db / /", "app/image.yaml": "flavours: []",
		"plain": "FROM db-plain", "plain/image.yaml": "flavours: []",
	}))
	if got, want := names(g.Targets), "db-plain app db plain tools db-obs"; got != want {
		t.Fatalf("targets %s, want %s", got, want)
	}
	db, _ := g.Lookup("db")
	plain, _ := g.Lookup("db-plain")
	if db.Flavour != "init" || db.Internal || !plain.Internal || plain.Flavour != "" || db.Args["BASE"] != "reg.example/base/db-plain" {
		t.Errorf("got %+v over %+v", db, plain)
	}
	app, _ := g.Lookup("app")
	for _, e := range app.Parents {
		if e.Target != plain {
			t.Errorf("%s means %s", e.Text, e.Target.Name)
		}
	}
	if db.Args["HOW"] != "init of db" {
		t.Errorf("got %q", db.Args)
	}
}

func TestContexts(t *testing.T) {
	g := build(t, map[string]string{
		"a": "FROM scratch\nCOPY --from=more / /\n", "a/image.yaml": "contexts: {more: shared, unused: shared}", "shared/x/y": "",
		"b": "FROM scratch\nCOPY --from=more / /\n",
	})
	a, _ := g.Lookup("a")
	if len(a.Parents)+len(a.Upstreams) != 0 || len(a.Contexts) != 1 || a.Contexts["more"].Dir != "shared" {
		t.Errorf("got %+v", a)
	}
	if b, _ := g.Lookup("b"); len(b.Upstreams) != 1 || len(b.Contexts) != 0 {
		t.Errorf("got %+v", b)
	}
	if got := names(g.Affected([]string{"shared/z"})); got != "a" {
		t.Errorf("affected: %s", got)
	}
}
