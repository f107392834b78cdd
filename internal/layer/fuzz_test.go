package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// bounded is a writer that has room for some bytes: a file with a hole can be longer than time is.
type bounded struct{ bytes.Buffer }

var errFull = errors.New("full")

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > 4<<20 {
		return 0, errFull
	}
	return b.Buffer.Write(p)
}

// Whatever the tar of an own layer is, Fold gives an error or a tar that folds to itself.
func FuzzFold(f *testing.F) {
	for _, test := range folds {
		for _, l := range test.own {
			f.Add(pack(f, parse(l)))
		}
	}
	for seed := range uint64(10) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 4)), wild: true, root: true, fs: model{}}
		f.Add(pack(f, g.layer()))
	}
	f.Add(sparse())
	below := blobs(f, asStream, pack(f, parse("a=1 d/ d/x=2 d/s/y=3 l->d b~a p|")), pack(f, parse("c=1 -b !d/s e->/l/s")))
	f.Fuzz(func(t *testing.T, data []byte) {
		run := func(b Blob) ([]byte, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var out bounded
			_, err := Fold(ctx, below, []Blob{b}, &out, Options{Epoch: epoch})
			return out.Bytes(), err
		}
		streamed, err := run(stored(ocispec.MediaTypeImageLayer, data))
		placed := stored(ocispec.MediaTypeImageLayer, data)
		placed.Open = func() (io.ReadCloser, error) { return readerAt{bytes.NewReader(data)}, nil }
		got, err2 := run(placed)
		if (err == nil) != (err2 == nil) || err == nil && !bytes.Equal(got, streamed) {
			t.Fatalf("read in place it is another: %v, %v", err, err2)
		}
		if err != nil {
			return
		}
		r := tar.NewReader(bytes.NewReader(got))
		for {
			if _, err := r.Next(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("the result is no tar: %v", err)
			}
		}
		again, err := run(stored(ocispec.MediaTypeImageLayer, got))
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("folded again: %v\n%s\n%s", err, brief(unpack(t, got)), brief(unpack(t, again)))
		}
	})
}

// Nothing that a cache holds makes reading it fail, but for what was written.
func FuzzDecodeEntries(f *testing.F) {
	for _, test := range folds {
		for _, l := range test.own {
			entries, err := readIndex(f.Context(), blob(f, pack(f, parse(l)), asStream), true)
			if err == nil {
				f.Add(encodeEntries(entries))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, ok := decodeEntries(string(data))
		if !ok {
			return
		}
		again, ok := decodeEntries(string(encodeEntries(entries)))
		if !ok || !bytes.Equal(encodeEntries(again), encodeEntries(entries)) {
			t.Errorf("%+v is written as %+v", entries, again)
		}
	})
}
