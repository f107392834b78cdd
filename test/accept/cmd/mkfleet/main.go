// Command mkfleet writes a synthetic catalog: chains of images of a given
// depth, each with its own build context of random files. Equal flags write
// equal bytes. It also writes a bake file for the same fleet, so that another
// builder can be timed beside plinth.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const registry = "registry.example/fleet"

type fleet struct {
	targets, depth int
	files, bytes   int
	random         *rand.ChaCha8
}

func main() {
	var f fleet
	var seed uint64
	flag.IntVar(&f.targets, "targets", 200, "how many images")
	flag.IntVar(&f.depth, "depth", 4, "how many images stand on each other")
	flag.IntVar(&f.files, "files", 20, "files in each context")
	flag.IntVar(&f.bytes, "bytes", 1<<20, "bytes in each context")
	flag.Uint64Var(&seed, "seed", 1, "of the contents")
	flag.Parse()
	if flag.NArg() != 1 || f.targets < 1 || f.depth < 1 || f.files < 1 || f.bytes < f.files {
		fmt.Fprintln(os.Stderr, "usage: mkfleet [-targets N] [-depth N] [-files N] [-bytes N] [-seed N] FOLDER")
		os.Exit(64)
	}
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	f.random = rand.NewChaCha8(key)
	if err := f.write(flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "cannot write the fleet:", err)
		os.Exit(1)
	}
}

// bakeTarget is what a bake file says about a target.
type bakeTarget struct {
	Context  string            `json:"context"`
	Contexts map[string]string `json:"contexts,omitempty"`
	Output   []string          `json:"output"`
}

func (f fleet) write(root string) error {
	bake := map[string]bakeTarget{}
	var names []string
	for i := range f.targets {
		name, folder := fmt.Sprintf("img%03d", i), fmt.Sprintf("%04d-img%03d", i%f.depth*100, i)
		target := bakeTarget{Context: folder, Output: []string{"type=cacheonly"}}
		from := "FROM scratch"
		if i%f.depth > 0 {
			parent := fmt.Sprintf("img%03d", i-1)
			from = "ARG REGISTRY=" + registry + "\nFROM ${REGISTRY}/" + parent
			target.Contexts = map[string]string{registry + "/" + parent: "target:" + parent}
		}
		dockerfile := from + "\nCOPY files /srv/" + name + "\nENV LAST=" + name + "\n"
		if err := f.image(filepath.Join(root, folder), dockerfile); err != nil {
			return err
		}
		bake[name] = target
		names = append(names, name)
	}
	if err := os.WriteFile(filepath.Join(root, "plinth.yaml"), []byte("registry: "+registry+"\n"), 0o644); err != nil {
		return err
	}
	data, err := json.MarshalIndent(map[string]any{
		"group":  map[string]any{"default": map[string]any{"targets": names}},
		"target": bake,
	}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "docker-bake.json"), data, 0o644)
}

// image writes one folder. The log is ignored, and the notes reach the
// context but no instruction copies them.
func (f fleet) image(dir, dockerfile string) error {
	if err := os.MkdirAll(filepath.Join(dir, "files", "sub"), 0o755); err != nil {
		return err
	}
	texts := map[string]string{
		"Dockerfile": dockerfile, ".dockerignore": "*.log\n", "build.log": "not part of the context\n", "notes.txt": "not copied\n",
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for i := range f.files {
		data := make([]byte, f.bytes/f.files)
		if _, err := io.ReadFull(f.random, data); err != nil {
			return err
		}
		name := fmt.Sprintf("file%02d", i)
		if i%2 == 1 {
			name = filepath.Join("sub", name)
		}
		if err := os.WriteFile(filepath.Join(dir, "files", name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
