package registry

import (
	"context"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	fakeregistry "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/ociref"
)

var (
	amd64 = ociref.Platform{OS: "linux", Arch: "amd64"}
	arm64 = ociref.Platform{OS: "linux", Arch: "arm64"}
)

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func fake(t *testing.T) string {
	return serve(t, fakeregistry.New(fakeregistry.Logger(stdlog.New(io.Discard, "", 0))))
}

func ref(t *testing.T, s string) ociref.Ref {
	t.Helper()
	r, err := ociref.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func image(t *testing.T, arch string, created int64) v1.Image {
	t.Helper()
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", arch, v1.Time{Time: time.Unix(created, 0)}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

func digestOf(t *testing.T, d interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	h, err := d.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

func TestResolveImage(t *testing.T) {
	host := fake(t)
	img := image(t, "amd64", 1700000000)
	tag, _ := name.NewTag(host + "/debian:12")
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
	up, err := Resolve(context.Background(), ref(t, host+"/debian:12"), []ociref.Platform{amd64})
	if err != nil {
		t.Fatal(err)
	}
	d := digestOf(t, img)
	if up.Index != d || len(up.Digests) != 1 || up.Digests["linux/amd64"] != d || up.Created != 1700000000 {
		t.Errorf("got %+v, want %s", up, d)
	}
}

func TestResolveIndex(t *testing.T) {
	host := fake(t)
	a, b, attestation := image(t, "amd64", 5), image(t, "arm64", 9), image(t, "unknown", 99)
	add := func(img v1.Image, os, arch string) mutate.IndexAddendum {
		return mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: os, Architecture: arch}}}
	}
	index := mutate.AppendManifests(empty.Index, add(attestation, "unknown", "unknown"), add(a, "linux", "amd64"), add(b, "linux", "arm64"))
	tag, _ := name.NewTag(host + "/x/debian:12")
	if err := remote.WriteIndex(tag, index); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		platforms []ociref.Platform
		created   int64
	}{{[]ociref.Platform{amd64}, 5}, {[]ociref.Platform{amd64, arm64}, 9}, {[]ociref.Platform{{OS: "linux", Arch: "s390x"}, amd64}, 5}, {[]ociref.Platform{{OS: "linux", Arch: "s390x"}}, 0}} {
		up, err := Resolve(context.Background(), ref(t, host+"/x/debian:12"), c.platforms)
		if err != nil {
			t.Fatal(err)
		}
		if up.Index != digestOf(t, index) || up.Digests["linux/amd64"] != digestOf(t, a) || up.Digests["linux/arm64"] != digestOf(t, b) || len(up.Digests) != 2 || up.Created != c.created {
			t.Errorf("%v: got %+v", c.platforms, up)
		}
	}
}

func TestRefusals(t *testing.T) {
	host := fake(t)
	denied := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		w.WriteHeader(http.StatusForbidden)
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	login := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	closed := l.Addr().String()
	l.Close()
	for _, c := range []struct{ ref, msg, hint string }{
		{host + "/debian:12", "registry " + host + " has no such image", "check the name and the tag"},
		{denied + "/debian:12", "registry " + denied + " refuses access (403)", "log in with: docker login " + denied + " (or write ~/.docker/config.json), and check that the image exists"},
		{login + "/debian:12", "registry " + login + " refuses access (401)", "log in with: docker login " + login + " (or write ~/.docker/config.json), and check that the image exists"},
		{closed + "/debian:12", "cannot reach " + closed + ": connect: connection refused", "check the network and the proxy settings (HTTPS_PROXY)"},
	} {
		_, err := Resolve(context.Background(), ref(t, c.ref), []ociref.Platform{amd64})
		e := diag.Flatten(err)
		if len(e) != 1 || !strings.HasPrefix(e[0].Error(), "cannot resolve "+c.ref+": ") || !strings.Contains(e[0].Error(), c.msg) || len(e[0].Hints) != 1 || e[0].Hints[0] != c.hint {
			t.Errorf("%s: got %v, hints %q", c.ref, err, e[0].Hints)
		}
	}
}
