package dockerfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/ociref"
)

var amd64 = ociref.Platform{OS: "linux", Arch: "amd64"}

// lines prints references one a line: kind, text, line, stage, and what else is set.
func lines(refs []Reference) string {
	var out []string
	for _, r := range refs {
		s := fmt.Sprintf("%s %s %s stage %d", r.Kind, r.Text, r.Pos, r.Stage)
		if r.Platform != "" {
			s += " " + r.Platform
		}
		if r.Base {
			s += " base"
		}
		if r.Trigger.File != "" {
			s += " by " + r.Trigger.String()
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

func TestReferences(t *testing.T) {
	for name, tc := range map[string]struct {
		file   string
		args   map[string]string
		target string
		arm    bool
		want   string
	}{
		"one": {file: "FROM debian:12", want: "from debian:12 D:1 stage 0 base"},
		"default of an ARG": {
			file: "ARG V=12\nFROM debian:$V",
			want: "from debian:12 D:2 stage 0 base",
		},
		"build argument goes before the default": {
			file: "ARG V=12\nFROM debian:${V}",
			args: map[string]string{"V": "13"},
			want: "from debian:13 D:2 stage 0 base",
		},
		"ARG without a default": {
			file: "ARG REG\nFROM $REG/x",
			args: map[string]string{"REG": "r.example"},
			want: "from r.example/x D:2 stage 0 base",
		},
		"build argument without an ARG is not seen": {
			file: "FROM debian${V:-12}",
			args: map[string]string{"V": "13"},
			want: "from debian12 D:1 stage 0 base",
		},
		"ARG of an ARG, and several in one line": {
			file: "ARG A=a B=${A}b\nARG C=${B}c\nFROM $C",
			want: "from abc D:3 stage 0 base",
		},
		"ARG given again without a value keeps it": {
			file: "ARG A=a\nARG A\nFROM $A",
			want: "from a D:3 stage 0 base",
		},
		"the forms of the lexer": {
			file: "ARG A=x:1\nARG E=\nFROM ${E:-dflt} AS a\nFROM ${A:+alt} AS b\nFROM ${A%:*} AS c\nFROM ${A/x/y} AS d\n" +
				"FROM scratch\nCOPY --from=a / /\nCOPY --from=b / /\nCOPY --from=c / /\nCOPY --from=d / /",
			want: "from dflt D:3 stage 0\nfrom alt D:4 stage 1\nfrom x D:5 stage 2\nfrom y:1 D:6 stage 3",
		},
		"ARG of a stage is not seen by FROM": {
			file: "FROM a\nARG V=1\nFROM b:${V:-none}",
			want: "from b:none D:3 stage 1 base",
		},
		"platform arguments": {
			file: "FROM --platform=$BUILDPLATFORM t-$TARGETARCH-$TARGETOS-$TARGETVARIANT-$TARGETSTAGE AS st\nFROM b-$BUILDARCH AS last\nCOPY --from=st / /",
			args: map[string]string{"BUILDPLATFORM": "linux/riscv64", "BUILDARCH": "riscv64"},
			arm:  true,
			want: "from t-arm-linux-v7-last D:1 stage 0 linux/riscv64\nfrom b-riscv64 D:2 stage 1 base",
		},
		"target platform as a whole": {
			file: "FROM --platform=$TARGETPLATFORM a",
			arm:  true,
			want: "from a D:1 stage 0 linux/arm/v7 base",
		},
		"name of the last stage without a name": {
			file: "FROM a-$TARGETSTAGE", want: "from a-default D:1 stage 0 base",
		},
		"name of the given stage": {
			file: "FROM a-$TARGETSTAGE AS x\nFROM b", target: "x", want: "from a-x D:1 stage 0 base",
		},
		"platform is made normal": {
			file: "FROM --platform=linux/aarch64 a", want: "from a D:1 stage 0 linux/arm64 base",
		},
		"stages are no references": {
			file: "FROM a AS one\nFROM one AS two\nFROM two",
			want: "from a D:1 stage 0 base",
		},
		"names of stages are in lower case, and FROM compares as it is": {
			file: "FROM a AS One\nFROM one\nCOPY --from=ONE / /",
			want: "from a D:1 stage 0 base",
		},
		"a stage hides an image of its name from the next line on": {
			file: "FROM debian AS debian\nFROM debian\nCOPY --from=debian / /",
			want: "from debian D:1 stage 0 base",
		},
		"of two stages with one name the last one counts": {
			file: "FROM a AS x\nFROM b AS x\nFROM x",
			want: "from b D:2 stage 1 base",
		},
		"FROM takes no numbers": {
			file: "FROM a\nFROM 0",
			want: "from 0 D:2 stage 1 base",
		},
		"COPY takes numbers": {
			file: "FROM a\nFROM b\nFROM scratch\nCOPY --from=1 / /",
			want: "from b D:2 stage 1",
		},
		"mounts take no numbers": {
			file: "FROM a\nFROM b\nRUN --mount=from=0,target=/x true",
			want: "from b D:2 stage 1 base\nmount 0 D:3 stage 1",
		},
		"unreached stages do not count": {
			file: "FROM a AS x\nCOPY --from=unused / /\nFROM b",
			want: "from b D:3 stage 1 base",
		},
		"target in the middle": {
			file:   "FROM a AS x\nFROM x AS mid\nCOPY --from=c / /\nFROM mid\nCOPY --from=d / /",
			target: "MID",
			want:   "from a D:1 stage 0 base\ncopy c D:3 stage 1",
		},
		"stages reached through copies of copies": {
			file: "FROM a AS x\nFROM b AS y\nCOPY --from=x / /\nFROM c\nRUN --mount=type=cache,target=/c --mount=from=y,target=/m true",
			want: "from a D:1 stage 0\nfrom b D:2 stage 1\nfrom c D:4 stage 2 base",
		},
		"mounts": {
			file: "FROM a\nRUN --mount=type=bind,from=b:1,source=/x,target=/x \\\n  --mount=type=cache,FROM=c,target=/y true",
			want: "from a D:1 stage 0 base\nmount b:1 D:2 stage 0\nmount c D:2 stage 0",
		},
		"other mounts need nothing": {
			file: "FROM a\nRUN --mount=type=tmpfs,target=/t --mount=type=secret,id=s --mount=type=ssh --mount=target=/ctx true",
			want: "from a D:1 stage 0 base",
		},
		"scratch": {
			file: "FROM scratch\nCOPY --from=scratch / /\nRUN --mount=from=scratch,target=/x true",
			want: "",
		},
		"the same image twice": {
			file: "FROM a\nCOPY --from=b /1 /\nCOPY --from=b /2 /",
			want: "from a D:1 stage 0 base\ncopy b D:2 stage 0\ncopy b D:3 stage 0",
		},
		"ONBUILD is not of this image": {
			file: "FROM a\nONBUILD COPY --from=b / /",
			want: "from a D:1 stage 0 base",
		},
		"ONBUILD goes off in a later stage": {
			file: "FROM a AS x\nONBUILD COPY --from=b / /\nONBUILD RUN --mount=from=y,target=/m true\nFROM c AS y\nFROM x",
			want: "from a D:1 stage 0 base\nfrom c D:4 stage 1\nonbuild b D:5 stage 2 by D:2",
		},
		"ONBUILD does not go off twice": {
			file: "FROM a AS x\nONBUILD COPY --from=b / /\nFROM x AS y\nFROM y",
			want: "from a D:1 stage 0 base\nonbuild b D:3 stage 1 by D:2",
		},
		"byte order mark, CRLF, and lines that go on": {
			file: "\xEF\xBB\xBF# escape=`\r\nARG V=1\r\nFROM `\r\n  debian:$V\r\nCOPY --from=b `\r\n  / /\r\n",
			want: "from debian:1 D:3 stage 0 base\ncopy b D:5 stage 0",
		},
		"heredocs keep the lines": {
			file: "FROM a\nRUN <<EOF\nFROM x\nCOPY --from=y / /\nEOF\nCOPY <<one <<two /x\nFROM 1\none\nFROM 2\ntwo\nCOPY --from=b / /",
			want: "from a D:1 stage 0 base\ncopy b D:11 stage 0",
		},
		"JSON form of COPY": {
			file: "FROM a\n# FROM z\nCOPY --from=b [\"/x y\", \"/z\"]",
			want: "from a D:1 stage 0 base\ncopy b D:3 stage 0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse("D", []byte(tc.file))
			if err != nil {
				t.Fatal(err)
			}
			platform := amd64
			if tc.arm {
				platform = ociref.Platform{OS: "linux", Arch: "arm", Variant: "v7"}
			}
			refs, err := f.References(tc.args, tc.target, platform)
			if err != nil {
				t.Fatal(err)
			}
			if got := lines(refs); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
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

func TestReferenceErrors(t *testing.T) {
	for name, tc := range map[string]struct{ file, target, want string }{
		"ARG without a value": {
			file: "ARG BASE\nFROM $BASE",
			want: "D:2: cannot resolve FROM $BASE: the name is empty\n" +
				"  ARG BASE has no value: give it a default (ARG BASE=…), or set it under args: in image.yaml",
		},
		"no ARG": {
			file: "FROM ${BASE}",
			want: "D:1: cannot resolve FROM ${BASE}: the name is empty\n" +
				"  declare ARG BASE=… before the first FROM: FROM sees no other ARG",
		},
		"part of a name": {
			file: "ARG V\nFROM r/$N:$V",
			want: "D:2: cannot resolve FROM r/$N:$V: \"r/:\": invalid reference format\n" +
				"  declare ARG N=… before the first FROM: FROM sees no other ARG\n" +
				"  ARG V has no value: give it a default (ARG V=…), or set it under args: in image.yaml",
		},
		"empty default": {
			file: "ARG B=\nFROM $B",
			want: "D:2: cannot resolve FROM $B: the name is empty",
		},
		"bad names, in all stages at once": {
			file: "FROM Debian\nFROM a\nCOPY --from=B / /",
			want: "D:1: cannot read image name \"Debian\": invalid reference format: repository name (library/Debian) must be lowercase\n" +
				"D:3: cannot read image name \"B\": invalid reference format: repository name (library/B) must be lowercase",
		},
		"lexer": {
			file: "FROM ${A:?no-A}",
			want: "D:1: cannot resolve FROM ${A:?no-A}: A: no-A",
		},
		"broken ARG alone": {
			file: "ARG A=${X:i}\nFROM b:$A",
			want: "D:1: cannot resolve ARG A: unsupported modifier (:i) in substitution",
		},
		"variable in --from": {
			file: "ARG A=x\nFROM b\nCOPY --from=$A / /",
			want: "D:3: cannot resolve COPY --from=$A: variables are not expanded there\n" +
				"  name the image in a stage of its own (FROM $A AS source) and copy from that stage",
		},
		"stage number": {
			file: "FROM b\nFROM c\nCOPY --from=2 / /\nCOPY --from=-1 / /",
			want: "D:3: cannot copy from stage 2: there are 2, counted from 0\nD:4: cannot copy from stage -1: there are 2, counted from 0",
		},
		"later stage": {
			file: "FROM a\nCOPY --from=x / /\nFROM b AS x",
			want: "D:2: cannot take files from stage \"x\": it is not built before this line\n  move the stage above the one that uses it",
		},
		"own stage": {
			file: "FROM a AS x\nRUN --mount=from=X,target=/x true",
			want: "D:2: cannot take files from stage \"X\": it is not built before this line\n  move the stage above the one that uses it",
		},
		"platform": {
			file: "FROM --platform=$P a\nFROM --platform=a/b/c/d b\nFROM --platform=${A:i} c",
			want: "D:1: cannot resolve --platform=$P: it is empty\n" +
				"  declare ARG P=… before the first FROM: FROM sees no other ARG\n" +
				"D:2: cannot resolve --platform=a/b/c/d: \"a/b/c/d\": cannot parse platform specifier: invalid argument\n" +
				"D:3: cannot resolve --platform=${A:i}: unsupported modifier (:i) in substitution",
		},
		"target with a near name": {
			file: "FROM a AS builder\nFROM b AS final", target: "bulider",
			want: "D: cannot find stage \"bulider\"\n  did you mean builder?",
		},
		"target with other names": {
			file: "FROM a AS builder\nFROM b AS final", target: "zzz",
			want: "D: cannot find stage \"zzz\"\n  the stages are: builder, final",
		},
		"target without names": {
			file: "FROM a", target: "zzz",
			want: "D: cannot find stage \"zzz\"\n  no stage has a name: write FROM … AS zzz",
		},
		"bad trigger in a stage": {
			file: "FROM a AS x\nONBUILD RUM x\nFROM x",
			want: "D:2: cannot parse ONBUILD: unknown instruction: RUM\n  did you mean RUN?",
		},
		"trigger with a bad name": {
			file: "FROM a AS x\nONBUILD COPY --from=B / /\nFROM x",
			want: "D:3: cannot read image name \"B\": invalid reference format: repository name (library/B) must be lowercase",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse("D", []byte(tc.file))
			if err != nil {
				t.Fatal(err)
			}
			refs, err := f.References(nil, tc.target, amd64)
			if got := report(err); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
			if refs != nil {
				t.Errorf("gives %v beside the error", refs)
			}
		})
	}
}

func TestTriggersOfParents(t *testing.T) {
	parent, err := Parse("P", []byte("FROM a AS early\nONBUILD COPY --from=lost / /\nFROM early\n"+
		"ONBUILD RUN echo\nONBUILD COPY --from=tools /t /t\nONBUILD RUN --mount=from=0,target=/m true\nONBUILD COPY --from=0 / /"))
	if err != nil {
		t.Fatal(err)
	}
	triggers, err := parent.Triggers("")
	if err != nil {
		t.Fatal(err)
	}
	want := []Trigger{
		{"tools", Copy, diag.Position{File: "P", Line: 5}},
		{"0", Mount, diag.Position{File: "P", Line: 6}},
		{"0", Copy, diag.Position{File: "P", Line: 7}},
	}
	if !slices.Equal(triggers, want) {
		t.Errorf("got %v, want %v", triggers, want)
	}
	if early, err := parent.Triggers("early"); err != nil || len(early) != 1 || early[0].From != "lost" {
		t.Errorf("stage early: %v, %v", early, err)
	}
	if _, err := parent.Triggers("none"); report(err) != "P: cannot find stage \"none\"\n  the stages are: early" {
		t.Errorf("stage none: %s", report(err))
	}

	child, err := Parse("C", []byte("FROM b AS tools\nFROM z AS unused\nARG X\nFROM parent:1"))
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	refs, err := child.ReferencesWith(Options{Platform: amd64, Onbuild: func(from string) []Trigger {
		asked = append(asked, from)
		if from == "parent:1" {
			return triggers
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	// the stage named tools hides the image; number 0 is the same stage, and as a mount an image
	if got, want := lines(refs), "from b C:1 stage 0\nfrom parent:1 C:4 stage 2 base\nonbuild 0 C:4 stage 2 by P:6"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	slices.Sort(asked)
	if !slices.Equal(asked, []string{"b", "parent:1"}) {
		t.Errorf("asked for the triggers of %v", asked)
	}
}

func TestReferencesLeaveTheFileAlone(t *testing.T) {
	f, err := Parse("D", []byte("ARG V=1\nFROM a:$V AS x\nONBUILD COPY --from=c / /\nFROM x\nCOPY --from=b / /"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := f.References(nil, "", amd64)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.References(map[string]string{"V": "2"}, "", amd64); err != nil {
		t.Fatal(err)
	}
	again, err := f.References(nil, "", amd64)
	if err != nil || lines(first) != lines(again) {
		t.Errorf("first\n%s\nthen\n%s", lines(first), lines(again))
	}
}

func TestHostPlatformIsTheDefault(t *testing.T) {
	f, err := Parse("D", []byte("FROM a-$TARGETARCH AS x"))
	if err != nil {
		t.Fatal(err)
	}
	refs, err := f.References(nil, "", ociref.Platform{})
	if err != nil || len(refs) != 1 || refs[0].Text != "a-"+ociref.Host().Arch {
		t.Errorf("got %v, %v", refs, err)
	}
}
