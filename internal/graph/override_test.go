package graph

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
)

func overrides(t *testing.T, texts ...string) []Override {
	t.Helper()
	var out []Override
	for _, s := range texts {
		o, err := ParseOverride(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}

func TestOverrides(t *testing.T) {
	c := load(t, map[string]string{
		catalog.ConfigFile: config + "temp: [/all]\n",
		"a1.2":             "FROM scratch", "base": "FROM scratch",
		"b":            "ARG BASE=base\nFROM ${BASE} AS one\nFROM one",
		"b/image.yaml": "args: {BASE: base}\nlabels: {l: x}\ntemp: [/t]\ntags: [x]\n",
	})
	g, err := Build(c, overrides(t, "b.args.BASE=a1.2", "*.labels.l=set=twice", "b.labels.args.x=dotted", "a1.2.squash=none", "b.target=one", "b.temp=/x,/y", "b.tags=", "b.version=2", "b.args.BASE=a1.2", "base.temp=")...)
	if err != nil {
		t.Fatal(report(err))
	}
	b, _ := g.Lookup("b")
	a, _ := g.Lookup("a1.2")
	if got := names(g.Ancestors(b)); got != "a1.2" {
		t.Errorf("b stands on %s", got)
	}
	if b.Labels["l"] != "set=twice" || a.Labels["l"] != "set=twice" || b.Labels["args.x"] != "dotted" || b.Labels[versionLabel] != "2" || b.Version != "2" {
		t.Errorf("labels %q", b.Labels)
	}
	if a.Squash != catalog.SquashNone || b.Squash != catalog.SquashOwn || b.Stage != "one" || !slices.Equal(b.Temp, []string{"/all", "/x", "/y"}) || b.Tags != nil || len(a.Tags) != 1 {
		t.Errorf("got %+v", b)
	}
	if base, _ := g.Lookup("base"); base.Temp != nil || !slices.Equal(a.Temp, []string{"/all"}) {
		t.Errorf("temp of base %q, of a1.2 %q", base.Temp, a.Temp)
	}
	if c.Images[1].Args["BASE"] != "base" {
		t.Error("the catalog was changed")
	}
}

func TestBadOverrides(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "it is not TARGET.KEY=VALUE\n  for example: --set 'java*.args.VERSION=21'",
		"a":                "it is not TARGET.KEY=VALUE\n  for example: --set 'java*.args.VERSION=21'",
		"a.args.x":         "it is not TARGET.KEY=VALUE\n  for example: --set 'java*.args.VERSION=21'",
		"a=b":              "it is not TARGET.KEY=VALUE\n  for example: --set 'java*.args.VERSION=21'",
		".squash=none":     "it is not TARGET.KEY=VALUE\n  for example: --set 'java*.args.VERSION=21'",
		"a.args.=b":        "args needs a name behind it\n  for example: --set 'a.args.NAME=VALUE'",
		"a.sqash=none":     "there is no key \"sqash\"\n  did you mean squash?",
		"a.whatever=none":  "there is no key \"whatever\"\n  the keys are: args.NAME, labels.NAME, target, squash, temp, tags, version",
		"a.squash=nothing": "squash is one of: own, all, none",
		"[.squash=all":     "the glob is broken",
	} {
		_, err := ParseOverride(text)
		var e *diag.Error
		if !errors.As(err, &e) || e.Code != diag.ExitUsage {
			t.Errorf("%q: got %v", text, err)
			continue
		}
		if got := strings.TrimPrefix(report(err), "cannot use --set \""+text+"\": "); got != want {
			t.Errorf("%q: got\n%s\nwant\n%s", text, got, want)
		}
	}
	c := load(t, map[string]string{"base": "FROM scratch", "p/image.yaml": "packages: [xy]"})
	_, err := Build(c, overrides(t, "bose.squash=none", "p.squash=none", "p.labels.a=b", "nothinglikeit.tags=x")...)
	want := "cannot use --set \"bose.squash=none\": no target is called bose\n  did you mean base?\n" +
		"cannot use --set \"nothinglikeit.tags=x\": no target is called nothinglikeit\n" +
		"cannot use --set \"p.squash=none\": p is made of packages and has no squash"
	if got := report(err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestExpandTags(t *testing.T) {
	g := build(t, flavoured(map[string]string{
		"a": "FROM scratch",
		"a/image.yaml": "matrix: {v: [3]}\nname: a{{.v}}\nversion: 1.{{.v}}\nflavours: [init+obs]\n" +
			"tags: ['{{.Version}}', '{{.Version}}-{{.Date}}.{{.BuildNumber}}', '{{.Commit}}{{.Flavour}}', latest, 'latest-{{.Name}}', '{{.Image}}-{{.v}}', latest-a3]\n",
		"b": "FROM scratch", "b/image.yaml": "tags: ['{{.Commit}}-{{.Version}}', 'x{{.Nope}}', '-a', 'v{{.BuildNumber}}', 'a{{with .Version}}-{{.}}{{end}}']",
	}))
	a, _ := g.Lookup("a3")
	data := TagData{Date: "20261122", Commit: "abc", BuildNumber: "7"}
	got, err := a.ExpandTags(data)
	if want := []string{"1.3", "1.3-20261122.7", "abc", "latest", "latest-a3", "a-3"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	flavour, _ := g.Lookup("a3-init-obs")
	if got, err := flavour.ExpandTags(data); err != nil || got[2] != "abcinit-obs" || got[4] != "latest-a3-init-obs" {
		t.Errorf("got %q, %v", got, err)
	}
	b, _ := g.Lookup("b")
	_, err = b.ExpandTags(TagData{})
	want := `b/image.yaml:1:7: cannot expand "x{{.Nope}}": map has no entry for key "Nope"
  it may use {{.BuildNumber}}, {{.Commit}}, {{.Date}}, {{.Flavour}}, {{.Image}}, {{.Name}}, {{.Version}}
b/image.yaml:1:7: cannot tag b: "-a" makes "-a", which is no tag
  tags have letters, digits, _, . and -, and begin with none of the last two
b/image.yaml:1:7: cannot tag b: "v{{.BuildNumber}}" has nothing to put in for {{.BuildNumber}}
  give it with --build-number
b/image.yaml:1:7: cannot tag b: "{{.Commit}}-{{.Version}}" has nothing to put in for {{.Commit}}, {{.Version}}
  commit the image's folder
  give the image a version: in image.yaml`
	if got := report(err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	tools, _ := g.Lookup("tools")
	if got, err := tools.ExpandTags(TagData{}); err != nil || !slices.Equal(got, []string{"latest"}) {
		t.Errorf("got %q, %v", got, err)
	}
}
