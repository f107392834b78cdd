// Command refcheck reads Dockerfiles with BuildKit's own code and prints a line
// for each: its verdict, the path, and what BuildKit objects to. The verdict is
//
//	accepts  it becomes a build, as far as that can be told without base images
//	parses   its syntax is right, but no build can be made of it as it stands
//	rejects  its syntax is wrong
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cannot read the Dockerfiles:", err)
		os.Exit(1)
	}
}

func run(paths []string) error {
	w := bufio.NewWriter(os.Stdout)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		verdict, err := "rejects", parse(data)
		if err == nil {
			verdict, err = "parses", convert(data)
		}
		why := ""
		if err != nil {
			why = strings.Join(strings.Fields(err.Error()), " ")
		} else {
			verdict = "accepts"
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\n", verdict, path, why); err != nil {
			return err
		}
	}
	return w.Flush()
}

// parse reads it as instructions, not only as lines.
func parse(data []byte) error {
	result, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return err
	}
	stages, _, err := instructions.Parse(result.AST, linter.New(&linter.Config{}))
	if err == nil && len(stages) == 0 {
		return fmt.Errorf("there is no build stage")
	}
	return err
}

func convert(data []byte) error {
	platform := ocispec.Platform{OS: "linux", Architecture: "amd64"}
	_, err := dockerfile2llb.Dockerfile2LLB(context.Background(), data, dockerfile2llb.ConvertOpt{
		Config:         dockerui.Config{BuildPlatforms: []ocispec.Platform{platform}},
		TargetPlatform: &platform,
		MetaResolver:   anyImage{},
	})
	return err
}

// anyImage resolves every reference to an image without content.
type anyImage struct{}

// ResolveImageConfig implements llb.ImageMetaResolver.
func (anyImage) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := []byte(`{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}`)
	return ref, digest.FromBytes(config), config, nil
}
