package layer

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// realTar makes tars of about the given number of bytes out of the files of the Go
// installation: sources, texts, programs.
func realTar(b *testing.B, size int) (first, second []byte) {
	b.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	check(b, err)
	root := strings.TrimSpace(string(out))
	var files []file
	total := 0
	check(b, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || total >= size {
			return err
		}
		name := strings.TrimPrefix(strings.TrimPrefix(p, root), "/")
		switch {
		case name == "" || strings.Contains(name, whiteoutPrefix):
		case d.IsDir():
			files = append(files, file{Header: tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755}})
		case d.Type().IsRegular():
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			total += len(data)
			files = append(files, file{Header: tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data))}, data: string(data)})
		}
		return nil
	}))
	if total < size/2 {
		b.Fatalf("only %d bytes were found", total)
	}
	// a second layer changes a hundredth of the files and takes away as many
	var changes []file
	for i, f := range files {
		switch {
		case f.Typeflag != tar.TypeReg:
		case i%100 == 0:
			changes = append(changes, f)
		case i%100 == 1:
			dir, base := split(f.Name)
			changes = append(changes, file{Header: tar.Header{Typeflag: tar.TypeReg, Name: join(dir, whiteoutPrefix+base)}})
		}
	}
	return pack(b, files), pack(b, changes)
}

// reportCPU adds the processor time of an operation, which other work on the
// machine changes less than the time of the clock. Call it before the loop and
// what it returns after it.
func reportCPU(b *testing.B) (stop func()) {
	used := func() int64 {
		var u unix.Rusage
		check(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
		return u.Utime.Nano() + u.Stime.Nano()
	}
	begin := used()
	return func() { b.ReportMetric(float64(used()-begin)/1e6/float64(b.N), "cpu-ms/op") }
}

const benchSize = 64 << 20

// BenchmarkCompressOnly is what a layer costs that is only hashed and compressed.
func BenchmarkCompressOnly(b *testing.B) {
	first, _ := realTar(b, benchSize)
	layer := blob(b, first, asFile)
	b.SetBytes(int64(len(first)))
	stop := reportCPU(b)
	for b.Loop() {
		r, err := layer.Open()
		check(b, err)
		raw, packed := sha256.New(), sha256.New()
		z := newMembers(io.MultiWriter(io.Discard, packed))
		_, err = io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(z, raw)}, r, make([]byte, 256<<10))
		check(b, err, z.Close())
		r.Close()
	}
	stop()
}

// BenchmarkFold is what it costs to fold two layers and to compress the result.
func BenchmarkFold(b *testing.B) {
	first, second := realTar(b, benchSize)
	for _, how := range []string{asFile, asGzip} {
		b.Run(how, func(b *testing.B) {
			own := blobs(b, how, first, second)
			b.SetBytes(int64(len(first)))
			stop := reportCPU(b)
			for b.Loop() {
				_, err := Write(b.Context(), nil, own, io.Discard, Options{Epoch: epoch, TempDir: b.TempDir()})
				check(b, err)
			}
			stop()
		})
	}
}

// BenchmarkFoldOnly is the same without the compression.
func BenchmarkFoldOnly(b *testing.B) {
	first, second := realTar(b, benchSize)
	own := blobs(b, asFile, first, second)
	b.SetBytes(int64(len(first)))
	stop := reportCPU(b)
	for b.Loop() {
		_, err := Fold(b.Context(), nil, own, io.Discard, Options{Epoch: epoch})
		check(b, err)
	}
	stop()
}

// BenchmarkSmallOverLarge is a small layer over 50,000 files, with a deletion: with the index in a cache and without.
func BenchmarkSmallOverLarge(b *testing.B) {
	var files []file
	for i := range 50_000 {
		dir := fmt.Sprintf("usr/share/package-%d/", i/20)
		if i%20 == 0 {
			files = append(files, file{Header: tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}})
		}
		data := fmt.Sprint(i)
		files = append(files, file{Header: tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("%sfile-%d.conf", dir, i), Mode: 0o644, Size: int64(len(data))}, data: data})
	}
	below := blobs(b, asGzip, pack(b, files))
	own := blobs(b, asFile, pack(b, parse("usr/ usr/share/ usr/share/package-7/ -usr/share/package-7/file-141.conf new=1")))
	for name, cache := range map[string]Cache{"cached": Cache(b.TempDir()), "afresh": ""} {
		b.Run(name, func(b *testing.B) {
			stop := reportCPU(b)
			for b.Loop() {
				var out bytes.Buffer
				_, err := Fold(b.Context(), below, own, &out, Options{Epoch: epoch, Index: cache})
				check(b, err)
			}
			stop()
		})
	}
}
