package main

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/plinth-build/plinth/internal/store"
)

// stateDir is where the script's plinth keeps its state.
func stateDir(ts *testscript.TestScript) string {
	if dir := ts.Getenv("PLINTH_STATE"); dir != "" {
		return ts.MkAbs(dir)
	}
	return filepath.Join(worldOf(ts).dir, ".plinth")
}

// stored finds a target's image.
func stored(ts *testscript.TestScript, target string) (*store.Store, ocispec.Descriptor) {
	st := store.View(filepath.Join(stateDir(ts), "store"))
	refs, err := st.Refs()
	ts.Check(err)
	desc, ok := refs[target]
	if !ok {
		ts.Fatalf("%s is not in the store", target)
	}
	return st, desc
}

// cmdBlob: blob delete|truncate|flip TARGET
func cmdBlob(ts *testscript.TestScript, _ bool, args []string) {
	st, desc := stored(ts, args[1])
	m, err := st.ReadManifest(desc.Digest)
	ts.Check(err)
	file := st.BlobPath(m.Layers[len(m.Layers)-1].Digest)
	data, err := os.ReadFile(file)
	ts.Check(err)
	// the engine may hold the same file under another name: a fault of the disk
	// would hit one of them, so the blob is replaced and not written to
	ts.Check(os.Remove(file))
	switch args[0] {
	case "delete":
	case "truncate":
		ts.Check(os.WriteFile(file, data[:len(data)/2], 0o644))
	case "flip":
		data[len(data)/2] ^= 1
		ts.Check(os.WriteFile(file, data, 0o644))
	default:
		ts.Fatalf("blob %s?", args[0])
	}
}

// cmdImage: image TARGET PATH
func cmdImage(ts *testscript.TestScript, neg bool, args []string) {
	st, desc := stored(ts, args[0])
	m, err := st.ReadManifest(desc.Digest)
	ts.Check(err)
	want, found := strings.TrimPrefix(args[1], "/"), false
	var content []byte
	for _, l := range m.Layers {
		data, ok, err := readLayer(st.BlobPath(l.Digest), want)
		ts.Check(err)
		if ok {
			content, found = data, true
		}
	}
	if found == neg {
		ts.Fatalf("%s in %s: %t", args[1], args[0], found)
	}
	_, err = ts.Stdout().Write(content)
	ts.Check(err)
}

func readLayer(blob, want string) (content []byte, found bool, err error) {
	f, err := os.Open(blob)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", blob, err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return content, found, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", blob, err)
		}
		if path.Clean(h.Name) == want {
			found = true
			if content, err = io.ReadAll(r); err != nil {
				return nil, false, err
			}
		}
	}
}

// cmdConfig: config TARGET
func cmdConfig(ts *testscript.TestScript, _ bool, args []string) {
	st, desc := stored(ts, args[0])
	config, err := st.ReadConfig(desc.Digest)
	ts.Check(err)
	_, err = ts.Stdout().Write(config)
	ts.Check(err)
}

// cmdDigests prints TARGET DIGEST for each target.
func cmdDigests(ts *testscript.TestScript, _ bool, _ []string) {
	refs, err := store.View(filepath.Join(stateDir(ts), "store")).Refs()
	ts.Check(err)
	for _, name := range sortedNames(refs) {
		fmt.Fprintln(ts.Stdout(), name, refs[name].Digest)
	}
}

// cmdJQ: jq PATH, of what the last command printed
func cmdJQ(ts *testscript.TestScript, _ bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for _, step := range strings.FieldsFunc(args[0], func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch c := v.(type) {
		case map[string]any:
			v = c[step]
		case []any:
			i, err := strconv.Atoi(step)
			ts.Check(err)
			if i >= len(c) {
				ts.Fatalf("%s: there are %d", args[0], len(c))
			}
			v = c[i]
		default:
			ts.Fatalf("%s: nothing at %s", args[0], step)
		}
	}
	data, err := json.Marshal(v)
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), string(data))
}
