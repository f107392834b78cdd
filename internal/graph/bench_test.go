package graph

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/catalog"
)

// BenchmarkLoadAndBuild reads 200 images with Dockerfiles of 60 lines, one in
// four with an image.yaml, and makes their graph. It is to stay under 60 ms of CPU.
func BenchmarkLoadAndBuild(b *testing.B) {
	files := map[string]string{}
	for i := range 200 {
		name := fmt.Sprintf("%04d-img%d", i/20*100, i)
		from := "ARG REGISTRY=reg.example/base\nFROM ${REGISTRY}/img" + fmt.Sprint(i/3)
		if i < 3 {
			from = "FROM debian:12"
		}
		body := from + " AS build\n"
		for j := range 14 {
			body += fmt.Sprintf("RUN apt-get update && \\\n    apt-get install -y package%d && \\\n    rm -rf /var/lib/apt/lists/*\nENV KEY%d=value\n", j, j)
		}
		files[name+"/Dockerfile"] = body + "FROM build\nCOPY --from=build /x /y\n"
		if i%4 == 0 {
			files[name+"/image.yaml"] = "title: Image\nowners: [team@example.com]\nargs: {VERSION: 1.2.3}\nlabels:\n  a: b\nrefresh: daily\n"
		}
	}
	root := load(b, files).Root
	if err := os.MkdirAll(filepath.Join(root, ".plinth/store"), 0o755); err != nil {
		b.Fatal(err)
	}
	before := cpuTime(b)
	for b.Loop() {
		c, err := catalog.Load(root)
		if err != nil {
			b.Fatal(err)
		}
		g, err := Build(c)
		if err != nil || len(g.Targets) != 200 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// cpuTime is what this process has used on all processors: the wall time of a busy machine says little.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
