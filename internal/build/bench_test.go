package build

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkSquash builds an image with Go's own sources and programs in it, some
// of them removed again, and measures the processor time of it. The engine's cache
// is warm but for the layers, which are made and compressed each time.
func BenchmarkSquash(b *testing.B) {
	f := newFixture(b)
	dir := f.folder(nil)
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		b.Fatal(err)
	}
	for _, sub := range []string{"src", "pkg", "bin"} {
		if err := os.CopyFS(filepath.Join(dir, sub), os.DirFS(filepath.Join(strings.TrimSpace(string(root)), sub))); err != nil {
			b.Fatal(err)
		}
	}
	for _, how := range []Squash{SquashNone, SquashOwn, SquashAll} {
		b.Run(string(how), func(b *testing.B) {
			var cpu time.Duration
			for b.Loop() {
				r := f.request("FROM base\nCOPY . /go\nRUN rm /go/src/cmd\nRUN echo x > /go/VERSION\n", nil)
				r.ContextDir, r.ContextDigest, r.Squash, r.NoCache = dir, "go", how, true
				r.Log = io.Discard
				before := cpuTime(b)
				if _, err := f.Build(b.Context(), r); err != nil {
					b.Fatal(err)
				}
				cpu += cpuTime(b) - before
			}
			b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
