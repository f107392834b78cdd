package build

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestNamedContexts(t *testing.T) {
	f := newFixture(t)
	files := map[string]string{"keep": "k\n", "x.key": "secret\n", "sub/s": "s\n", ".dockerignore": "*.key\n"}
	for _, c := range []struct {
		name, dockerfile string
		log              string
		files            map[string]entry
		absent           string
	}{
		{name: "COPY", dockerfile: "FROM base\nCOPY --from=shared . /got/\n", files: map[string]entry{"/got/keep": {"k\n", 0o644, ContextTime}, "/got/sub/s": {"s\n", 0o644, ContextTime}}, absent: "/got/x.key"},
		{name: "COPY --link of one file", dockerfile: "FROM base\nCOPY --link --from=shared sub/s /got\nCOPY own /own\n", files: map[string]entry{"/got": {"s\n", 0o644, ContextTime}, "/own": {"own\n", 0o644, ContextTime}}},
		{name: "RUN --mount", dockerfile: "FROM base\nRUN --mount=from=shared,target=/m cat /m/keep && ls /m\n", log: " ls /m: .dockerignore keep sub\n"},
		{name: "FROM", dockerfile: "FROM shared AS s\nFROM base\nCOPY --from=s /keep /got\n", files: map[string]entry{"/got": {"k\n", 0o644, ContextTime}}},
		{name: "another name", dockerfile: "FROM base\nCOPY --from=registry.example/team/files:1 keep /got\n", files: map[string]entry{"/got": {"k\n", 0o644, ContextTime}}},
		{name: "a stage goes before", dockerfile: "FROM base AS Shared\nRUN echo stage > /keep\nFROM base\nCOPY --from=shared /keep /got\n", files: map[string]entry{"/got": {"stage\n", 0o644, epoch}}},
		{name: "a context goes before a target", dockerfile: "FROM base AS b\nFROM b\nCOPY --from=parent /keep /got\n", files: map[string]entry{"/got": {"k\n", 0o644, ContextTime}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := f.request(c.dockerfile, map[string]string{"own": "own\n", "keep": "not this one"})
			dir := f.folder(files)
			r.Contexts = map[string]Context{"shared": {Dir: dir}, "registry.example/team/files:1": {Dir: dir}, "parent:latest": {Dir: dir}}
			r.Named = append(r.Named, NamedImage{Text: "parent", Manifest: f.base})
			var out bytes.Buffer
			r.Log = &out
			res, err := f.Build(t.Context(), r)
			if err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			if !strings.Contains(out.String(), c.log) {
				t.Errorf("%q is not in the log:\n%s", c.log, out.String())
			}
			got := f.files(res.Manifest.Digest)
			for name, want := range c.files {
				if got[name] != want {
					t.Errorf("%s is %+v, want %+v", name, got[name], want)
				}
			}
			if _, ok := got[c.absent]; ok {
				t.Errorf("%s is in the image: %v", c.absent, slices.Sorted(maps.Keys(got)))
			}
		})
	}
}

func TestNamedContextChangesAreSeen(t *testing.T) {
	f := newFixture(t)
	r := f.request("FROM base\nCOPY --from=shared a /a\n", map[string]string{"x": "x"})
	r.ContextDigest = "same"
	dir := f.folder(map[string]string{"a": "one"})
	info, err := os.Stat(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range []string{"one", "two", "two", "one"} {
		for _, digest := range []string{"", data} {
			write(t, filepath.Join(dir, "a"), data, 0o644)
			if err := os.Chtimes(filepath.Join(dir, "a"), info.ModTime(), info.ModTime()); err != nil {
				t.Fatal(err)
			}
			r.Contexts = map[string]Context{"shared": {Dir: dir, Digest: digest}}
			if got := f.files(f.build(r).Manifest.Digest)["/a"].data; got != data {
				t.Errorf("build %d with digest %q: got %q, want %q", i, digest, got, data)
			}
		}
	}
}

func TestBadContexts(t *testing.T) {
	f := newFixture(t)
	for name, want := range map[string]string{
		"UP":      `0100-child/Dockerfile: cannot build child: "UP" cannot be the name of a context: `,
		"context": `0100-child/Dockerfile: cannot build child: "context" cannot be the name of a context: it has a meaning of its own`,
		"missing": `0100-child/Dockerfile: cannot read the context missing: `,
	} {
		r := f.request("FROM base\nCOPY --from=missing x /\n", nil)
		r.Contexts = map[string]Context{name: {Dir: filepath.Join(t.TempDir(), "no")}}
		if _, err := f.Build(t.Context(), r); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	r := f.request("FROM base\nCOPY --from=shared nothing /\n", nil)
	r.Contexts = map[string]Context{"shared": {Dir: f.folder(map[string]string{"a": "a"})}}
	if e := f.fail(r); e.Error() != "0100-child/Dockerfile:2: cannot build child: there is no nothing to copy" {
		t.Errorf("got %s", e)
	}
}

func TestStageNames(t *testing.T) {
	for dockerfile, want := range map[string]string{
		"FROM a AS B\nFROM --platform=linux/amd64 c as d\nFROM e\nRUN x": "[b d]",
		"FROM\n":             "[]",
		"FROM a AS\nFROM ab": "[]",
		"":                   "[]",
	} {
		if got := fmt.Sprint(stageNames([]byte(dockerfile))); got != want {
			t.Errorf("%q: %s, want %s", dockerfile, got, want)
		}
	}
}
