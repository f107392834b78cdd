package cli

import (
	"reflect"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/debian/image"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/plan"
)

func TestStepsAsAUserPutsThem(t *testing.T) {
	d := "sha256:" + strings.Repeat("a", 64)
	for in, want := range map[string]string{
		"[1/2] FROM docker.io/library/java17:latest@" + d:    "[1/2] FROM java17",
		"[build 1/2] FROM r.example/base/java17:latest@" + d: "[build 1/2] FROM r.example/base/java17",
		"[1/2] FROM docker.io/library/debian:12@" + d:        "[1/2] FROM debian:12",
		"[2/2] RUN echo FROM here":                           "[2/2] RUN echo FROM here",
		"[internal] load build context":                      "",
		"exporting to oci image format":                      "writing the image",
	} {
		if got := stepWords(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestAptSourcesAreJoined(t *testing.T) {
	got := aptSources([]lock.Source{
		{URI: "http://d/debian", Suite: "bookworm", Component: "main"},
		{URI: "http://d/debian", Suite: "bookworm-updates", Component: "main"},
		{URI: "http://d/debian-security", Suite: "bookworm-security", Component: "main"},
		{URI: "http://d/debian-security", Suite: "bookworm-security", Component: "contrib"},
	})
	want := []image.AptSource{
		{URI: "http://d/debian", Suites: []string{"bookworm", "bookworm-updates"}, Components: []string{"main"}},
		{URI: "http://d/debian-security", Suites: []string{"bookworm-security"}, Components: []string{"main", "contrib"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestNewWindowAndNoCacheBuildAfresh(t *testing.T) {
	for kind, want := range map[plan.Kind]bool{plan.Refresh: true, plan.Forced: true, plan.Context: false, plan.Parent: false, plan.First: false} {
		if got := noCache([]plan.Reason{{Kind: plan.Dockerfile}, {Kind: kind}}); got != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
}
