package build

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// layer gives the headers of a layer's entries.
func (f *fixture) layer(desc ocispec.Descriptor) (headers []*tar.Header) {
	f.t.Helper()
	blob, err := f.store.ReadBlob(desc.Digest)
	if err != nil {
		f.t.Fatal(err)
	}
	zr, err := gzip.NewReader(bytes.NewReader(blob))
	if err != nil {
		f.t.Fatal(err)
	}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return headers
		}
		if err != nil {
			f.t.Fatal(err)
		}
		headers = append(headers, h)
	}
}

// own gives, sorted, the names of all that the image's layers add to those of
// base, but for what runc makes in every image that doesn't have it.
func (f *fixture) own(d digest.Digest) []string {
	f.t.Helper()
	names := []string{}
	for _, l := range f.manifest(d).Layers[len(f.manifest(f.base).Layers):] {
		for _, h := range f.layer(l) {
			if !slices.Contains([]string{"dev/", "proc/", "sys/"}, h.Name) {
				names = append(names, "/"+h.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// temp is a child of base with temporary paths.
func (f *fixture) temp(dockerfile string, files map[string]string) Request {
	r := f.request(dockerfile, files)
	r.Temp = []string{"/tmp", "/var/cache/apt"}
	return r
}

func TestTemp(t *testing.T) {
	f := newFixture(t)
	context := map[string]string{"a": "a\n", "dir/b": "b\n"}
	for _, c := range []struct {
		name, dockerfile string
		log              []string // lines in the log, in this order
		own              []string // all that the layers hold
	}{
		{name: "from one RUN to the next", dockerfile: "FROM base\nRUN echo x > /tmp/x && mkdir /var/cache/apt/p\nRUN cat /tmp/x && ls /var/cache/apt && cp /tmp/x /kept\n",
			log: []string{"x", "ls /var/cache/apt: p"}, own: []string{"/kept"}},
		{name: "mode", dockerfile: "FROM base\nRUN mode /tmp && mode /var/cache/apt\nCOPY dir /tmp\nRUN mode /tmp && ls /tmp\n",
			log: []string{"mode dtrwxrwxrwx", "mode dtrwxrwxrwx", "mode dtrwxrwxrwx", "ls /tmp: b"}, own: []string{}},
		{name: "copied scripts", dockerfile: "FROM base\nCOPY a dir/b /tmp/\nADD --chmod=755 a /tmp/deep/er/c\nCOPY <<EOF /tmp/here\nheredoc\nEOF\nRUN cat /tmp/a /tmp/b /tmp/here && mode /tmp/deep/er/c\n",
			log: []string{"a", "b", "heredoc", "mode -rwxr-xr-x"}, own: []string{}},
		{name: "linked scripts", dockerfile: "FROM base\nCOPY --link a /tmp/\nCOPY --link dir/b /b\nCOPY --link dir/b /tmp/\nRUN ls /tmp\n",
			log: []string{"ls /tmp: a b"}, own: []string{"/b"}},
		{name: "copied, changed, copied again", dockerfile: "FROM base\nCOPY a /tmp/x\nRUN rm /tmp/x && echo y > /tmp/y\nCOPY a /tmp/z\nRUN ls /tmp\n",
			log: []string{"ls /tmp: y z"}, own: []string{}},
		{name: "working directory", dockerfile: "FROM base\nWORKDIR /tmp/src/x\nCOPY a .\nRUN pwd && cat a && echo 1 > made\nRUN ls /tmp/src/x && rm /tmp/src/x && ls /tmp/src\nWORKDIR /tmp\nRUN pwd\n",
			log: []string{"pwd /tmp/src/x", "a", "ls /tmp/src/x: a made", "ls /tmp/src:", "pwd /tmp"}, own: []string{}},
		{name: "working directory of its own", dockerfile: "FROM base\nWORKDIR /srv\nRUN pwd\n", log: []string{"pwd /srv"}, own: []string{"/srv/"}},
		{name: "stages part", dockerfile: "FROM base AS a\nRUN echo 1 > /tmp/1\nFROM a AS b\nRUN echo 2 > /tmp/2 && ls /tmp && echo b > /b\nFROM a\nRUN ls /tmp\nCOPY --from=b /b /b\nRUN echo 3 > /tmp/3\nRUN ls /tmp\n",
			log: []string{"ls /tmp: 1 3"}, own: []string{"/b"}},
		{name: "another user", dockerfile: "FROM base\nRUN mkdir /tmp/root\nUSER 1234:1234\nRUN echo x > /tmp/mine\nWORKDIR /tmp/work\nRUN echo y > y && whoami && ls /tmp\n",
			log: []string{"uid 1234", "ls /tmp: mine root work"}, own: []string{}},
		{name: "a mount at the path wins", dockerfile: "FROM base\nRUN echo x > /tmp/x\nRUN --mount=type=tmpfs,target=/tmp/ ls /tmp\nRUN --mount=type=cache,target=/tmp,id=c echo kept > /tmp/k\nRUN --mount=type=cache,target=/tmp,id=c ls /tmp\nRUN ls /tmp\n",
			log: []string{"ls /tmp:", "ls /tmp: k", "ls /tmp: x"}, own: []string{}},
		{name: "a mount in the path", dockerfile: "FROM base\nRUN --mount=target=/tmp/ctx,ro echo x > /tmp/x && cat /tmp/ctx/a\nRUN --mount=type=cache,target=/tmp/c,id=d ls /tmp\n",
			log: []string{"a", "ls /tmp: c ctx x"}, own: []string{}},
		{name: "a mount around the path", dockerfile: "FROM base\nRUN echo x > /var/cache/apt/x\nRUN --mount=target=/var,ro ls /var\nRUN ls /var/cache/apt\n",
			log: []string{"ls /var: a dir", "ls /var/cache/apt: x"}, own: []string{}},
		{name: "from nothing", dockerfile: "FROM scratch\nCOPY a /tmp/a\nCOPY --from=base / /\nRUN cat /tmp/a\n", log: []string{"a"}},
		{name: "no RUN", dockerfile: "FROM base\nCOPY a /opt/a\nCOPY a /tmp/b\n", own: []string{"/opt/", "/opt/a"}},
		{name: "onbuild", dockerfile: "FROM base AS trigger\nONBUILD COPY a /tmp/a\nONBUILD RUN cat /tmp/a\nFROM trigger\nRUN ls /tmp\n",
			log: []string{"a", "ls /tmp: a"}, own: []string{}},
		{name: "network and heredoc", dockerfile: "FROM base\nRUN echo x > /tmp/x\nRUN --network=none <<EOF\ninterfaces\ncat /tmp/x\nEOF\n",
			log: []string{"interfaces 0", "x"}, own: []string{}},
		{name: "script with its own interpreter", dockerfile: "FROM base\nRUN echo x > /tmp/x\nRUN <<EOF\n#!/bin/sh\ncat /tmp/x\nEOF\n", log: []string{"x"}, own: []string{}},
		{name: "whole stage", dockerfile: "FROM base AS b\nRUN echo x > /tmp/x && mkdir /var/cache/other\nFROM base\nCOPY --from=b /var /var\n", own: []string{"/var/", "/var/cache/", "/var/cache/other/"}},
		{name: "image's own files", dockerfile: "FROM base AS b\nFROM base\nCOPY --from=b /base /tmp/base\nRUN --mount=from=base,source=/base,target=/tmp/b cat /tmp/base /tmp/b\n", log: []string{"base", "base"}, own: []string{}},
		{name: "removed beside", dockerfile: "FROM base\nRUN mkdir /var/cache/apt2 && echo 1 > /var/cache/apt/1\nRUN rm /var/cache/apt2 && ls /var/cache\n", log: []string{"ls /var/cache: apt"},
			own: []string{"/var/", "/var/", "/var/cache/", "/var/cache/", "/var/cache/.wh.apt2", "/var/cache/apt2/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := f.temp(c.dockerfile, context)
			var out bytes.Buffer
			r.Log = &out
			res, err := f.Build(t.Context(), r)
			if err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			rest := out.String()
			for _, line := range c.log {
				_, after, ok := strings.Cut(rest, " "+line+"\n")
				if !ok {
					t.Fatalf("%q is not in the log:\n%s", line, out.String())
				}
				rest = after
			}
			if c.own != nil {
				if got := f.own(res.Manifest.Digest); !slices.Equal(got, c.own) {
					t.Errorf("layers hold %q, want %q", got, c.own)
				}
			}
			m, layers := f.manifest(res.Manifest.Digest), 0
			for _, h := range f.config(res.Manifest.Digest).History {
				if !h.EmptyLayer {
					layers++
				}
			}
			if layers != len(m.Layers) {
				t.Errorf("the history knows %d layers of %d", layers, len(m.Layers))
			}
		})
	}
}

func TestHistoryWithTemp(t *testing.T) {
	f := newFixture(t)
	res := f.build(f.temp("FROM base\nCOPY a /tmp/\nRUN echo x > /x\nWORKDIR /tmp/w\nENV A=b\nCOPY a /a\n", map[string]string{"a": "a"}))
	var got []string
	for _, h := range f.config(res.Manifest.Digest).History {
		word, _, _ := strings.Cut(h.CreatedBy, " ")
		got = append(got, fmt.Sprint(word, !h.EmptyLayer))
	}
	if want := []string{"COPYtrue", "COPYtrue", "ENVfalse", "COPYfalse", "RUNtrue", "WORKDIRfalse", "ENVfalse", "COPYtrue"}; !slices.Equal(got, want) {
		t.Errorf("history %q, want %q", got, want)
	}
	if got := f.config(res.Manifest.Digest).Config.WorkingDir; got != "/tmp/w" {
		t.Errorf("working directory %s", got)
	}
}

// An image that has the paths: what is in them is hidden from RUN and stays as it is.
func TestTempOverTheImagesFiles(t *testing.T) {
	f := newFixture(t)
	parent := f.build(f.request("FROM base\nRUN mkdir /run /var /tmp && symlink ../run /var/run && chmod 1777 /tmp && echo old > /tmp/old && touch 77 /tmp && touch 78 /var\n", nil)).Manifest.Digest
	r := f.request("FROM base\nRUN ls /tmp && echo new > /tmp/new && echo pid > /var/run/pid\nCOPY a /var/run/a\nRUN ls /tmp && ls /run && ls /var/run && mkdir /var/other\n", map[string]string{"a": "a"})
	r.Named[0].Manifest = parent
	r.Temp = []string{"/var/run", "/tmp"}
	var out bytes.Buffer
	r.Log = &out
	res, err := f.Build(t.Context(), r)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{" ls /tmp:\n", " ls /tmp: new\n", " ls /run: a pid\n", " ls /var/run: a pid\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, out.String())
		}
	}
	f.base = parent
	if got := f.own(res.Manifest.Digest); !slices.Equal(got, []string{"/var/", "/var/other/"}) {
		t.Errorf("layers hold %q", got)
	}
}

func TestOwnersInTemp(t *testing.T) {
	f := newFixture(t)
	r := f.temp("FROM base\nCOPY passwd /etc/passwd\nCOPY group /etc/group\nCOPY --chown=app:staff a /tmp/a\nUSER app\nWORKDIR /tmp/w\nRUN whoami && owner /tmp/a && owner /tmp/w\n",
		map[string]string{"a": "a", "passwd": "app:x:77:78::/:/bin/sh\n", "group": "staff:x:79:\n"})
	var out bytes.Buffer
	r.Log = &out
	if _, err := f.Build(t.Context(), r); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{" uid 77\n", " owner /tmp/a 77:79\n", " owner /tmp/w 77:78\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, out.String())
		}
	}
}

// The engine's cache: stamp writes the time, so a copy tells which run it is of.
func TestTempIsCached(t *testing.T) {
	f := newFixture(t)
	const head = "FROM base\nRUN stamp /tmp/s && cp /tmp/s /stamp1\n"
	build := func(dockerfile string, noCache bool) map[string]entry {
		r := f.temp(dockerfile, map[string]string{"a": "a"})
		r.NoCache = noCache
		return f.files(f.build(r).Manifest.Digest)
	}
	first := build(head, false)
	appended := build(head+"RUN cp /tmp/s /stamp2\n", false)
	if appended["/stamp1"] != first["/stamp1"] || appended["/stamp2"].data != first["/stamp1"].data {
		t.Errorf("a RUN that was added finds %+v, the RUN before it left %+v", appended["/stamp2"], first["/stamp1"])
	}
	changed := build(head+"RUN cp /tmp/s /stamp3\n", false)
	if changed["/stamp1"] != first["/stamp1"] || changed["/stamp3"].data != first["/stamp1"].data {
		t.Errorf("a RUN that was changed finds %+v, the RUN before it left %+v", changed["/stamp3"], first["/stamp1"])
	}
	copied := build(head+"COPY a /tmp/a\nRUN cp /tmp/s /stamp4 && cat /tmp/a\n", false)
	if copied["/stamp1"] != first["/stamp1"] || copied["/stamp4"].data != first["/stamp1"].data {
		t.Errorf("behind a COPY there is %+v, the RUN before it left %+v", copied["/stamp4"], first["/stamp1"])
	}
	fresh := build(head, true)
	if fresh["/stamp1"] == first["/stamp1"] {
		t.Error("nothing ran again without cache")
	}
	after := build(head+"RUN cp /tmp/s /stamp5\n", false)
	if after["/stamp1"] != fresh["/stamp1"] || after["/stamp5"].data != fresh["/stamp1"].data {
		t.Errorf("after a build without cache the RUN behind finds %+v, want %+v", after["/stamp5"], fresh["/stamp1"])
	}
	forked := build("FROM base AS a\nRUN stamp /tmp/f && cp /tmp/f /f1\nFROM a AS b\nRUN echo b > /b\nFROM a\nCOPY --from=b /b /b\n", false)
	again := build("FROM base AS a\nRUN stamp /tmp/f && cp /tmp/f /f1\nFROM a AS b\nRUN echo b > /b\nFROM a\nCOPY --from=b /b /b\nRUN cp /tmp/f /f2\n", false)
	if forked["/f1"] != again["/f1"] || again["/f2"].data != again["/f1"].data {
		t.Errorf("a RUN behind a fork finds %+v, want %+v", again["/f2"], forked["/f1"])
	}
}

// What goes to a temporary path does not depend on what is outside of it.
func TestCopyToTempStaysCached(t *testing.T) {
	f := newFixture(t)
	log := ""
	for _, x := range []string{"1", "2"} {
		r := f.temp("FROM base\nCOPY x /x\nCOPY a /tmp/a\nRUN cat /x /tmp/a\n", map[string]string{"a": "a\n", "x": x + "\n"})
		var out bytes.Buffer
		r.Log = &out
		if _, err := f.Build(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		log = out.String()
	}
	var number int
	_, line, _ := strings.Cut(log, "\n#")
	for line != "" && !strings.Contains(strings.SplitN(line, "\n", 2)[0], "COPY a /tmp/a") {
		_, line, _ = strings.Cut(line, "\n#")
	}
	if _, err := fmt.Sscan(line, &number); err != nil || !strings.Contains(log, fmt.Sprintf("#%d CACHED\n", number)) {
		t.Errorf("the step was done again:\n%s", log)
	}
}

func TestReadingTempOfAnotherStage(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct{ dockerfile, want, temp string }{
		{"FROM base AS build\nRUN echo x > /tmp/out\nFROM base\nCOPY --from=build /tmp/out /out\n",
			"0100-child/Dockerfile:4: cannot build child: COPY --from=build /tmp/out: /tmp is a temp: path, what is in it does not outlive the stage", "/tmp"},
		{"FROM base AS build\nRUN echo x > /tmp/out\nFROM base\nCOPY --link --chmod=0755 --from=build /base /tmp/o*t /out/\n",
			"0100-child/Dockerfile:4: cannot build child: COPY --from=build /tmp/o*t: /tmp is a temp: path, what is in it does not outlive the stage", "/tmp"},
		{"FROM base\nCOPY base /tmp/x\nFROM base\nCOPY --from=0 --parents /tmp/x /out/\n",
			"0100-child/Dockerfile:4: cannot build child: COPY --from=0 /tmp/x: /tmp is a temp: path, what is in it does not outlive the stage", "/tmp"},
		{"FROM base AS b\nRUN echo x > /var/cache/apt/x\nFROM base\nCOPY --from=b --parents /var/./cache/apt/x /out/\n",
			"0100-child/Dockerfile:4: cannot build child: COPY --from=b /var/cache/apt/x: /var/cache/apt is a temp: path, what is in it does not outlive the stage", "/var/cache/apt"},
		{"FROM base AS build\nRUN echo x > /tmp/out\nFROM base\n\nRUN --mount=target=/c --mount=from=build,source=/var/cache/apt/x,target=/x ls /x\n",
			"0100-child/Dockerfile:5: cannot build child: RUN --mount=from=build,source=/var/cache/apt/x,target=/x: /var/cache/apt is a temp: path, what is in it does not outlive the stage", "/var/cache/apt"},
	} {
		e := f.fail(f.temp(c.dockerfile, map[string]string{"base": "x"}))
		if e.Error() != c.want {
			t.Errorf("%q\ngot  %s\nwant %s", c.dockerfile, e, c.want)
		}
		if want := []string{fmt.Sprintf("write it outside of %s, such as /out, or take %s out of temp: in image.yaml", c.temp, c.temp)}; !slices.Equal(e.Err.Hints, want) {
			t.Errorf("hints %q", e.Err.Hints)
		}
	}
}

func TestFailingRunWithTemp(t *testing.T) {
	f := newFixture(t)
	e := f.fail(f.temp("FROM base\nRUN echo x > /tmp/x\nRUN ls /tmp && exit 3\nRUN echo never\n", nil))
	if want := "0100-child/Dockerfile:3: cannot build child: RUN exited with code 3: ls /tmp && exit 3"; e.Error() != want || e.ExitCode != 3 {
		t.Errorf("got  %s (code %d)\nwant %s", e, e.ExitCode, want)
	}
	if !slices.Contains(e.Tail, "ls /tmp: x") {
		t.Errorf("tail %q", e.Tail)
	}
	e = f.fail(f.temp("FROM base\nRUN echo x > /tmp/x\nCOPY nothing /tmp/\nRUN echo never\n", map[string]string{"a": "a"}))
	if want := "0100-child/Dockerfile:3: cannot build child: there is no nothing to copy"; e.Error() != want {
		t.Errorf("got  %s\nwant %s", e, want)
	}
}

func TestTempPaths(t *testing.T) {
	for _, c := range []struct {
		paths, want []string
		err         string
	}{
		{paths: nil, want: nil},
		{paths: []string{"/var/tmp", "/tmp", "/tmp/a", "/tmpx", "/tmp", "/.t"}, want: []string{"/.t", "/tmp", "/tmpx", "/var/tmp"}},
		{paths: []string{"tmp"}, err: `"tmp" cannot be a temp: path: it is not an absolute, clean path`},
		{paths: []string{"/tmp/"}, err: `"/tmp/" cannot be a temp: path: it is not an absolute, clean path`},
		{paths: []string{"/"}, err: `"/" cannot be a temp: path: an image has nothing else`},
		{paths: []string{"/dev/shm"}, err: `"/dev/shm" cannot be a temp: path: the kernel's file systems are there`},
		{paths: []string{"/devel"}, want: []string{"/devel"}},
		{paths: []string{"/-"}, err: `"/-" cannot be a temp: path: it begins with -`},
	} {
		r := Request{Target: "x", DockerfilePath: "D", Temp: c.paths}
		got, err := checkTemp(r)
		if c.err != "" {
			if err == nil || err.Error() != "D: cannot build x: "+c.err {
				t.Errorf("%q: got %v", c.paths, err)
			}
		} else if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, %v", c.paths, got, err)
		}
	}
}

// On an empty stage a step that is gone leaves nothing to stand on.
func TestTempOnAnEmptyStage(t *testing.T) {
	f := newFixture(t)
	for dockerfile, want := range map[string][]string{
		"FROM scratch\nCOPY a /tmp/a\nWORKDIR /tmp/w\n":                                         {},
		"FROM scratch\nCOPY a /tmp/a\nCOPY a /a\n":                                              {"/a"},
		"FROM scratch\nCOPY --link a /tmp/a\nCOPY --link a /a\nCOPY --link a /b\n":              {"/a", "/b"},
		"FROM scratch AS s\nCOPY a /tmp/a\nFROM scratch\nCOPY a /b\nCOPY --from=s / /s/\n":      {"/b", "/s"},
		"FROM scratch AS s\nCOPY a /tmp/a\nFROM base\nRUN --mount=from=s,target=/s,rw ls /s\n":  nil,
		"FROM scratch AS s\nCOPY a /tmp/a\nFROM scratch\nCOPY --link a /tmp/a\nCOPY a /tmp/b\n": {},
	} {
		res := f.build(f.temp(dockerfile, map[string]string{"a": "a"}))
		if want == nil {
			continue
		}
		names := []string{}
		for name := range f.files(res.Manifest.Digest) {
			names = append(names, name)
		}
		slices.Sort(names)
		if !slices.Equal(names, want) {
			t.Errorf("%q: files %q, want %q", dockerfile, names, want)
		}
	}
}
