package report

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/report/live"
)

var updateFrames = flag.Bool("update", false, "write testdata/frames.txt anew")

// busy is a run of 200 targets after 72 seconds: 23 are done and so many run.
func busy(running int) *view {
	var v view
	v.begin(fleet.Outlook{Targets: 200, Jobs: 4}, noon)
	for i := range 23 {
		v.end(fleet.Row{Target: fmt.Sprintf("base%03d", i), Status: fleet.Reused}, Style{})
	}
	steps := []string{"", "[2/4] RUN apt-get update && apt-get install -y --no-install-recommends openjdk-17-jre-headless ca-certificates",
		"[1/1] COPY sh /bin/sh", "writing the image", "[build 3/4] RUN echo '日本語の設定' > /etc/motd && echo '日本語の設定' >> /etc/motd"}
	reasons := []string{"never built here", "parent debian12 changed", "context: files/setup.sh changed; Dockerfile changed"}
	for i := range running {
		name := fmt.Sprintf("debian12-java17-%d", i)
		if i == 2 {
			name = "sh"
		}
		v.started(name, reasons[i%len(reasons)], noon.Add(time.Duration(7*i)*time.Second))
		v.step(name, steps[i%len(steps)])
	}
	return &v
}

// then is the moment at which busy is looked at.
var then = noon.Add(72*time.Second + 300*time.Millisecond)

func TestFrames(t *testing.T) {
	var got strings.Builder
	frame := func(title string, v *view, cols, height int, style Style, stopping bool) {
		t.Helper()
		rows := v.rows(then, cols, height, style, stopping)
		if len(rows) >= height {
			t.Errorf("%s: %d rows on a screen of %d", title, len(rows), height)
		}
		for _, r := range rows {
			if w := live.Width(r); w >= cols {
				t.Errorf("%s: %d columns on a screen of %d: %q", title, w, cols, r)
			}
			if !style.Colour && strings.Contains(r, "\x1b") {
				t.Errorf("%s: an escape sequence in %q", title, r)
			}
		}
		fmt.Fprintf(&got, "=== %s, %d by %d\n%s\n", title, cols, height, strings.ReplaceAll(strings.Join(rows, "\n"), "\x1b", "ESC"))
	}
	for _, cols := range []int{20, 80, 200} {
		frame("5 running", busy(5), cols, 24, Style{}, false)
	}
	frame("30 running", busy(30), 80, 24, Style{}, false)
	for _, height := range []int{6, 5, 4, 3, 2, 1} {
		frame("4 running, low", busy(4), 80, height, Style{}, false)
	}
	for _, cols := range []int{12, 5, 2, 1} {
		frame("1 running, narrow", busy(2), cols, 24, Style{}, false)
	}
	for _, cols := range []int{28, 29, 39, 62} {
		frame("3 running", busy(3), cols, 24, Style{}, false)
	}
	frame("colours", busy(3), 80, 24, Style{Colour: true}, false)
	frame("ASCII", busy(30), 80, 6, Style{ASCII: true}, false)
	v := busy(2)
	v.expected = []fleet.Expected{{Target: "debian12-java17-0", Took: 90 * time.Second}, {Target: "debian12-java17-1", Took: 2 * time.Minute}}
	frame("expected", v, 80, 24, Style{}, false)
	frame("expected, narrow", v, 46, 24, Style{}, false)
	frame("stopping", v, 80, 24, Style{Colour: true}, true)
	v.end(fleet.Row{Target: "debian12-java17-0", Status: fleet.Failed}, Style{})
	v.end(fleet.Row{Target: "x", Status: fleet.Blocked}, Style{})
	frame("failed", v, 80, 24, Style{}, false)
	frame("failed, in colour and narrow", v, 30, 24, Style{Colour: true}, false)
	frame("nothing yet", busy(0), 80, 24, Style{}, false)

	const name = "testdata/frames.txt"
	if *updateFrames {
		if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the frames are not those of %s (after reading them: go test ./internal/report -update):\n%s", name, got.String())
	}
}

// A frame fits on every screen.
func TestFramesFit(t *testing.T) {
	for _, style := range []Style{{}, {ASCII: true}, {Colour: true}} {
		for _, running := range []int{0, 1, 3, 30} {
			v := busy(running)
			for cols := 1; cols < 130; cols++ {
				for height := 1; height < 40; height += 3 {
					rows := v.rows(then, cols, height, style, false)
					if len(rows) >= height || height > running+1 && len(rows) != running+1 {
						t.Fatalf("%d running: %d rows on %d by %d", running, len(rows), cols, height)
					}
					for _, r := range rows {
						if live.Width(r) >= cols {
							t.Fatalf("%d running, %d by %d: %q", running, cols, height, r)
						}
					}
				}
			}
		}
	}
}

func TestEndedTargetsBecomeLines(t *testing.T) {
	for style, want := range map[Style]string{
		{}: `✓ java built in 1.5s, the same image as before  ← context: a b changed
✗ shop failed after 20ms  ← never built here
! web blocked: shop failed
■ api cancelled`,
		{ASCII: true}: `+ java built in 1.5s, the same image as before  <- context: a b changed
x shop failed after 20ms  <- never built here
! web blocked: shop failed
# api cancelled`,
		{Colour: true}: "\x1b[32m✓\x1b[0m \x1b[1mjava\x1b[0m \x1b[32mbuilt in 1.5s, the same image as before\x1b[0m\x1b[2m  ← context: a b changed\x1b[0m\n" +
			"\x1b[31m✗\x1b[0m \x1b[1mshop\x1b[0m \x1b[31mfailed after 20ms\x1b[0m\x1b[2m  ← never built here\x1b[0m\n" +
			"\x1b[33m!\x1b[0m \x1b[1mweb\x1b[0m \x1b[33mblocked: shop failed\x1b[0m\n\x1b[33m■\x1b[0m \x1b[1mapi\x1b[0m \x1b[33mcancelled\x1b[0m",
	} {
		var v view
		v.begin(fleet.Outlook{Targets: 6}, noon)
		v.started("java", "context: a\nb changed", noon)
		v.started("shop", "never built here", noon)
		for _, r := range rows {
			v.end(r, style)
		}
		if got := strings.Join(v.takeLines(), "\n"); got != want {
			t.Errorf("%+v: got\n%s\nwant\n%s", style, got, want)
		}
		if again := v.takeLines(); len(again)+len(v.running) > 0 {
			t.Errorf("left over: %q, %d running", again, len(v.running))
		}
	}
}

func TestLeft(t *testing.T) {
	const s = time.Second
	// a ─ b ─ c, and x alone
	fleetOf := func(a, b, c, x time.Duration) []fleet.Expected {
		return []fleet.Expected{{Target: "a", Took: a}, {Target: "b", Parents: []string{"a", "reused"}, Took: b}, {Target: "c", Parents: []string{"b"}, Took: c}, {Target: "x", Took: x}}
	}
	for _, tt := range []struct {
		what     string
		expected []fleet.Expected
		jobs     int
		running  map[string]time.Duration // since when
		ended    []string
		want     time.Duration
	}{
		{"the longest chain", fleetOf(10*s, 20*s, 30*s, 5*s), 2, nil, nil, 60 * s},
		{"one after the other", fleetOf(10*s, 20*s, 30*s, 5*s), 1, nil, nil, 65 * s},
		{"no jobs count as one", fleetOf(10*s, 20*s, 30*s, 5*s), 0, nil, nil, 65 * s},
		{"work for all", fleetOf(10*s, 20*s, 30*s, 100*s), 2, nil, nil, 100 * s},
		{"shared work", fleetOf(10*s, 10*s, 10*s, 20*s), 2, nil, nil, 30 * s},
		{"what is done counts no more", fleetOf(10*s, 20*s, 30*s, 5*s), 2, map[string]time.Duration{"b": 0}, []string{"a", "x"}, 50 * s},
		{"what has begun counts less", fleetOf(10*s, 20*s, 30*s, 5*s), 2, map[string]time.Duration{"a": 4 * s, "x": s}, nil, 56 * s},
		{"what is late is nearly done", fleetOf(10*s, 20*s, 30*s, 5*s), 2, map[string]time.Duration{"a": 99 * s}, nil, 50 * s},
		{"what is late takes nothing from the others", fleetOf(10*s, 20*s, 30*s, 5*s), 1, map[string]time.Duration{"a": 99 * s}, nil, 55 * s},
		{"one is unknown", fleetOf(10*s, 0, 30*s, 5*s), 2, nil, nil, 0},
		{"the unknown one is done", fleetOf(10*s, 0, 30*s, 5*s), 2, nil, []string{"a", "b"}, 30 * s},
		{"an unexpected one runs", fleetOf(10*s, 20*s, 30*s, 5*s), 2, map[string]time.Duration{"y": 0}, nil, 0},
		{"nothing is left", fleetOf(10*s, 20*s, 30*s, 5*s), 2, nil, []string{"a", "b", "c", "x"}, 0},
		{"nothing is known", nil, 2, nil, nil, 0},
	} {
		var v view
		v.begin(fleet.Outlook{Targets: 4, Jobs: tt.jobs}, noon)
		v.expected = tt.expected
		for name, since := range tt.running {
			v.started(name, "", noon.Add(-since))
		}
		for _, name := range tt.ended {
			v.end(fleet.Row{Target: name, Status: fleet.Built}, Style{})
		}
		if got := v.left(noon); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, got, tt.want)
		}
	}
}

func TestClocks(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 999 * time.Millisecond: "0s", 59_999 * time.Millisecond: "59s", time.Minute: "1m00s",
		3_599 * time.Second: "59m59s", time.Hour: "1h00m", 26*time.Hour + 5*time.Minute: "26h05m",
	} {
		if got := clock(d); got != want {
			t.Errorf("clock %s: %s, want %s", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		1: "5s", 5 * time.Second: "5s", 5001 * time.Millisecond: "10s", 55 * time.Second: "55s", 55_001 * time.Millisecond: "1m", 89 * time.Second: "1m",
		90 * time.Second: "2m", 59*time.Minute + 29*time.Second: "59m", 59*time.Minute + 30*time.Second: "1h00m", 100 * time.Minute: "1h40m",
	} {
		if got := roughly(d); got != want {
			t.Errorf("roughly %s: %s, want %s", d, got, want)
		}
	}
}
