package dockerfile

import (
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/diag"
)

func TestParseKeepsStages(t *testing.T) {
	data := []byte("# escape=`\nARG V=1\nFROM --platform=$BUILDPLATFORM a:$V AS One\nRUN x\nFROM one\n")
	f, err := Parse("dir/Dockerfile", data)
	if err != nil {
		t.Fatal(err)
	}
	want := []Stage{
		{Name: "one", From: "a:$V", Platform: "$BUILDPLATFORM", Pos: diag.Position{File: "dir/Dockerfile", Line: 3}},
		{From: "one", Pos: diag.Position{File: "dir/Dockerfile", Line: 5}},
	}
	if !slices.Equal(f.Stages, want) {
		t.Errorf("got %v, want %v", f.Stages, want)
	}
	if f.Path != "dir/Dockerfile" || string(f.Data) != string(data) || f.Escape != '`' {
		t.Errorf("got %q, %q, %q", f.Path, f.Data, f.Escape)
	}
}

func TestParseErrors(t *testing.T) {
	for name, tc := range map[string]struct{ file, want string }{
		"empty":         {"", "D: cannot parse Dockerfile: file with no instructions"},
		"only comments": {"# a\n\n# b\n", "D:3: cannot parse Dockerfile: file with no instructions"},
		"no stage":      {"ARG A=1\n", "D:1: cannot parse Dockerfile: no stage to build\n  write a FROM that names the image to start with"},
		"suggestion": {
			"FROM a\nCOPPY x y\n",
			"D:2: cannot parse Dockerfile: unknown instruction: COPPY\n  did you mean COPY?",
		},
		"every bad instruction": {
			"FROM a\nBOGUSINSTRUCTION\nCOPY x\nRUN --mount=type=bnd,target=/x true\nEXPOSE\nFROM b c\nRUN --mount=from=$X,target=/y true",
			"D:2: cannot parse Dockerfile: unknown instruction: BOGUSINSTRUCTION\n" +
				"D:3: cannot parse Dockerfile: COPY requires at least two arguments, but only one was provided. Destination could not be determined\n" +
				"D:5: cannot parse Dockerfile: EXPOSE requires at least one argument\n" +
				"D:6: cannot parse Dockerfile: FROM requires either one or three arguments\n" +
				"D:7: cannot parse Dockerfile: 'from' doesn't support variable expansion, define alias stage instead",
		},
		"before FROM": {
			"ARG A\nRUN x\nFROM a\n",
			"D:2: cannot parse Dockerfile: RUN stands before the first FROM\n" +
				"  only ARG may come before the first FROM: move the line below it",
		},
		"a broken FROM opens a stage": {
			"FROM a b\nRUN x\n", "D:1: cannot parse Dockerfile: FROM requires either one or three arguments",
		},
		"stage name": {
			"FROM a AS 1x", "D:1: cannot parse Dockerfile: invalid name for build stage: \"1x\", name can't start with a number or contain symbols",
		},
		"heredoc": {"FROM a\nRUN <<EOF\nx\n", "D:2: cannot parse Dockerfile: unterminated heredoc"},
		"escape": {
			"# syntax=docker/dockerfile:1\n# escape=x\nFROM a",
			"D:2: cannot parse Dockerfile: invalid escape token \"x\"\n  write # escape=` or # escape=\\",
		},
		"directive twice": {
			"\xEF\xBB\xBF# escape=`\r\n# escape=`\r\nFROM a",
			"D:2: cannot parse Dockerfile: only one escape parser directive can be used\n  remove one of the two lines",
		},
		"unknown flag":      {"FROM a\nCOPY --form=b / /", "D:2: cannot parse Dockerfile: unknown flag: --form\n  did you mean from?"},
		"ADD has no --from": {"FROM a\nADD --from=b / /", "D:2: cannot parse Dockerfile: unknown flag: --from"},
		"continued":         {"FROM a\nRUN a \\\n  b\nNOPENOPE \\\n x\n", "D:4: cannot parse Dockerfile: unknown instruction: NOPENOPE"},
		"long line": {
			"FROM a\nRUN b\nRUN " + strings.Repeat("x", 70000) + "\n",
			"D:3: cannot parse Dockerfile: dockerfile line greater than max allowed size of 65535",
		},
		"front end and syntax": {
			"# syntax=docker/dockerfile:2\nFROM a\nNOPENOPE",
			"D:1: cannot build with front end docker/dockerfile:2: it is another major version than 1.27\n" +
				"  plinth reads Dockerfiles itself, as docker/dockerfile:1.27 does: write `# syntax=docker/dockerfile:1` or remove the line\n" +
				"D:3: cannot parse Dockerfile: unknown instruction: NOPENOPE",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse("D", []byte(tc.file))
			if got := report(err); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
			if f != nil {
				t.Error("gives a file beside the error")
			}
		})
	}
}

func TestSyntaxLine(t *testing.T) {
	if got := FrontendVersion(); got != "1.27" {
		t.Fatalf("BuildKit's front end is %s: check what is new in it, then this test", got)
	}
	digest := "@sha256:" + strings.Repeat("ab", 32)
	for line, why := range map[string]string{
		"# syntax=docker/dockerfile:1":                   "",
		"# syntax = docker/dockerfile:1.0":               "",
		"#syntax=docker/dockerfile:1.7.1":                "",
		"# syntax=docker/dockerfile:1.27":                "",
		"# syntax=docker/dockerfile:1.27.9":              "",
		"# syntax=docker.io/docker/dockerfile:1":         "",
		"# SYNTAX=docker/dockerfile:1 some words":        "",
		"# syntax=docker/dockerfile:1" + digest:          "",
		"# syntax=docker/dockerfile:1.4" + digest:        "",
		"# comment\n# syntax=foreign/x":                  "", // no directive after a comment
		"# check=skip=all\n# syntax=docker/dockerfile:1": "",

		"# syntax=docker/dockerfile":                  "it does not say which version it needs",
		"# syntax=docker/dockerfile" + digest:         "it does not say which version it needs",
		"# syntax=docker/dockerfile:latest":           "its tag is not a version",
		"# syntax=docker/dockerfile:1-labs":           "it asks for experimental instructions",
		"# syntax=docker/dockerfile:1.3-labs":         "it asks for experimental instructions",
		"# syntax=docker/dockerfile:labs":             "it asks for experimental instructions",
		"# syntax=docker/dockerfile:1.28":             "it is newer than 1.27",
		"# syntax=docker/dockerfile:1.28.0":           "it is newer than 1.27",
		"# syntax=docker/dockerfile:2":                "it is another major version than 1.27",
		"# syntax=docker/dockerfile:0.9":              "it is another major version than 1.27",
		"# syntax=docker/dockerfile:1.2.3.4":          "its tag is not a version",
		"# syntax=docker/dockerfile:1.x":              "its tag is not a version",
		"# syntax=docker/dockerfile-upstream:1":       "it is not docker/dockerfile",
		"# syntax=mirror.example/docker/dockerfile:1": "it is not docker/dockerfile",
		"# syntax=docker/X":                           "invalid reference format: repository name (docker/X) must be lowercase",
		"// syntax=foreign/x:1":                       "it is not docker/dockerfile",
	} {
		_, err := Parse("D", []byte(line+"\nFROM a\n"))
		errs := diag.Flatten(err)
		if why == "" {
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
			continue
		}
		_, name, _ := strings.Cut(line, "=")
		want := "cannot build with front end " + name + ": " + why
		if len(errs) == 0 || errs[0].Msg != want || errs[0].Pos != (diag.Position{File: "D", Line: 1}) || len(errs[0].Hints) != 1 {
			t.Errorf("%s: got %v, want %s at D:1", line, err, want)
		}
	}
	_, err := Parse("D", []byte("\xEF\xBB\xBF# escape=`\r\n# syntax=foreign/x\r\nFROM a"))
	if got, want := diag.Flatten(err)[0].Error(), "D:2: cannot build with front end foreign/x: it is not docker/dockerfile"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, file := range []string{`{"syntax": "foreign/x:1"}`, "\n {\n\"syntax\": \"foreign/x:1\"}", "#!/bin/sh\n// syntax=foreign/x:1"} {
		_, err = Parse("D", []byte(file))
		want := "cannot build with front end foreign/x:1: it is not docker/dockerfile"
		if errs := diag.Flatten(err); len(errs) == 0 || errs[0].Msg != want || errs[0].Pos.Line == 0 {
			t.Errorf("%s: got %v, want %s", file, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"FROM a", "# syntax=docker/dockerfile:1\nFROM a AS b\nFROM b\nCOPY --from=b / /", "# check=skip=all\nFROM a",
		"ARG A=${B:-c}\nFROM ${A%%x}\nONBUILD COPY --from=0 / /\nFROM 0", "FROM a\nRUN <<EOF\nx\nEOF",
		"FROM a AS x\nONBUILD RUN --mount=from=y,target=/z <<A\nA\nFROM x", "FROM --platform=$BUILDPLATFORM a",
		"# escape=`\nFROM a`\nb", "FROM a\nHEALTHCHECK NONE\nEXPOSE 1-2\nCMD [\"a\"]", "FROM a\n# check=error=true\nRUN [\"x\"",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("D", data)
		if err != nil {
			for _, e := range diag.Flatten(err) {
				if e.Pos.File != "D" || e.Msg == "" {
					t.Errorf("no place or no words in %+v", e)
				}
			}
			return
		}
		if len(file.Stages) == 0 {
			t.Error("a file without stages")
		}
		refs, err := file.ReferencesWith(Options{Platform: amd64, Onbuild: func(string) []Trigger {
			return []Trigger{{From: "0", Kind: Copy}, {From: "x", Kind: Mount}}
		}})
		if err != nil && refs != nil {
			t.Error("references beside an error")
		}
		for _, r := range refs {
			if r.Text == "" || r.Pos.Line == 0 || r.Stage >= len(file.Stages) {
				t.Errorf("bad reference %+v", r)
			}
		}
	})
}
