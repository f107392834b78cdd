package report

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/plan"
)

// noon is when the tests of progress begin.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// fakeClock is a clock that stands still.
type fakeClock struct{ now time.Time }

func (c *fakeClock) read() time.Time { return c.now }

func because(detail string) []plan.Reason {
	return []plan.Reason{{Kind: plan.Dockerfile, Subject: "Dockerfile", Detail: detail}}
}

func TestPlainProgress(t *testing.T) {
	var b bytes.Buffer
	p := NewPlain(&b, time.Now)
	p.Planned(fleet.Outlook{Targets: 6})
	p.Started("java", rows[1].Reasons)
	p.Step("java", "RUN make > log")
	p.Step("java", "RUN \x1b[31mprintf\x1b[0m 'a\nb'")
	for _, r := range rows {
		p.Ended(r)
	}
	p.Close()
	p.Close()
	want := `[java] build: Dockerfile changed
[java] RUN make > log
[java] RUN printf 'a b'
[java] built in 1.5s, the same image as before
[shop] failed after 20ms
[web] blocked: shop failed
[api] cancelled
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestPlainSaysWhatTakesLong(t *testing.T) {
	var b bytes.Buffer
	c := &fakeClock{noon}
	p := NewPlain(&b, c.read)
	var want []string
	after := func(d time.Duration, lines ...string) {
		t.Helper()
		c.now = c.now.Add(d)
		p.beat()
		want = append(want, lines...)
		if got := strings.TrimSuffix(b.String(), "\n"); got != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
	}
	p.Started("java", because("x"))
	after(0, "[java] build: x")
	after(59*time.Second + 999*time.Millisecond)
	after(time.Millisecond, "[java] still running: preparing (1m00s)")
	after(30 * time.Second)
	p.Step("java", "RUN mvn package")
	p.Started("shop", because("y"))
	after(30*time.Second, "[java] RUN mvn package", "[shop] build: y")
	p.Step("shop", "RUN sleep 1d")
	after(30*time.Second, "[shop] RUN sleep 1d", "[java] still running: RUN mvn package (1m00s)")
	after(30*time.Second, "[shop] still running: RUN sleep 1d (1m00s)")
	after(30*time.Second, "[java] still running: RUN mvn package (2m00s)")
	p.Ended(fleet.Row{Target: "java", Status: fleet.Built, Took: time.Second})
	after(2*time.Hour, "[java] built in 1.0s", "[shop] still running: RUN sleep 1d (2h01m)")
	p.Ended(fleet.Row{Target: "shop", Status: fleet.Failed, Took: time.Hour})
	after(time.Hour, "[shop] failed after 60m00s")
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestPlainLooksByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b lockedBuffer
		p := NewPlain(&b, time.Now)
		p.Planned(fleet.Outlook{})
		p.Started("java", because("x"))
		time.Sleep(66 * time.Second)
		p.Close()
		time.Sleep(time.Hour)
		if want := "[java] build: x\n[java] still running: preparing (1m00s)\n"; b.String() != want {
			t.Errorf("got\n%s\nwant\n%s", b.String(), want)
		}
	})
}

func TestJSONProgress(t *testing.T) {
	var b bytes.Buffer
	c := &fakeClock{noon}
	p := NewJSON(&b, c.read)
	p.Planned(fleet.Outlook{Targets: 6, Jobs: 2})
	p.Started("java", rows[1].Reasons)
	c.now = c.now.Add(1500 * time.Millisecond)
	p.Step("java", "RUN make > log")
	p.Ended(rows[3])
	p.Close()
	want := `{"event":"planned","time":"2026-11-22T12:00:00.000Z","targets":6,"jobs":2}
{"event":"started","time":"2026-11-22T12:00:00.000Z","target":"java","reasons":[{"kind":"dockerfile","subject":"Dockerfile","detail":"Dockerfile changed"}]}
{"event":"step","time":"2026-11-22T12:00:01.500Z","target":"java","step":"RUN make > log"}
{"event":"ended","time":"2026-11-22T12:00:01.500Z","target":"web","row":{"target":"web","status":"blocked","took":0,"cause":"shop"}}
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
