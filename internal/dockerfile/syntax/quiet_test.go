package syntax

import (
	"io"
	"os"
	"testing"
)

// BuildKit's lexer writes to standard error what it cannot read.
func TestNothingIsWrittenToStandardError(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = w
	f := Parse("Dockerfile", []byte("FROM a\nCOPY <<\xffa <<b\x00 /x\nhello\n\xffa\nb\x00\nRUN b\n"))
	os.Stderr = before
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := io.ReadAll(r); err != nil || len(out) > 0 {
		t.Errorf("on standard error: %q, %v", out, err)
	}
	if n := len(f.Instructions); n != 3 || len(f.Instructions[1].Heredocs) != 2 || f.Instructions[1].Heredocs[0].Body.S != "hello\n" {
		t.Errorf("%d instructions, %+v", n, f.Instructions)
	}
}
