package lint

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/plinth-build/plinth/internal/shellscript"
)

// stages describes the stages: name or number, what it stands on, F for the final and R for those it needs.
func stages(d *Doc) string {
	var out []string
	for _, s := range d.Stages {
		text := s.Name
		if text == "" {
			text = fmt.Sprint(s.Index)
		}
		if s.Parent != nil {
			text += " on " + fmt.Sprint(s.Parent.Index)
		} else {
			text += " from " + s.Resolved
		}
		if s.Reached {
			text += " R"
		}
		if s.Final {
			text += "F"
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

func TestStages(t *testing.T) {
	for _, c := range []struct {
		text, want string
		image      *Context
	}{
		{"", "", nil},
		{"FROM a", "0 from a RF", nil},
		{"RUN a", "0 from  RF", nil},
		{"ARG V=1\nFROM a:$V AS x\nFROM x", "x from a:1 R; 1 on 0 RF", nil},
		{"ARG V=1\nFROM a:$V", "0 from a:2 RF", &Context{Args: map[string]string{"V": "2"}}},
		{"FROM a:$V", "0 from a:$V RF", nil},
		{"ARG B=x\nFROM a AS x\nFROM $B", "x from a R; 1 on 0 RF", nil},
		{"FROM a AS x\nFROM b AS y\nFROM c", "x from a; y from b; 2 from c RF", nil},
		{"FROM a AS x\nFROM b AS y\nFROM c", "x from a RF; y from b; 2 from c", &Context{Final: "X"}},
		{"FROM a AS x\nFROM b", "x from a; 1 from b RF", &Context{Final: "no"}},
		{"FROM a AS x\nFROM b AS y\nFROM c\nCOPY --from=y /a /b", "x from a; y from b R; 2 from c RF", nil},
		{"FROM a AS x\nFROM b AS y\nFROM c\nCOPY --from=0 /a /b", "x from a R; y from b; 2 from c RF", nil},
		{"FROM a AS x\nFROM b AS y\nFROM c\nRUN --mount=type=bind,FROM=X,target=/m z", "x from a R; y from b; 2 from c RF", nil},
		{"FROM a AS x\nFROM x AS y\nFROM c\nONBUILD COPY --from=y /a /b", "x from a R; y on 0 R; 2 from c RF", nil},
		{"FROM a AS x\nFROM a AS x\nFROM x", "x from a; x from a R; 2 on 1 RF", nil},
		{"FROM x AS x", "x from x RF", nil},
		{"FROM a\nCOPY --from=0 /a /b\nCOPY --from=7 /a /b\nCOPY --from=img /a /b", "0 from a RF", nil},
		{"FROM --platform=linux/arm64 a as x", "x from a RF", nil},
		{"FROM", "0 from  RF", nil},
		{"FROM \"a\" AS x", "x from a RF", nil},
	} {
		if got := stages(parse(c.text, c.image)); got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestStageParts(t *testing.T) {
	d := parse("ARG A\n# c\nARG B=1\nFROM --platform=$P a@sha256:0 AS Name\nRUN x\nUSER y\nONBUILD RUN z\n", nil)
	s := d.Stages[0]
	if len(d.Meta) != 2 || s.Platform != "$P" || s.Image != "a@sha256:0" || s.Name != "Name" || len(s.Instructions) != 3 {
		t.Errorf("%d ARGs, %q, %q, %q, %d instructions", len(d.Meta), s.Platform, s.Image, s.Name, len(s.Instructions))
	}
	if line, column := d.File.Position(s.NameText.Offset(0)); line != 4 || column != 34 {
		t.Errorf("the name is at %d:%d", line, column)
	}
	if got := len(s.Find("RUN")); got != 1 {
		t.Errorf("%d RUN", got)
	}
	if got := len(s.Runs()); got != 2 {
		t.Errorf("%d RUN with that under ONBUILD", got)
	}
	if got := len(s.Find("RUN", "USER")); got != 2 {
		t.Errorf("%d RUN and USER", got)
	}
	if d.instructionAt(0) != d.Meta[0] || d.instructionAt(s.Instructions[2].End) != s.Instructions[2] || d.instructionAt(len(d.File.Data)) != nil {
		t.Error("instructions are elsewhere")
	}
}

func TestSources(t *testing.T) {
	d := parse("FROM a\nCOPY --from=x a b\nADD a b\nRUN --mount=type=cache,target=/c --mount=from=y,target=/m --mount=type=bind,source=/q,from=\"z\" c\nONBUILD COPY --from=w a b\nCOPY a b", nil)
	var got []string
	for _, in := range d.Stages[0].Instructions {
		for _, s := range Sources(in) {
			got = append(got, s.Value+" "+s.Text.S)
		}
	}
	want := `x --from=x; y --mount=from=y,target=/m; z --mount=type=bind,source=/q,from="z"; w --from=w`
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
}

func TestMounts(t *testing.T) {
	r := parse("FROM a\nRUN --mount=type=cache,target=/var/cache/ --mount=dst=/b --mount=TYPE=Secret,id=s,destination=/run/s --network=none x", nil).Stages[0].Runs()[0]
	var got []string
	for _, f := range r.Mounts() {
		got = append(got, MountType(f)+" "+MountTarget(f))
	}
	if s := strings.Join(got, "; "); s != "cache /var/cache/; bind /b; secret /run/s" {
		t.Error(s)
	}
	for _, c := range []struct {
		path, kind string
		want       bool
	}{
		{"/var/cache", "cache", true}, {"/var/cache/apt", "cache", true}, {"/var/cached", "cache", false}, {"/var", "cache", false},
		{"/b/c", "bind", true}, {"/b", "cache", false}, {"/run/s", "secret", true},
	} {
		if got := r.Mounted(c.path, c.kind); got != c.want {
			t.Errorf("%s as %s: %v", c.path, c.kind, got)
		}
	}
	if !r.Mounted("/b", "cache", "bind") {
		t.Error("the second type is not looked at")
	}
}

// commands are the names and arguments of all commands of the first RUN.
func commands(d *Doc) string {
	var out []string
	for _, c := range d.Stages[0].Runs()[0].Commands() {
		var words []string
		for _, w := range c.Words {
			words = append(words, w.S)
		}
		out = append(out, strings.Join(words, " "))
	}
	return strings.Join(out, "; ")
}

func TestRuns(t *testing.T) {
	for _, c := range []struct{ run, want string }{
		{"RUN a b && c", "a b; c"},
		{"RUN [\"a\", \"b c\"]", "a b c"},
		{"RUN [\"/bin/sh\", \"-c\", \"a && b\"]", "a; b"},
		{"RUN <<EOF\na\nb c\nEOF", "a; b c"},
		{"RUN <<-EOF\n\ta\n\tEOF", "a"},
		{"RUN <<EOF\n#!/bin/bash\na\nEOF", "a"},
		{"RUN <<EOF\n#!/usr/bin/env python3\nimport a\nEOF", ""},
		{"RUN cat <<EOF > /x && b\na\nEOF", "cat; b"},
		{"RUN bash <<EOF\na\nEOF", "bash; a"},
		{"RUN bash <<EOF && b\na\nEOF", "bash; b; a"},
		{"RUN bash -e <<EOF\na\nEOF", "bash -e; a"},
		{"RUN python3 <<EOF\na\nEOF", "python3"},
		{"RUN a && cat <<EOF | b c\nx\nEOF", "a; cat; b c"},
		{"RUN cat <<A > /a && cat <<B > /b && c\nx\nA\ny\nB", "cat; cat; c"},
		{"RUN 3<<A cat <<B /dev/fd/3 &&\\\n c\nx\nA\ny\nB", "cat /dev/fd/3; c"},
		{"RUN if a; then cat <<A > /x; fi\nb $(c)\nA", "a; cat; c"},
		{"RUN cat <<'A' > /x; d\nb $(c)\nA", "cat; d"},
		{"RUN --mount=type=cache,target=/a a", "a"},
		{"ONBUILD RUN a", "a"},
		{"SHELL [\"powershell\"]\nRUN a | b", ""},
		{"SHELL [\"/bin/bash\", \"-c\"]\nRUN a | b", "a; b"},
		{"# hadolint shell=powershell\nRUN a | b", ""},
		{"# hadolint shell = cmd.exe # it is Windows\nRUN a | b", ""},
		{"# hadolint shell=bash\nRUN a | b", "a; b"},
		{"# hadolintshell=powershell\nRUN a", "a"},
		{"# hadolint shells=powershell\nRUN a", "a"},
	} {
		if got := commands(parse("FROM x\n"+c.run, nil)); got != c.want {
			t.Errorf("%q: %s, want %s", c.run, got, c.want)
		}
	}
}

func TestRunPlaces(t *testing.T) {
	for text, want := range map[string]string{
		"FROM x\nRUN a && \\\n  # c\n  needle":                     "4:3",
		"FROM x\nRUN <<EOF\na\n needle\nEOF":                       "4:2",
		"FROM x\nRUN cat <<EOF > /x && \\\n needle\na\nEOF":        "3:2",
		"FROM x\nRUN [\"a\", \\\n \"needle\"]":                     "3:3",
		"FROM x\nRUN [\"sh\", \"-c\", \"needle a\"]":               "2:19",
		"FROM x\nRUN cat <<A > /a && cat <<B | needle\nA\nB\n":     "2:31",
		"FROM x\nRUN cat <<A <<B\na\nA\n$(needle)\nB\n":            "5:3",
		"FROM x\nRUN cat <<-A \\\n | b\n\ta\n\t$(needle)\n\tA\n":   "5:4",
		"FROM x\nRUN a && \\\n needle <<A \\\n | b\n\ta\nA\n":      "3:2",
		"FROM x\nONBUILD RUN a; b $(needle)":                       "2:20",
		"FROM x\nRUN if a; then\\\n b; else needle c; fi # needle": "3:10",
	} {
		d, got := parse(text, nil), ""
		d.Stages[0].Commands(func(_ *Run, c *shellscript.Command) {
			for _, w := range c.Words {
				if w.S == "needle" {
					line, column := d.File.Position(w.Text.Offset(0))
					got = fmt.Sprintf("%d:%d", line, column)
				}
			}
		})
		if got != want {
			t.Errorf("%q: at %s, want %s", text, got, want)
		}
	}
}

func TestOnce(t *testing.T) {
	type key struct{ name string }
	d := parse("FROM a", nil)
	var calls atomic.Int32
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if v := d.Once(key{"a"}, func() any { calls.Add(1); return "x" }); v != "x" {
				t.Errorf("got %v", v)
			}
		})
	}
	group.Wait()
	if calls.Load() != 1 {
		t.Errorf("made %d times", calls.Load())
	}
	if v := d.Once(key{"b"}, func() any { return "y" }); v != "y" {
		t.Errorf("another key gives %v", v)
	}
}

func TestForget(t *testing.T) {
	d := parsed("Dockerfile", "FROM a\nRUN b\n")
	type key struct{}
	made := 0
	once := func() any { return d.Once(key{}, func() any { made++; return made }) }
	runs := d.Stages[0].Runs()
	first, second := once(), once()
	if first != 1 || second != 1 || &d.Stages[0].Runs()[0] != &runs[0] {
		t.Error("it is not kept")
	}
	d.Forget()
	if once() != 2 || &d.Stages[0].Runs()[0] == &runs[0] || len(d.Stages[0].Runs()) != 1 {
		t.Error("it is kept, or not made again")
	}
}
