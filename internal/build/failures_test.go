package build

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
)

func TestCancelledBuild(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := f.request("FROM base\nRUN echo started && sleep 600\n", nil)
	var at time.Time
	r.Log = writerFunc(func(p []byte) {
		if strings.HasSuffix(string(p), " started\n") {
			at = time.Now()
			cancel()
		}
	})
	_, err := f.Build(ctx, r)
	if !errors.Is(err, context.Canceled) || errors.Unwrap(err) != nil {
		t.Errorf("got %v, want context.Canceled itself", err)
	}
	if took := time.Since(at); at.IsZero() || took > 2*time.Second {
		t.Errorf("cancelled %s before the end", took)
	}
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

func TestFailingRun(t *testing.T) {
	f := newFixture(t)
	e := f.fail(f.request("FROM base\n\n# a comment\nRUN lines 30 && \\\n    exit 7\nRUN echo never\n", nil))
	if want := "0100-child/Dockerfile:4: cannot build child: RUN exited with code 7: lines 30 && exit 7"; e.Error() != want {
		t.Errorf("got  %s\nwant %s", e, want)
	}
	if e.ExitCode != 7 || len(e.Tail) != 20 || e.Tail[0] != "line 11" || e.Tail[19] != "line 30" {
		t.Errorf("code %d, tail %q", e.ExitCode, e.Tail)
	}
	if got := diag.Flatten(e); len(got) != 1 || got[0] != e.Err && got[0].Pos != e.Err.Pos {
		t.Errorf("flattened to %v", got)
	}
	for command, want := range map[string]string{
		"exit 137":      "RUN was killed by SIGKILL (exit code 137): exit 137",
		"nosuchcommand": "RUN exited with code 127: nosuchcommand",
	} {
		e := f.fail(f.request("FROM base\nRUN "+command+"\n", nil))
		if got := strings.TrimPrefix(e.Error(), "0100-child/Dockerfile:2: cannot build child: "); got != want || len(e.Err.Hints) != 1 {
			t.Errorf("got  %s %q\nwant %s", got, e.Err.Hints, want)
		}
	}
	full := f.fail(f.request("FROM base\nRUN echo cp: No space left on device && exit 1\n", nil))
	if !errors.Is(full, syscall.ENOSPC) || full.ExitCode != 1 {
		t.Errorf("got %v", full)
	}
}

func TestOtherFailures(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct{ dockerfile, want string }{
		{"FROM base\nRUN true\nCOPY missing.txt other /\n", "0100-child/Dockerfile:3: cannot build child: there is no missing.txt to copy"},
		{"FROM base AS x\nFROM base\nCOPY --from=x /no/file /\n", "0100-child/Dockerfile:3: cannot build child: there is no no/file to copy"},
		{"FROM base\nRNU true\n", "0100-child/Dockerfile:2: cannot build child: dockerfile parse error on line 2: unknown instruction: RNU"},
		{"FROM bse\n", "0100-child/Dockerfile:1: cannot build child: bse is neither a target of this catalog nor a locked upstream"},
		{"FROM base\nCOPY --from=debian:12 / /\n", "0100-child/Dockerfile:2: cannot build child: debian:12 is neither a target of this catalog nor a locked upstream"},
		{"FROM base\nRUN --mount=from=golang,target=/x echo hi\n", "0100-child/Dockerfile:2: cannot build child: golang is neither a target of this catalog nor a locked upstream"},
		{"FROM base\nCOPY --from=base:2 / /\n", "0100-child/Dockerfile:2: cannot build child: base:2 is neither a target of this catalog nor a locked upstream"},
	} {
		e := f.fail(f.request(c.dockerfile, map[string]string{"other": "x"}))
		if e.Error() != c.want {
			t.Errorf("%q\ngot  %s\nwant %s", c.dockerfile, e, c.want)
		}
	}
	e := f.fail(f.request("FROM bse\n", nil))
	if want := []string{"did you mean base?", "plinth update pins an upstream's digest in plinth.lock"}; !slices.Equal(e.Err.Hints, want) {
		t.Errorf("hints %q", e.Err.Hints)
	}
	r := f.request("FROM base\n", nil)
	r.Stage = "nosuch"
	if e := f.fail(r); !strings.Contains(e.Error(), `target stage "nosuch" could not be found`) {
		t.Errorf("got %v", e)
	}
}

func TestUnreachableUpstream(t *testing.T) {
	f := newFixture(t)
	ref := "localhost:1/team/image:3@" + f.base.String()
	r := f.request("FROM base\nCOPY --from=localhost:1/team/image:3 /a /\n", nil)
	r.Named = append(r.Named, NamedImage{Text: "localhost:1/team/image:3", Upstream: ref})
	e := f.fail(r)
	if want := "0100-child/Dockerfile:2: cannot build child: cannot reach localhost:1 for " + ref; !strings.HasPrefix(e.Error(), want) || !strings.Contains(e.Error(), "http://localhost:1/") {
		t.Errorf("got  %s\nwant %s", e, want)
	}
	if want := []string{"check the network and the proxy settings (HTTPS_PROXY)"}; !slices.Equal(e.Err.Hints, want) {
		t.Errorf("hints %q", e.Err.Hints)
	}
}
