// Package enginetest has what tests need to run containers without a network:
// a small static shell, compiled from the sources beside it.
package enginetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// shell is compiled once per test binary.
var shell = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "plinth-sh-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "sh")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", out, "github.com/plinth-build/plinth/internal/engine/enginetest/sh")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
})

// Shell gives a static binary that understands `sh -c 'COMMAND && COMMAND'` with
// the commands in sh/main.go. It fails the test when it cannot be compiled.
func Shell(t testing.TB) []byte {
	t.Helper()
	data, err := shell()
	if err != nil {
		t.Fatalf("cannot compile the test shell: %v", err)
	}
	return data
}
