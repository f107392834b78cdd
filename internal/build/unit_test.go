package build

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"

	"github.com/plinth-build/plinth/internal/diag"
)

var unitRequest = Request{
	Target: "t", DockerfilePath: "D",
	Named: []NamedImage{{Text: "p", Manifest: "sha256:1"}, {Text: "up", Upstream: "registry.example/a/b:1@sha256:" + strings.Repeat("a", 64)}},
}

func TestRunErrors(t *testing.T) {
	at := diag.Position{File: "D", Line: 3}
	sh := []string{"/bin/sh", "-c", "make   all\n  && true"}
	for _, c := range []struct {
		exit  gatewaypb.ExitError
		args  []string
		want  string
		hints int
	}{
		{gatewaypb.ExitError{ExitCode: 2}, sh, "D:3: cannot build t: RUN exited with code 2: make all && true", 0},
		{gatewaypb.ExitError{ExitCode: 126}, sh, "D:3: cannot build t: RUN exited with code 126: make all && true", 1},
		{gatewaypb.ExitError{ExitCode: 128}, sh, "D:3: cannot build t: RUN exited with code 128: make all && true", 0},
		{gatewaypb.ExitError{ExitCode: 143}, sh, "D:3: cannot build t: RUN was killed by SIGTERM (exit code 143): make all && true", 0},
		{gatewaypb.ExitError{ExitCode: 139}, []string{"/bin/x", "y"}, "D:3: cannot build t: RUN was killed by SIGSEGV (exit code 139): /bin/x y", 0},
		{gatewaypb.ExitError{ExitCode: 255, Err: errors.New("process did not complete successfully: exit code: 255")}, sh, "D:3: cannot build t: RUN exited with code 255: make all && true", 0},
		{gatewaypb.ExitError{ExitCode: 255, Err: errors.New("failed to solve: no such binary")}, sh, "D:3: cannot build t: RUN did not start: make all && true: no such binary", 0},
		{gatewaypb.ExitError{ExitCode: 137, Err: errors.New("process did not complete successfully: cannot allocate memory")}, sh, "D:3: cannot build t: RUN was killed because memory ran out: make all && true", 1},
	} {
		e := runError(unitRequest, at, c.args, &c.exit, nil)
		if e.Error() != c.want || len(e.Hints) != c.hints {
			t.Errorf("got  %s %q\nwant %s", e, e.Hints, c.want)
		}
	}
	e := runError(unitRequest, at, sh, &gatewaypb.ExitError{ExitCode: 1}, []string{"x", "tar: write error: No space left on device", "y"})
	if want := "D:3: cannot build t: RUN exited with code 1 because a disk is full: make all && true"; !errors.Is(e, syscall.ENOSPC) || !strings.HasPrefix(e.Error(), want) {
		t.Errorf("got %s", e)
	}
}

func TestShorten(t *testing.T) {
	long := strings.Repeat("ä", 80)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"/bin/sh", "-c", "a \t b\nc"}, "a b c"},
		{[]string{"/bin/sh", "x"}, "/bin/sh x"},
		{[]string{long}, long},
		{[]string{long + "x"}, strings.Repeat("ä", 79) + "…"},
		{nil, ""},
	} {
		if got := shorten(c.args); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.args, got, c.want)
		}
	}
}

func TestEngineErrorsInOurWords(t *testing.T) {
	up := unitRequest.Named[1].Upstream
	for text, want := range map[string]string{
		"failed to solve: failed to copy: write /x: no space left on device":                                                 "D: cannot build t: the disk is full: no space left on device",
		"failed to solve: failed to run Build function: odd  thing\nhappened":                                                "D: cannot build t: odd thing happened",
		"failed to solve: failed to compute cache key: failed to calculate checksum of ref a::b: \"/x y\": not found":        "D: cannot build t: there is no x y to copy",
		"failed to solve: lstat /a/b: no such file or directory":                                                             "D: cannot build t: there is no a/b to copy",
		"failed to copy: httpReadSeeker: failed open: https://registry.example/v2/a/b/blobs/sha256:1: dial tcp: i/o timeout": "D: cannot build t: cannot reach registry.example for " + up + ": failed to copy: httpReadSeeker: failed open: https://registry.example/v2/a/b/blobs/sha256:1: dial tcp: i/o timeout",
		"failed to copy: https://registry.example/v2/a/b/blobs/sha256:1: 429 Too Many Requests: toomanyrequests":             "D: cannot build t: registry.example has had too many requests from here: failed to copy: https://registry.example/v2/a/b/blobs/sha256:1: 429 Too Many Requests: toomanyrequests",
		"failed to copy: https://registry.example/v2/a/b/blobs/sha256:4014034042900: dial tcp 127.0.0.1:42940: i/o timeout":  "D: cannot build t: cannot reach registry.example for " + up + ": failed to copy: https://registry.example/v2/a/b/blobs/sha256:4014034042900: dial tcp 127.0.0.1:42940: i/o timeout",
		"failed to copy: https://registry.example/v2/a/b/blobs/sha256:1: 403 Forbidden":                                      "D: cannot build t: registry.example does not let us pull " + up + ": failed to copy: https://registry.example/v2/a/b/blobs/sha256:1: 403 Forbidden",
		"failed to copy: https://registry.example/v2/a/b/blobs/sha256:1: 500 teapot":                                         "D: cannot build t: cannot pull " + up + ": failed to copy: https://registry.example/v2/a/b/blobs/sha256:1: 500 teapot",
		"rpc error: code = Unknown desc = dockerfile parse error on line 2: unknown instruction: RNU (did you mean RUN?)":    "D: cannot build t: dockerfile parse error on line 2: unknown instruction: RNU",
		"failed to solve: \"/x\": not found":                                                                                 "D: cannot build t: \"/x\": not found",
		"failed to solve: checksum of nothing: not found":                                                                    "D: cannot build t: checksum of nothing: not found",
		"failed to solve: checksum \": not found":                                                                            "D: cannot build t: checksum \": not found",
		"failed to solve: other.example/a/b: connection refused by a/b/c":                                                    "D: cannot build t: other.example/a/b: connection refused by a/b/c",
	} {
		err := failure(unitRequest, errors.New(text), &frontEnd{}, newOutput(nil, nil))
		if err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
	}
	cause := errors.New("x")
	if err := failure(unitRequest, fmt.Errorf("failed to solve: %w", cause), &frontEnd{}, newOutput(nil, nil)); !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}

func TestStepNumbers(t *testing.T) {
	for name, want := range map[string][2]int{
		"[2/5] RUN x":               {2, 5},
		"[build 10/12] COPY a b":    {10, 12},
		"[linux/amd64 a 1/3] RUN":   {1, 3},
		"[internal] load":           {0, 0},
		"exporting layers":          {0, 0},
		"[x/y] z":                   {0, 0},
		"[1/y] z":                   {0, 0},
		"[2/5 RUN x":                {0, 0},
		"[context base] load 1/2 x": {0, 0},
		"":                          {0, 0},
	} {
		n, m := stepNumbers(name)
		if n != want[0] || m != want[1] {
			t.Errorf("%q is %d of %d, want %v", name, n, m, want)
		}
	}
}

func TestOutput(t *testing.T) {
	var log bytes.Buffer
	var events []Event
	o := newOutput(&log, func(e Event) { events = append(events, e) })
	ch := o.start()
	t0 := time.Unix(100, 0)
	at := func(s int) *time.Time { x := t0.Add(time.Duration(s) * time.Second); return &x }
	a := client.Vertex{Digest: "a", Name: "[1/2] RUN a"}
	ch <- &client.SolveStatus{Vertexes: []*client.Vertex{&a, {Digest: "b", Name: "[2/2] RUN b"}}}
	a1 := a
	a1.Started = at(0)
	ch <- &client.SolveStatus{Vertexes: []*client.Vertex{&a1}, Logs: []*client.VertexLog{{Vertex: "a", Data: []byte("par")}}}
	ch <- &client.SolveStatus{Logs: []*client.VertexLog{{Vertex: "a", Data: []byte("tial\r\n10%\r20%\rdone\nno end")}, {Vertex: "unknown", Data: []byte("x\n")}}}
	a2 := a1
	a2.Completed = at(2)
	ch <- &client.SolveStatus{Vertexes: []*client.Vertex{&a2}}
	ch <- &client.SolveStatus{Vertexes: []*client.Vertex{&a2}} // the engine repeats itself
	var many strings.Builder
	for i := range 25 {
		fmt.Fprintln(&many, i)
	}
	ch <- &client.SolveStatus{
		Vertexes: []*client.Vertex{{Digest: "b", Name: "[2/2] RUN b", Started: at(2), Completed: at(3), Error: "broken"}},
		Logs:     []*client.VertexLog{{Vertex: "b", Data: []byte(many.String())}},
	}
	ch <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: "c", Name: "export", Started: at(3), Completed: at(3), Error: "context canceled"}}}
	close(ch)
	o.wait()
	wantHead := "#1 [1/2] RUN a\n#1 partial\n#1 done\n#1 no end\n#1 DONE 2.0s\n\n#2 [2/2] RUN b\n#2 0\n"
	if got := log.String(); !strings.HasPrefix(got, wantHead) || !strings.Contains(got, "#2 24\n#2 ERROR: broken\n\n#3 export\n") {
		t.Errorf("log:\n%s", got)
	}
	want := []Event{
		{"[1/2] RUN a", 1, 2, StepStarted, *at(0), 0},
		{"[1/2] RUN a", 1, 2, StepCompleted, *at(2), 2 * time.Second},
		{"[2/2] RUN b", 2, 2, StepStarted, *at(2), 0},
		{"[2/2] RUN b", 2, 2, StepFailed, *at(3), time.Second},
		{"export", 0, 0, StepStarted, *at(3), 0},
		{"export", 0, 0, StepFailed, *at(3), 0},
	}
	if !slices.Equal(events, want) {
		t.Errorf("got  %v\nwant %v", events, want)
	}
	if o.failed == nil || o.failed.name != "[2/2] RUN b" || len(o.failed.tail) != 20 || o.failed.tail[0] != "5" || o.failed.tail[19] != "24" {
		t.Errorf("failed %+v", o.failed)
	}
}

func TestAccountForLayers(t *testing.T) {
	for _, c := range []struct {
		config string
		layers int
		want   string
	}{
		{`{"a":1,"history":[{"created_by":"x"},{"created_by":"y","empty_layer":true}]}`, 1, `{"a":1,"history":[{"created_by":"x"},{"created_by":"y","empty_layer":true}]}`},
		{`{"a":1}`, 0, `{"a":1}`},
		{`{"z":{"b":2},"created":"2020-01-01T00:00:00Z"}`, 2, `{"created":"2020-01-01T00:00:00Z","history":[{"created":"2020-01-01T00:00:00Z","created_by":"layer"},{"created":"2020-01-01T00:00:00Z","created_by":"layer"}],"z":{"b":2}}`},
		{`{"history":[{"comment":"kept"}]}`, 2, `{"history":[{"comment":"kept"},{"created_by":"layer"}]}`},
		{`{"history":[{"created_by":"x"}]}`, 0, `{"history":null}`},
	} {
		got, err := accountForLayers([]byte(c.config), c.layers)
		if err != nil || string(got) != c.want {
			t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
		}
	}
	for _, bad := range []string{``, `[]`, `{"history":[1]}`} {
		if _, err := accountForLayers([]byte(bad), 1); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}

func FuzzAccountForLayers(f *testing.F) {
	f.Add([]byte(`{"history":[{"comment":"kept"}],"created":null}`), 2)
	f.Add([]byte(`{"History":[{"empty_layer":true}]}`), 1)
	f.Fuzz(func(t *testing.T, config []byte, layers int) {
		layers &= 15
		out, err := accountForLayers(config, layers)
		if err == nil && !json.Valid(out) {
			t.Errorf("not JSON: %q", out)
		}
	})
}

func FuzzMissingSource(f *testing.F) {
	f.Add(`checksum of "/a": not found`)
	f.Add(`lstat /a: no such file or directory`)
	f.Fuzz(func(t *testing.T, text string) {
		if got := missingSource(text); !strings.Contains(text, got) {
			t.Errorf("%q is not in %q", got, text)
		}
		clean(text)
		stepNumbers(text)
	})
}

func TestRedirect(t *testing.T) {
	manifest := digest.FromString("m")
	n := &names{byKey: map[string]*named{}}
	entry := &named{image: NamedImage{Text: "p", Manifest: manifest}}
	ref, err := normalise("p")
	if err != nil {
		t.Fatal(err)
	}
	if err := entry.setSource(ref, manifest); err != nil {
		t.Fatal(err)
	}
	n.byKey[ref.String()] = entry
	second := &named{image: NamedImage{Text: "q", Manifest: manifest}, source: "docker.io/library/q:latest@" + manifest.String()}
	n.byKey["q"] = second
	if want := "docker.io/library/p:latest@" + manifest.String(); entry.source != want {
		t.Fatalf("source %s, want %s", entry.source, want)
	}
	sm := llb.NewSourceMap(nil, "D", "Dockerfile", []byte("FROM p\nRUN x\n"))
	st := llb.Image(entry.source, llb.LinuxAmd64).Run(llb.Args([]string{"x"}), llb.WithCustomName("step"),
		sm.Location([]*pb.Range{{Start: &pb.Position{Line: 2}, End: &pb.Position{Line: 2}}})).
		File(llb.Copy(llb.Image("docker.io/library/other:1"), "/a", "/b").Copy(llb.Image(second.source, llb.LinuxAmd64), "/a", "/c"))
	def, err := st.Marshal(t.Context(), llb.LinuxAmd64)
	if err != nil {
		t.Fatal(err)
	}
	before := def.ToPB().CloneVT()
	g, err := readGraph(before)
	if err != nil {
		t.Fatal(err)
	}
	n.redirect(g)
	got, err := g.definition(g.result)
	if err != nil {
		t.Fatal(err)
	}
	if again := def.ToPB(); !slices.EqualFunc(before.Def, again.Def, bytes.Equal) {
		t.Error("the definition given was changed")
	}
	known := map[string]bool{}
	var sources []string
	for _, data := range got.Def {
		var op pb.Op
		if err := op.Unmarshal(data); err != nil {
			t.Fatal(err)
		}
		for _, in := range op.Inputs {
			if !known[in.Digest] {
				t.Errorf("input %s is unknown", in.Digest)
			}
		}
		dgst := digest.FromBytes(data).String()
		known[dgst] = true
		if s := op.GetSource(); s != nil {
			sources = append(sources, s.Identifier)
			if strings.HasPrefix(s.Identifier, "oci-layout:") && (len(s.Attrs) != 1 || s.Attrs["oci.store"] != "plinth") {
				t.Errorf("attributes %v", s.Attrs)
			}
		}
		if op.GetExec() != nil {
			if got.Metadata[dgst].GetDescription()["llb.customname"] != "step" {
				t.Error("the step lost its name")
			}
			if locs := got.Source.Locations[dgst].GetLocations(); len(locs) != 1 || locs[0].Ranges[0].Start.Line != 2 {
				t.Errorf("the step lost its place: %v", locs)
			}
		}
	}
	slices.Sort(sources)
	if want := []string{"docker-image://docker.io/library/other:1", "oci-layout://plinth.invalid/image@" + manifest.String()}; !slices.Equal(sources, want) {
		t.Errorf("sources %q, want %q", sources, want)
	}
	// one image under two names is one step
	if len(known) != len(got.Def) || len(got.Def) != len(before.Def)-1 {
		t.Errorf("%d steps, %d of them different, want %d", len(got.Def), len(known), len(before.Def)-1)
	}
	slices.Reverse(before.Def)
	if _, err := readGraph(before); err == nil || !strings.Contains(err.Error(), "comes before its input") {
		t.Errorf("got %v", err)
	}
}

func TestDeclaresArg(t *testing.T) {
	for dockerfile, want := range map[string]bool{
		"ARG SOURCE_DATE_EPOCH\nFROM x":            true,
		"FROM x\narg A B SOURCE_DATE_EPOCH=1":      true,
		"FROM x\nARG SOURCE_DATE_EPOCH_2":          false,
		"FROM x\nENV SOURCE_DATE_EPOCH=1":          false,
		"FROM x\nRUN echo SOURCE_DATE_EPOCH":       false,
		"":                                         false,
		"FROM x\nARG \\\n  SOURCE_DATE_EPOCH=\"\"": true,
	} {
		if got := declaresArg([]byte(dockerfile), "SOURCE_DATE_EPOCH"); got != want {
			t.Errorf("%q: %v", dockerfile, got)
		}
	}
}
