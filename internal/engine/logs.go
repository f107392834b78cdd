package engine

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"sync"

	"github.com/sirupsen/logrus"
	"go.opentelemetry.io/otel"
	"google.golang.org/grpc/grpclog"

	"github.com/plinth-build/plinth/internal/diag"
)

// BuildKit, containerd, gRPC, net/http2 and OpenTelemetry log through loggers that are one
// per process and write to the terminal unless told otherwise. They are pointed
// at one writer once, because the running libraries read them without a lock;
// where that writer writes to is what an engine sets. With several engines in
// one process the last one started gets the lines of all.

// logLimit is the size in bytes at which the log starts anew.
const logLimit = 16 << 20

var logOutput = sync.OnceValue(func() *switchWriter {
	w := &switchWriter{to: io.Discard}
	log.SetOutput(w)
	logrus.SetOutput(w)
	logrus.SetLevel(logrus.InfoLevel)
	logrus.SetFormatter(&logrus.TextFormatter{DisableColors: true, FullTimestamp: true})
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, w, w))
	// BuildKit cuts the log of a step after 2 MiB or at 200 KiB a second, unless these say otherwise
	for _, limit := range []string{"BUILDKIT_STEP_LOG_MAX_SIZE", "BUILDKIT_STEP_LOG_MAX_SPEED"} {
		if os.Getenv(limit) == "" {
			_ = os.Setenv(limit, "-1") // fails for a name with = in it only
		}
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { fmt.Fprintf(w, "telemetry: %v\n", err) }))
	return w
})

// switchWriter writes to where it was last told to.
type switchWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (s *switchWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(p)
}

// set changes the target.
func (s *switchWriter) set(to io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = to
}

// reset drops what follows if the target is still from.
func (s *switchWriter) reset(from io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.to == from {
		s.to = io.Discard
	}
}

// openLog points the libraries' logs at path and returns what undoes it.
func openLog(path string) (func(), error) {
	out := logOutput()
	if path == "" {
		out.set(io.Discard)
		return func() {}, nil
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := os.Stat(path); err == nil && info.Size() > logLimit {
		flags |= os.O_TRUNC
	}
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(path, flags, 0o644)
	}
	if err != nil {
		return nil, diag.Errorf(diag.Position{}, "cannot open the engine's log: %w", err)
	}
	out.set(f)
	return func() {
		out.reset(f)
		f.Close()
	}, nil
}
