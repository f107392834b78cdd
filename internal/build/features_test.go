package build

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/plinth-build/plinth/internal/diag"
)

func TestInstructions(t *testing.T) {
	f := newFixture(t)
	var archive bytes.Buffer
	tw := tar.NewWriter(&archive)
	if err := tw.WriteHeader(&tar.Header{Name: "in/tar", Mode: 0o600, Size: 1, ModTime: time.Unix(5, 0), Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	if _, err := tw.Write([]byte("t")); err != nil {
		t.Fatal(err)
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	context := map[string]string{"a.tar": archive.String(), "a": "a\n"}
	for _, c := range []struct {
		name, dockerfile string
		log              string           // is in the log
		files            map[string]entry // are in the image
		absent           string           // is not in the image
	}{
		{name: "heredocs", dockerfile: "FROM base\nCOPY <<EOF /here\ntext\nEOF\nRUN <<EOF\necho from heredoc\necho two > /two\nEOF\n",
			log: "from heredoc", files: map[string]entry{"/here": {"text\n", 0o644, epoch}, "/two": {"two\n", 0o644, epoch}}},
		{name: "cache mount", dockerfile: "FROM base\nRUN --mount=type=cache,target=/cache echo kept > /cache/k\nRUN --mount=type=cache,target=/cache cp /cache/k /got\n",
			files: map[string]entry{"/got": {"kept\n", 0o644, epoch}}, absent: "/cache/k"},
		{name: "bind mount", dockerfile: "FROM base\nRUN --mount=type=bind,target=/ctx cp /ctx/a /got\n",
			files: map[string]entry{"/got": {"a\n", 0o644, epoch}}, absent: "/ctx/a"},
		{name: "bind mount from a parent", dockerfile: "FROM base\nRUN --mount=from=base,target=/other cp /other/base /got\n",
			files: map[string]entry{"/got": {"base\n", 0o644, epoch}}},
		{name: "tmpfs mount", dockerfile: "FROM base\nRUN --mount=type=tmpfs,target=/t echo x > /t/x && test /t/x\n", absent: "/t/x"},
		{name: "no network", dockerfile: "FROM base\nRUN --network=none interfaces\n", log: "interfaces 0\n"},
		{name: "link", dockerfile: "FROM base\nCOPY --link a /linked/a\nRUN test /linked/a\n", files: map[string]entry{"/linked/a": {"a\n", 0o644, ContextTime}}},
		{name: "tar", dockerfile: "FROM base\nADD a.tar /\n", files: map[string]entry{"/in/tar": {"t", 0o600, 5}}, absent: "/a.tar"},
		{name: "copy from a parent", dockerfile: "FROM scratch\nCOPY --from=base /base /copy\n", files: map[string]entry{"/copy": {"base\n", 0o644, ContextTime}}},
		{name: "stage with its parent's name", dockerfile: "FROM base AS base\nRUN echo mine > /mine\nFROM base\nRUN cat /mine\n",
			log: "mine\n", files: map[string]entry{"/mine": {"mine\n", 0o644, epoch}}},
		{name: "long log", dockerfile: "FROM base\nRUN lines 300000\n", log: " line 300000\n"},
		{name: "removed file", dockerfile: "FROM base\nRUN rm /base\n", absent: "/base"},
		{name: "old time", dockerfile: "FROM base\nRUN touch 7 /old\n", files: map[string]entry{"/old": {"", 0o644, 7}}},
		{name: "foreign syntax line is not followed", dockerfile: "# syntax=localhost:1/no/such\nFROM base\nRUN echo ours\n", log: "ours\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := f.request(c.dockerfile, context)
			var out bytes.Buffer
			r.Log = &out
			res, err := f.Build(t.Context(), r)
			if err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			if !strings.Contains(out.String(), c.log) {
				t.Errorf("%q is not in the log:\n%s", c.log, out.String())
			}
			files := f.files(res.Manifest.Digest)
			for name, want := range c.files {
				if got := files[name]; got != want {
					t.Errorf("%s is %+v, want %+v", name, got, want)
				}
			}
			if _, ok := files[c.absent]; ok {
				t.Errorf("%s is in the image", c.absent)
			}
		})
	}
}

func TestParentWithoutLayers(t *testing.T) {
	f := newFixture(t)
	r := f.request("FROM scratch\nENV A=b\nHEALTHCHECK --interval=7s --start-interval=3s CMD true\nONBUILD COPY a /triggered\n", nil)
	parent := f.build(r).Manifest.Digest
	raw, err := f.store.ReadBlob(parent)
	if err != nil || !strings.Contains(string(raw), `"layers":[]`) {
		t.Fatalf("manifest %s, %v", raw, err)
	}
	config, err := f.store.ReadConfig(parent)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"Test":["CMD-SHELL","true"]`, `"Interval":7000000000`, `"StartInterval":3000000000`, `"OnBuild":["COPY a /triggered"]`} {
		if !strings.Contains(string(config), want) {
			t.Errorf("%s is not in %s", want, config)
		}
	}
	r = f.request("FROM empty\nENV C=d\n", map[string]string{"a": "a\n"})
	r.Named = []NamedImage{{Text: "empty", Manifest: parent}}
	child := f.build(r).Manifest.Digest
	if got := f.files(child); len(got) != 1 || got["/triggered"].data != "a\n" {
		t.Errorf("files %v", got)
	}
	c := f.config(child)
	if !slices.Contains(c.Config.Env, "A=b") || !slices.Contains(c.Config.Env, "C=d") {
		t.Errorf("env %q", c.Config.Env)
	}
	data, err := f.store.ReadConfig(child)
	if err != nil || !strings.Contains(string(data), "StartInterval") || strings.Contains(string(data), "OnBuild") {
		t.Errorf("config %s, %v", data, err)
	}
}

func TestArgsLabelsStageAndEpoch(t *testing.T) {
	f := newFixture(t)
	r := f.request("ARG VERSION=1\nARG SOURCE_DATE_EPOCH\nFROM base:${VERSION} AS first\nARG WHO\nARG SOURCE_DATE_EPOCH\nRUN echo hello $WHO $SOURCE_DATE_EPOCH > /hello\nFROM first\nRUN exit 1\n", nil)
	r.Named = []NamedImage{{Text: "base:2", Manifest: f.base}}
	r.Args = map[string]string{"VERSION": "2", "WHO": "you"}
	r.Labels = map[string]string{"org.example": "yes"}
	r.Stage = "first"
	res := f.build(r)
	if got, want := f.files(res.Manifest.Digest)["/hello"].data, fmt.Sprintf("hello you %d\n", epoch); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := f.config(res.Manifest.Digest).Config.Labels["org.example"]; got != "yes" {
		t.Errorf("label %q", got)
	}
	// the platform decides between two images of one name
	r = f.request("FROM --platform=linux/arm64 base\nENV A=b\n", nil)
	r.Named = []NamedImage{{Text: "base", Platform: "linux/amd64", Manifest: f.base}}
	if e := f.fail(r); !strings.Contains(e.Error(), "base is neither a target") {
		t.Errorf("got %v", e)
	}
	r.Dockerfile = []byte("FROM --platform=linux/amd64 base\nENV A=b\n")
	r.Platform = "linux/amd64"
	f.build(r)
}

func TestBadNames(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		named NamedImage
		want  string
	}{
		{NamedImage{Text: "UPPER", Manifest: f.base}, `d/Dockerfile: cannot build child: "UPPER" is not an image reference`},
		{NamedImage{Text: "x", Upstream: "debian:12"}, `d/Dockerfile: cannot build child: "x": upstream debian:12 has no digest`},
		{NamedImage{Text: "x", Manifest: "sha256:" + f.base[len("sha256:"):len(f.base)-1] + "x"}, `d/Dockerfile: cannot build child: "x": `},
		{NamedImage{Text: "x", Platform: "a/b/c/d", Manifest: f.base}, `d/Dockerfile: cannot build child: "a/b/c/d" is not a platform`},
	} {
		_, err := f.Build(t.Context(), Request{Target: "child", DockerfilePath: "d/Dockerfile", Dockerfile: []byte("FROM scratch\n"), Named: []NamedImage{c.named}})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	f := newFixture(t)
	res := f.build(f.request("FROM base as x\nRUN echo hi\n", nil))
	if len(res.Warnings) != 1 {
		t.Fatalf("got %+v", res.Warnings)
	}
	w := res.Warnings[0]
	if w.Rule != "FromAsCasing" || w.Text != "'as' and 'FROM' keywords' casing do not match" || w.URL == "" ||
		w.Pos != (diag.Position{File: "0100-child/Dockerfile", Line: 1}) {
		t.Errorf("got %+v", w)
	}
}

func TestLogAndEvents(t *testing.T) {
	f := newFixture(t)
	r := f.request("FROM base\nRUN echo one\nRUN echo two\n", nil)
	run := func() (string, []Event) {
		var out bytes.Buffer
		var events []Event
		r.Log, r.Progress = &out, func(e Event) { events = append(events, e) }
		if _, err := f.Build(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return out.String(), events
	}
	text, events := run()
	for _, want := range []string{"[2/3] RUN echo one\n", " one\n", " DONE ", "[3/3] RUN echo two\n", " two\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the log:\n%s", want, text)
		}
	}
	states := func(events []Event, step int) (s []State) {
		for _, e := range events {
			if e.Step == step && e.Total == 3 {
				s = append(s, e.State)
			}
		}
		return s
	}
	if got := states(events, 2); !slices.Equal(got, []State{StepStarted, StepCompleted}) {
		t.Errorf("states %v", got)
	}
	begin := time.Now()
	text, events = run()
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the cached build took %s", took)
	}
	if got := states(events, 2); !slices.Equal(got, []State{StepCached}) {
		t.Errorf("states %v\n%s", got, text)
	}
	if !strings.Contains(text, " CACHED\n") {
		t.Errorf("log:\n%s", text)
	}
}

func TestContextIsNotReadWhenNothingIsCopied(t *testing.T) {
	f := newFixture(t)
	r := f.request("FROM base\nRUN echo hi > /hi\n", map[string]string{"a": "a"})
	// a folder that cannot be walked: reading it would be an error
	if err := os.Symlink("loop", filepath.Join(r.ContextDir, "loop")); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r.Log = &out
	if _, err := f.Build(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "load build context") {
		t.Errorf("the context was sent:\n%s", out.String())
	}
	r.ContextDir = filepath.Join(r.ContextDir, "missing")
	if _, err := f.Build(t.Context(), r); err == nil || !strings.HasPrefix(err.Error(), "0100-child/Dockerfile: cannot read the build context: ") {
		t.Errorf("got %v", err)
	}
}

// pushImage makes an image with the file /up and gives its reference and digest.
func pushImage(t *testing.T, host string) (string, v1.Hash) {
	t.Helper()
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		var b bytes.Buffer
		tw := tar.NewWriter(&b)
		if err := tw.WriteHeader(&tar.Header{Name: "up", Mode: 0o644, Size: 2, Typeflag: tar.TypeReg}); err != nil {
			return nil, err
		}
		if _, err := tw.Write([]byte("up")); err != nil {
			return nil, err
		}
		return io.NopCloser(&b), tw.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	platform, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH})
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(platform, layer)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(host + "/team/up:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image); err != nil {
		t.Fatal(err)
	}
	dgst, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return host + "/team/up:1", dgst
}

// TestUpstreams pulls from a registry on localhost, which speaks plain http.
func TestUpstreams(t *testing.T) {
	f := newFixture(t)
	var deny bool
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if deny {
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	defer srv.Close()
	host := strings.Replace(strings.TrimPrefix(srv.URL, "http://"), "127.0.0.1", "localhost", 1)
	text, dgst := pushImage(t, host)
	r := f.request("FROM "+text+" AS up\nFROM base\nCOPY --from=up /up /copied\n", nil)
	r.Named = append(r.Named, NamedImage{Text: text, Upstream: text + "@" + dgst.String()})
	if got := f.files(f.build(r).Manifest.Digest)["/copied"].data; got != "up" {
		t.Errorf("copied %q", got)
	}
	gone := text + "@sha256:" + strings.Repeat("0", 64)
	r.Named[1].Upstream = gone
	e := f.fail(r)
	if want := "0100-child/Dockerfile:1: cannot build child: " + host + " no longer has " + gone; e.Error() != want {
		t.Errorf("got  %s\nwant %s", e, want)
	}
	deny = true
	e = f.fail(r)
	if want := "0100-child/Dockerfile:1: cannot build child: " + host + " does not let us pull " + gone; !strings.HasPrefix(e.Error(), want) {
		t.Errorf("got  %s\nwant %s", e, want)
	}
	if want := []string{"docker login " + host}; !slices.Equal(e.Err.Hints, want) {
		t.Errorf("hints %q", e.Err.Hints)
	}
}
