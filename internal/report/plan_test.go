package report

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/ociref"
	"github.com/plinth-build/plinth/internal/plan"
	"github.com/plinth-build/plinth/internal/store"
	"github.com/plinth-build/plinth/internal/update"
)

// check compares what print writes with want, whose first newline is for the eye.
func check(t *testing.T, what, want string, print func(b *bytes.Buffer)) {
	t.Helper()
	var b bytes.Buffer
	print(&b)
	if got := b.String(); got != strings.TrimPrefix(want, "\n") {
		t.Errorf("%s:\n--- got\n%s--- want\n%s", what, got, strings.TrimPrefix(want, "\n"))
	}
}

func target(name string) *graph.Target {
	return &graph.Target{Name: name, Image: &catalog.Image{Name: name}}
}

var (
	changed = []plan.Reason{{Kind: plan.Context, Subject: "files/setup.sh", Detail: "files/setup.sh changed"}}
	waits   = []plan.Reason{{Kind: plan.Parent, Subject: "java17", Detail: "parent java17 is going to be built"}}
)

func steps() []plan.Step {
	reused := store.Result{ID: "1", Manifest: ocispec.Descriptor{Digest: digest.Digest("sha256:aa")}}
	return []plan.Step{
		{Target: target("debian12"), Action: plan.Reuse, ID: "1", Result: reused},
		{Target: target("java17"), Action: plan.Build, ID: "2", Result: reused, Reasons: changed},
		{Target: target("tomcat"), Action: plan.Depends, Reasons: waits},
	}
}

func TestPlan(t *testing.T) {
	check(t, "three", `
TARGET    ACTION                                      WHY
debian12  reuse
java17    build                                       context: files/setup.sh changed
tomcat    build unless the parent turns out the same  parent java17 is going to be built

3 targets: 1 to build, 1 to build unless the parent turns out the same, 1 to reuse
`, func(b *bytes.Buffer) { Plan(b, steps()) })
	check(t, "one", "TARGET    ACTION  WHY\ndebian12  reuse\n\n1 target: 1 to reuse\n", func(b *bytes.Buffer) { Plan(b, steps()[:1]) })
	check(t, "json", `
{
  "steps": [
    {
      "target": "debian12",
      "action": "reuse",
      "id": "1",
      "digest": "sha256:aa",
      "reasons": []
    },
    {
      "target": "java17",
      "action": "build",
      "id": "2",
      "reasons": [
        {
          "kind": "context",
          "subject": "files/setup.sh",
          "detail": "files/setup.sh changed"
        }
      ]
    }
  ]
}
`, func(b *bytes.Buffer) {
		if err := PlanJSON(b, steps()[:2]); err != nil {
			t.Error(err)
		}
	})
	check(t, "nothing as json", "{\n  \"steps\": []\n}\n", func(b *bytes.Buffer) {
		if err := PlanJSON(b, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestWhy(t *testing.T) {
	all := steps()
	at := time.Date(2026, 11, 22, 8, 30, 0, 0, time.Local)
	last := &plan.Snapshot{Digest: "sha256:bb", Took: 1500 * time.Millisecond}
	pending := []plan.Link{
		{Target: "tomcat", Step: &all[2], Last: last, Reasons: waits},
		{Target: "java17", Depth: 1, Step: &all[1], Reasons: changed},
	}
	check(t, "pending", `
tomcat is going to be built unless its parent turns out the same
  parent java17 is going to be built
  ← java17 is going to be built
    context: files/setup.sh changed
`, func(b *bytes.Buffer) { Why(b, pending) })
	past := []plan.Link{
		{Target: "tomcat", Last: last, Built: at, Reasons: []plan.Reason{{Kind: plan.Parent, Detail: "parent java17 changed"}}},
		{Target: "java17", Depth: 1, Last: last, Built: at.Add(-time.Minute), Reasons: changed},
	}
	check(t, "past", `
tomcat is up to date: built 2026-11-22 08:30:00 in 1.5s, sha256:bb
  why it was built:
    parent java17 changed
  ← java17 was built 2026-11-22 08:29:00
    why it was built:
      context: files/setup.sh changed
`, func(b *bytes.Buffer) { Why(b, past) })
	check(t, "nothing known", "tomcat is up to date\n", func(b *bytes.Buffer) { Why(b, []plan.Link{{Target: "tomcat"}}) })
	check(t, "json", fmt.Sprintf(`
{
  "chain": [
    {
      "target": "tomcat",
      "action": "depends",
      "digest": "sha256:bb",
      "reasons": [
        {
          "kind": "parent",
          "subject": "java17",
          "detail": "parent java17 is going to be built"
        }
      ]
    },
    {
      "target": "java17",
      "action": "reuse",
      "digest": "sha256:bb",
      "built": %q,
      "reasons": []
    }
  ]
}
`, at.Format(time.RFC3339)), func(b *bytes.Buffer) {
		if err := WhyJSON(b, []plan.Link{pending[0], {Target: "java17", Last: last, Built: at}}); err != nil {
			t.Error(err)
		}
	})
}

func TestChanges(t *testing.T) {
	set := func(subject string, n int) (out []update.Change) {
		for i := range n {
			out = append(out, update.Change{Subject: subject, Item: fmt.Sprintf("p%d", i), Now: "1"})
		}
		return out
	}
	moved := append(set("new", 4), update.Change{Subject: "small", Item: "a", Now: "1"}, update.Change{Subject: "small", Item: "b", Now: "1"},
		update.Change{Subject: "small", Item: "c", Now: "1"})
	moved = append(moved, update.Change{Subject: "debian:12", Was: "sha256:1", Now: "sha256:2"})
	mixed := append(set("mixed", 3), update.Change{Subject: "mixed", Item: "z", Was: "1", Now: "2"})
	gone := append(set("gone", 3), update.Change{Subject: "gone", Item: "z", Was: "1"})
	ups := []update.Change{{Subject: "u:1", Now: "sha256:1"}, {Subject: "u:2", Now: "sha256:1"}}
	check(t, "changes", `
new: 4 packages added (p0, p1, p2, …)
small: a + 1
small: b + 1
small: c + 1
debian:12 sha256:1 → sha256:2
mixed: p0 + 1
mixed: p1 + 1
mixed: p2 + 1
mixed: z 1 → 2
gone: p0 + 1
gone: p1 + 1
gone: p2 + 1
gone: z - 1
u:1 + sha256:1
u:2 + sha256:1
`, func(b *bytes.Buffer) {
		Changes(b, append(append(append(moved, mixed...), gone...), ups...))
	})
	check(t, "json", "{\n  \"changes\": [],\n  \"notes\": [\n    \"<n>\"\n  ]\n}\n", func(b *bytes.Buffer) {
		if err := ChangesJSON(b, update.Result{Notes: []string{"<n>"}}); err != nil {
			t.Error(err)
		}
	})
}

func TestErrors(t *testing.T) {
	var l diag.List
	l.Add(diag.Errorf(diag.Position{File: "a", Line: 1}, "first").Hint("same"))
	l.Add(diag.Errorf(diag.Position{File: "b", Line: 2}, "second\nof two lines").Hint("same"))
	l.Add(diag.Errorf(diag.Position{File: "c"}, "third").Hint("one\ntwo").Hint("three"))
	l.Add(diag.Errorf(diag.Position{File: "d"}, "fourth"))
	check(t, "errors", `
error: a:1: first
error: b:2: second
  of two lines
  hint: same
error: c: third
  hint: one
        two
  hint: three
error: d: fourth
`, func(b *bytes.Buffer) { Errors(b, l.Err()) })
	check(t, "a bare one", "error: bare\n", func(b *bytes.Buffer) { Errors(b, errors.New("bare")) })
	check(t, "none", "", func(b *bytes.Buffer) { Errors(b, nil) })
}

func TestList(t *testing.T) {
	ref, err := ociref.Parse("debian:12")
	if err != nil {
		t.Fatal(err)
	}
	linux := ociref.Platform{OS: "linux", Arch: "amd64"}
	base := &graph.Target{Name: "base", Platform: linux, Image: &catalog.Image{Name: "base", Dir: "0000-base", Tier: "0000", Owners: []string{"a"}},
		Title: "Base", Version: "1.2", Ports: []string{"80/tcp"}, Packages: &catalog.Packages{Mode: catalog.Full}}
	app := &graph.Target{Name: "app12", Platform: linux, Image: &catalog.Image{Name: "app", Dir: "app"}, Internal: true, Values: map[string]string{"v": "12"},
		Parents:   []graph.Edge{{Target: base}, {Target: base, Text: "again"}},
		Upstreams: []graph.Upstream{{Ref: ref}}}
	init := &graph.Target{Name: "app12-init", Platform: linux, Image: app.Image, Flavour: "init", Parents: []graph.Edge{{Target: app}}}
	check(t, "list", `
TARGET      FOLDER     MADE FROM        PLATFORM     STANDS ON
base        0000-base  packages (full)  linux/amd64
app12       app        Dockerfile       linux/amd64  base, debian:12
app12-init  app        flavour init     linux/amd64  app12
`, func(b *bytes.Buffer) { List(b, []*graph.Target{base, app, init}) })
	check(t, "json", `
[
  {
    "name": "base",
    "image": "base",
    "folder": "0000-base",
    "tier": "0000",
    "flavour": "",
    "kind": "packages",
    "platform": "linux/amd64",
    "stands_on": [],
    "ports": [
      "80/tcp"
    ],
    "version": "1.2",
    "title": "Base",
    "owners": [
      "a"
    ]
  },
  {
    "name": "app12",
    "image": "app",
    "folder": "app",
    "tier": "",
    "flavour": "",
    "kind": "dockerfile",
    "platform": "linux/amd64",
    "matrix": {
      "v": "12"
    },
    "stands_on": [
      "base",
      "debian:12"
    ],
    "ports": [],
    "internal": true
  }
]
`, func(b *bytes.Buffer) {
		if err := ListJSON(b, []*graph.Target{base, app}); err != nil {
			t.Error(err)
		}
	})
	check(t, "nothing", "[]\n", func(b *bytes.Buffer) {
		if err := ListJSON(b, nil); err != nil {
			t.Error(err)
		}
	})
}
