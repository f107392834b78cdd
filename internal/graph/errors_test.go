package graph

import (
	"testing"

	"github.com/plinth-build/plinth/internal/catalog"
)

func TestErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"missing parents, all at once": {
			map[string]string{
				"debian12": "FROM scratch",
				"a":        "FROM reg.example/base/debain12",
				"b":        "FROM scratch\nCOPY --from=local-image/whatever:1 / /\nRUN --mount=from=reg.example/base/x/y,target=/y true",
			},
			"a/Dockerfile:1: cannot find image reg.example/base/debain12: no target is called debain12\n  did you mean debian12?\n" +
				"b/Dockerfile:2: cannot find image local-image/whatever:1: no target is called whatever\n  plinth graph lists the targets\n" +
				"b/Dockerfile:3: cannot find image reg.example/base/x/y: no target is called x/y\n  plinth graph lists the targets",
		},
		"flavours are leaves": {
			flavoured(map[string]string{
				"a": "FROM scratch", "a/image.yaml": "flavours: [init]",
				"b":            "FROM a-init\nCOPY --from=reg.example/base/a-init / /",
				"p/image.yaml": "from: a-init\npackages: [xy]",
			}),
			"b/Dockerfile:1: cannot use a-init: it is the flavour init of a, and flavours are laid over finished images only\n  name a, and list init under flavours: of this image\n" +
				"b/Dockerfile:2: cannot use reg.example/base/a-init: it is the flavour init of a, and flavours are laid over finished images only\n  name a, and list init under flavours: of this image\n" +
				"p/image.yaml:1:7: cannot use a-init: it is the flavour init of a, and flavours are laid over finished images only\n  name a, and list init under flavours: of this image",
		},
		"flavour that stands on something else": {
			map[string]string{"flavours/x/Dockerfile": "ARG BASE\nFROM ${BASE} AS b\nFROM scratch\nCOPY --from=b / /", "a": "FROM scratch", "a/image.yaml": "flavours: [x]"},
			"flavours/x/Dockerfile:3: cannot lay the flavour over a: it does not stand on ${BASE}\n  begin the last stage with FROM ${BASE}, and put ARG BASE before the first FROM",
		},
		"names of flavours": {
			flavoured(map[string]string{"a": "FROM scratch", "a/image.yaml": "flavours: [init]", "a-init": "FROM scratch"}),
			"a-init/Dockerfile: cannot use the name \"a-init\" twice: a/image.yaml:1:12 has it too\n  flavours make names too: rename one, or set flavour-name: in plinth.yaml",
		},
		"flavour-name": {
			flavoured(map[string]string{catalog.ConfigFile: config + "flavour-name: '{{.Name}}/{{.Oops}}'", "a": "FROM scratch", "a/image.yaml": "flavours: [init]"}),
			"plinth.yaml:3:15: cannot expand \"{{.Name}}/{{.Oops}}\": map has no entry for key \"Oops\"\n  it may use {{.Flavour}}, {{.Image}}, {{.Name}}",
		},
		"name that a flavour makes": {
			flavoured(map[string]string{catalog.ConfigFile: config + "flavour-name: '{{.Name}}+{{.Flavour}}'", "a": "FROM scratch", "a/image.yaml": "flavours: [init]"}),
			"plinth.yaml:3:15: cannot use \"a+init\" as the name of an image\n  names have lower-case letters and digits, with single . or _, or - between them",
		},
		"missing parent of a trigger": {
			map[string]string{"p": "FROM scratch\nONBUILD COPY --from=local-image/gone / /", "c": "FROM p"},
			"c/Dockerfile:1: cannot find image local-image/gone: no target is called gone\n" +
				"  the ONBUILD in p/Dockerfile:2 asks for it\n  plinth graph lists the targets",
		},
		"bad trigger": {
			map[string]string{"p": "FROM scratch\nONBUILD NOPENOPE", "c": "FROM p", "d": "FROM p"},
			"p/Dockerfile:2: cannot parse ONBUILD: unknown instruction: NOPENOPE",
		},
		"names claimed twice": {
			map[string]string{"0100-a": "FROM scratch", "0200-a": "FROM scratch", "b": "FROM scratch", "b/image.yaml": "name: a"},
			"0200-a/Dockerfile: cannot use the name \"a\" twice: 0100-a/Dockerfile has it too\n" +
				"  rename one of the folders, set name: in 0200-a/image.yaml, or name the image folders under images: in plinth.yaml\n" +
				"b/image.yaml:1:7: cannot use the name \"a\" twice: 0100-a/Dockerfile has it too\n  change name: in one of them",
		},
		"name without an axis": {
			map[string]string{"a": "FROM scratch", "a/image.yaml": "matrix: {v: [1, 2]}\nname: a"},
			"a/image.yaml:2:7: cannot use the name \"a\" twice: a/image.yaml:2:7 has it too\n  put every axis of the matrix into name:, such as {{.v}}",
		},
		"bad names": {
			map[string]string{"NodeBase": "FROM scratch", "b": "FROM scratch", "b/image.yaml": "name: x/y", "c_-d": "FROM scratch"},
			"NodeBase/Dockerfile: cannot use \"NodeBase\" as the name of an image\n  names are lower case: set name: nodebase in NodeBase/image.yaml\n" +
				"b/image.yaml:1:7: cannot use \"x/y\" as the name of an image\n" +
				"  names have lower-case letters and digits, with single . or _, or - between them\n" +
				"c_-d/Dockerfile: cannot use \"c_-d\" as the name of an image\n" +
				"  names have lower-case letters and digits, with single . or _, or - between them",
		},
		"templates": {
			map[string]string{
				"a": "FROM scratch", "a/image.yaml": "name: 'a{{.deb}}'\nmatrix: {debian: [12]}\nargs: {X: '{{'}\nlabels: {L: '{{.no}}'}",
			},
			"a/image.yaml:1:7: cannot expand \"a{{.deb}}\": map has no entry for key \"deb\"\n  it may use {{.Image}}, {{.debian}}\n" +
				"a/image.yaml:3:11: cannot expand \"{{\": unclosed action\n  write {{\"{{\"}} for two braces that are meant as they are\n" +
				"a/image.yaml:4:13: cannot expand \"{{.no}}\": map has no entry for key \"no\"\n  it may use {{.Image}}, {{.debian}}",
		},
		"templates of the catalog": {
			map[string]string{catalog.ConfigFile: config + "args: {X: '{{.v}}'}", "a": "FROM scratch"},
			"plinth.yaml: cannot expand \"{{.v}}\": map has no entry for key \"v\"\n  it may use {{.Image}}",
		},
		"package templates": {
			map[string]string{"a/image.yaml": "matrix: {d: [11]}\nname: a\npackages: ['X{{.d}}']\ndebian: '{{.d}}'\nexclude: ['-{{.d}}']\n" +
				"files: [{path: /x, source: 'f{{.d}}'}, {path: /y, content: '{{.q}}'}]\nenv: {E: '{{.e}}'}\nfrom: '{{.f}}'"},
			"a/image.yaml:3:12: cannot use \"X11\" as the name of a package\n  names have lower-case letters, digits and + - . in them; plinth.lock holds the versions\n" +
				"a/image.yaml:4:9: cannot use Debian release \"11\"\n  plinth knows 12 and 13\n" +
				"a/image.yaml:5:11: cannot use \"-11\" as the name of a package\n  names have lower-case letters, digits and + - . in them; plinth.lock holds the versions\n" +
				"a/image.yaml:6:9: cannot read the source f11: no such file or directory\n  the path is relative to a\n" +
				"a/image.yaml:6:40: cannot expand \"{{.q}}\": map has no entry for key \"q\"\n  it may use {{.Image}}, {{.d}}\n" +
				"a/image.yaml:7:10: cannot expand \"{{.e}}\": map has no entry for key \"e\"\n  it may use {{.Image}}, {{.d}}\n" +
				"a/image.yaml:8:7: cannot expand \"{{.f}}\": map has no entry for key \"f\"\n  it may use {{.Image}}, {{.d}}",
		},
		"from": {
			map[string]string{
				"base12":       "FROM scratch",
				"a/image.yaml": "packages: []\nfrom: base21", "b/image.yaml": "packages: []\nfrom: B", "c/image.yaml": "packages: []\nfrom: c",
				"d/image.yaml": "packages: []\nfrom: reg.example/base/base12:1", "e/image.yaml": "packages: []\nfrom: debian:12", "f/image.yaml": "packages: []\nfrom: local-image/g",
			},
			"a/image.yaml:2:7: cannot find image base21: no target is called base21\n  did you mean base12?\n" +
				"b/image.yaml:2:7: cannot read image name \"B\": invalid reference format: repository name (library/B) must be lowercase\n" +
				"c/image.yaml:2:7: cannot add packages to c: it is the target itself\n" +
				"d/image.yaml:2:7: cannot add packages to reg.example/base/base12:1: it is a published release\n  leave out the tag to build on the target of this catalog\n" +
				"e/image.yaml:2:7: cannot find image debian:12: no target is called debian:12\n  plinth graph lists the targets\n" +
				"f/image.yaml:2:7: cannot find image local-image/g: no target is called g\n  did you mean a?",
		},
		"cycles": {
			map[string]string{
				"a": "FROM scratch AS x\nFROM b", "b": "FROM c", "c": "FROM scratch\nCOPY --from=a / /",
				"d": "FROM local-image/d", "e": "FROM f", "f": "FROM e\nCOPY --from=g / /", "g": "FROM f", "free": "FROM a",
			},
			"a/Dockerfile:2: cannot order images that need each other: a → b → c → a\n\ta needs b: a/Dockerfile:2\n\tb needs c: b/Dockerfile:1\n\tc needs a: c/Dockerfile:2\n" +
				"  take one of these references out\n" +
				"d/Dockerfile:1: cannot order images that need each other: d → d\n\td needs d: d/Dockerfile:1\n  take one of these references out\n" +
				"e/Dockerfile:1: cannot order images that need each other: e → f → e\n\te needs f: e/Dockerfile:1\n\tf needs e: f/Dockerfile:1\n  take one of these references out\n" +
				"f/Dockerfile:2: cannot order images that need each other: f → g → f\n\tf needs g: f/Dockerfile:2\n\tg needs f: g/Dockerfile:1\n  take one of these references out",
		},
		"a cycle begins at its first name": {
			map[string]string{"x1": "FROM a", "x1/image.yaml": "name: z", "x2": "FROM z", "x2/image.yaml": "name: a"},
			"x2/Dockerfile:1: cannot order images that need each other: a → z → a\n\ta needs z: x2/Dockerfile:1\n\tz needs a: x1/Dockerfile:1\n" +
				"  take one of these references out",
		},
		"ARG without a value": {
			map[string]string{"a": "ARG B\nFROM $B"},
			"a/Dockerfile:2: cannot resolve FROM $B: the name is empty\n" +
				"  ARG B has no value: give it a default (ARG B=…), or set it under args: in image.yaml",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := Build(load(t, tc.files))
			if got := report(err); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
			if g != nil {
				t.Error("gives a graph beside the error")
			}
		})
	}
}
