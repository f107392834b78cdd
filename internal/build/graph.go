package build

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

// graph is the front end's graph of steps, taken apart so that it can be
// changed: a step is known by the digest of its bytes, and these hold the
// digests of its inputs, so whatever changes a step gives another digest to
// all that stand on it. Here steps point at each other instead, each pass
// changes them as it likes, and definition writes them down again. What nothing
// leads to any more is left out by that.
type graph struct {
	steps  []*vertex // inputs before what uses them
	result fileSystem
	source *pb.Source     // texts that the places of steps are places in
	end    *pb.OpMetadata // of the mark for the end
}

// vertex is a step with its inputs.
type vertex struct {
	op     *pb.Op // its Inputs are meaningless, see inputs
	inputs []fileSystem
	meta   *pb.OpMetadata
	places *pb.Locations // in the Dockerfile
}

// fileSystem is one of the results of a step; the zero value is an empty one.
type fileSystem struct {
	step  *vertex
	index int64
}

func (o fileSystem) empty() bool { return o.step == nil }

// instruction says whether the step is what an instruction of the Dockerfile
// says, and not a preparation for one: only those have a place.
func (s *vertex) instruction() bool { return len(s.places.GetLocations()) > 0 }

// line is the step's line in the Dockerfile, 0 if it has none.
func (s *vertex) line() int {
	for _, l := range s.places.GetLocations() {
		for _, r := range l.GetRanges() {
			return int(r.GetStart().GetLine())
		}
	}
	return 0
}

// readGraph takes a definition apart. The definition is not changed by that.
func readGraph(def *pb.Definition) (*graph, error) {
	g := &graph{source: def.GetSource().CloneVT()}
	known := map[string]*vertex{}
	for i, data := range def.GetDef() {
		dgst := digest.FromBytes(data).String()
		s := &vertex{op: &pb.Op{}, meta: def.Metadata[dgst], places: def.GetSource().GetLocations()[dgst]}
		if err := s.op.Unmarshal(data); err != nil {
			return nil, fmt.Errorf("cannot read the graph of steps: %w", err)
		}
		for _, in := range s.op.Inputs {
			from, ok := known[in.Digest]
			if !ok {
				return nil, fmt.Errorf("cannot read the graph of steps: %s comes before its input %s", dgst, in.Digest)
			}
			s.inputs = append(s.inputs, fileSystem{from, in.Index})
		}
		if i == len(def.Def)-1 && s.op.Op == nil && len(s.inputs) == 1 {
			g.result, g.end = s.inputs[0], s.meta
			return g, nil
		}
		known[dgst] = s
		g.steps = append(g.steps, s)
	}
	if len(g.steps) > 0 {
		return nil, fmt.Errorf("cannot read the graph of steps: it has no end")
	}
	return g, nil
}

// placeSources gives archives and repositories that ADD reads the place of the
// ADD, for the errors about them.
func (g *graph) placeSources() {
	for _, s := range g.steps {
		if !s.instruction() {
			continue
		}
		for _, in := range s.inputs {
			id := in.step.op.GetSource().GetIdentifier()
			if !in.step.instruction() && (strings.HasPrefix(id, "git:") || strings.HasPrefix(id, "http:") || strings.HasPrefix(id, "https:")) {
				in.step.places = s.places
			}
		}
	}
}

// definition writes down what leads to a result.
func (g *graph) definition(result fileSystem) (*pb.Definition, error) {
	w := &graphWriter{digests: map[*vertex]string{}, written: map[string]bool{}, def: &pb.Definition{Metadata: map[string]*pb.OpMetadata{}, Source: g.source.CloneVT()}}
	if w.def.Source != nil {
		w.def.Source.Locations = map[string]*pb.Locations{}
	}
	if result.empty() {
		return w.def, nil
	}
	_, err := w.write(&vertex{op: &pb.Op{}, inputs: []fileSystem{result}, meta: g.end})
	return w.def, err
}

type graphWriter struct {
	def     *pb.Definition
	digests map[*vertex]string
	written map[string]bool
}

func (w *graphWriter) write(s *vertex) (string, error) {
	if dgst, ok := w.digests[s]; ok {
		return dgst, nil
	}
	s.op.Inputs = nil
	for _, in := range s.inputs {
		dgst, err := w.write(in.step)
		if err != nil {
			return "", err
		}
		s.op.Inputs = append(s.op.Inputs, &pb.Input{Digest: dgst, Index: in.index})
	}
	data, err := s.op.Marshal()
	if err != nil {
		return "", fmt.Errorf("cannot write the graph of steps: %w", err)
	}
	dgst := digest.FromBytes(data).String()
	w.digests[s] = dgst
	if w.written[dgst] {
		return dgst, nil // two steps have become one
	}
	w.written[dgst] = true
	w.def.Def = append(w.def.Def, data)
	if s.meta != nil {
		w.def.Metadata[dgst] = s.meta
	}
	if s.places != nil && w.def.Source != nil {
		w.def.Source.Locations[dgst] = s.places
	}
	return dgst, nil
}

// reachable gives the steps that lead to a result.
func reachable(result fileSystem) map[*vertex]bool {
	found := map[*vertex]bool{}
	var visit func(fileSystem)
	visit = func(o fileSystem) {
		if o.empty() || found[o.step] {
			return
		}
		found[o.step] = true
		for _, in := range o.step.inputs {
			visit(in)
		}
	}
	visit(result)
	return found
}

// clone copies a step; what stands on it stays with the original.
func (s *vertex) clone() *vertex {
	return &vertex{op: s.op.CloneVT(), inputs: slices.Clone(s.inputs), meta: s.meta, places: s.places}
}

// renumber calls f on every number of an input in the step's operation, and
// puts what it returns in its place. Numbers below zero mean none, and those
// from len(inputs) on mean actions of a FileOp.
func (s *vertex) renumber(f func(int64) int64) {
	owner := func(c *pb.ChownOpt) {
		for _, u := range []*pb.UserOpt{c.GetUser(), c.GetGroup()} {
			if by := u.GetByName(); by != nil {
				by.Input = f(by.Input)
			}
		}
	}
	switch op := s.op.Op.(type) {
	case *pb.Op_Exec:
		for _, m := range op.Exec.Mounts {
			m.Input = f(m.Input)
		}
	case *pb.Op_Merge:
		for _, m := range op.Merge.Inputs {
			m.Input = f(m.Input)
		}
	case *pb.Op_File:
		for _, a := range op.File.Actions {
			a.Input, a.SecondaryInput = f(a.Input), f(a.SecondaryInput)
			owner(a.GetCopy().GetOwner())
			owner(a.GetMkdir().GetOwner())
			owner(a.GetMkfile().GetOwner())
			owner(a.GetSymlink().GetOwner())
		}
	}
}

// addInput adds an input and gives its number.
func (s *vertex) addInput(o fileSystem) int64 {
	at := int64(len(s.inputs))
	s.renumber(func(n int64) int64 {
		if n >= at {
			return n + 1
		}
		return n
	})
	s.inputs = append(s.inputs, o)
	return at
}

// dropInputs removes inputs: what was read from them is read from an empty file system.
func (s *vertex) dropInputs(drop func(number int64) bool) {
	for at := int64(len(s.inputs)) - 1; at >= 0; at-- {
		if !drop(at) {
			continue
		}
		s.renumber(func(n int64) int64 {
			switch {
			case n == at:
				return int64(pb.Empty)
			case n > at:
				return n - 1
			}
			return n
		})
		s.inputs = slices.Delete(s.inputs, int(at), int(at)+1)
	}
}
