// Command peerfile writes what other builders need to build the Dockerfile
// targets of a catalog: a file for docker buildx bake, or a Makefile of docker
// builds. Package images come from a store, as OCI layouts (bake) or as images
// that were loaded before (make).
//
//	peerfile bake CATALOG STORE OUT     OUT is the folder for the images, one tar file each
//	peerfile make CATALOG STORE OUT     tiers of docker build, each waiting for the one before
//	peerfile bases CATALOG STORE OUT    the names of the package images that the others need
//	peerfile names CATALOG STORE OUT    the names of the Dockerfile targets
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/store"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: peerfile bake|make|bases|names CATALOG STORE OUT")
		os.Exit(64)
	}
	if err := run(os.Stdout, os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "peerfile:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, what, root, layout, out string) error {
	c, err := catalog.Load(root)
	if err != nil {
		return err
	}
	g, err := graph.Build(c)
	if err != nil {
		return err
	}
	switch what {
	case "bake":
		return bake(w, g, layout, out)
	case "make":
		return makefile(w, g)
	case "bases":
		for _, name := range bases(g) {
			fmt.Fprintln(w, name)
		}
		return nil
	case "names":
		for _, t := range g.Targets {
			if t.Dockerfile != nil {
				fmt.Fprintln(w, t.Name)
			}
		}
		return nil
	}
	return errors.New("it writes bake, make, bases or names")
}

// bakeTarget is what a bake file says about a target.
type bakeTarget struct {
	Context    string            `json:"context"`
	Dockerfile string            `json:"dockerfile"`
	Target     string            `json:"target,omitempty"`
	Args       map[string]string `json:"args,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	Contexts   map[string]string `json:"contexts,omitempty"`
	Output     []string          `json:"output"`
}

func bake(w io.Writer, g *graph.Graph, layout, out string) error {
	refs, err := store.View(layout).Refs()
	if err != nil {
		return err
	}
	targets := map[string]bakeTarget{}
	for _, t := range g.Targets {
		if t.Dockerfile == nil {
			continue
		}
		b := bakeTarget{
			Context: t.ContextDir, Dockerfile: dockerfile(g, t), Target: t.Stage, Args: t.Args, Labels: t.Labels, Contexts: map[string]string{},
			Output: []string{"type=oci,compression=gzip,dest=" + filepath.Join(out, bakeName(t)+".tar")},
		}
		for _, e := range t.Parents {
			if e.Target.Dockerfile != nil {
				b.Contexts[e.Text] = "target:" + bakeName(e.Target)
				continue
			}
			desc, ok := refs[e.Target.Name]
			if !ok {
				return fmt.Errorf("%s is not built: it has to be in %s", e.Target.Name, layout)
			}
			b.Contexts[e.Text] = "oci-layout://" + layout + "@" + desc.Digest.String()
		}
		targets[bakeName(t)] = b
	}
	data, err := json.MarshalIndent(map[string]any{
		"group":  map[string]any{"default": map[string]any{"targets": slices.Sorted(maps.Keys(targets))}},
		"target": targets,
	}, "", " ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// bakeName is a name as bake allows it, without dots.
func bakeName(t *graph.Target) string { return strings.ReplaceAll(t.Name, ".", "_") }

func dockerfile(g *graph.Graph, t *graph.Target) string {
	return filepath.Join(g.Catalog.Root, filepath.FromSlash(t.DockerfilePath))
}

func bases(g *graph.Graph) []string {
	needed := map[string]bool{}
	for _, t := range g.Targets {
		for _, e := range t.Parents {
			if t.Dockerfile != nil && e.Target.Dockerfile == nil {
				needed[e.Target.Name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(needed))
}

// makefile has a target for each tier, which is the length of the longest way down.
func makefile(w io.Writer, g *graph.Graph) error {
	tier := map[*graph.Target]int{}
	var tiers [][]*graph.Target
	for _, t := range g.Targets {
		if t.Dockerfile == nil {
			continue
		}
		n := 0
		for _, e := range t.Parents {
			if e.Target.Dockerfile != nil {
				n = max(n, tier[e.Target]+1)
			}
		}
		tier[t] = n
		for len(tiers) <= n {
			tiers = append(tiers, nil)
		}
		tiers[n] = append(tiers[n], t)
	}
	fmt.Fprintf(w, "all: tier%d\n", len(tiers)-1)
	for n, targets := range tiers {
		var names []string
		for _, t := range targets {
			names = append(names, t.Name)
		}
		fmt.Fprintf(w, "tier%d: %s\n", n, strings.Join(names, " "))
		for _, t := range targets {
			before := ""
			if n > 0 {
				before = fmt.Sprintf(" | tier%d", n-1)
			}
			fmt.Fprintf(w, "%s:%s\n\t@docker build -q --network=host -t %s -f %s", t.Name, before, quote(g.Catalog.Config.Registry+"/"+t.Name), quote(dockerfile(g, t)))
			for _, k := range slices.Sorted(maps.Keys(t.Args)) {
				fmt.Fprintf(w, " --build-arg %s", quote(k+"="+t.Args[k]))
			}
			for _, k := range slices.Sorted(maps.Keys(t.Labels)) {
				fmt.Fprintf(w, " --label %s", quote(k+"="+t.Labels[k]))
			}
			if t.Stage != "" {
				fmt.Fprintf(w, " --target %s", quote(t.Stage))
			}
			fmt.Fprintf(w, " %s >/dev/null\n", quote(t.ContextDir))
		}
	}
	return nil
}

// quote makes one word of s for the shell in a Makefile.
func quote(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, "'", `'\''`), "$", "$$") + "'"
}
