package build

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/plinth-build/plinth/internal/diag"
)

// Temporary paths. Each is a file system of its own that goes from one RUN of a
// stage to the next, beside the stage's own: a RUN mounts what the RUN before it
// left there, and what it leaves is an output of the step, as its root file
// system is. So the engine caches both in the same way, stages that part have
// states that part, and nothing is kept between builds but in the engine's cache.
// A COPY, ADD or WORKDIR into a temporary path is made on that file system
// instead of the stage's.
//
// What is known to be missing: paths are compared as they are written. A COPY to
// /run/x is not seen as one to /var/run/x, and a COPY of a whole tree to / puts
// what the tree has in tmp/ into the image, where no RUN sees it.

// tempDir is the folder of a temporary file system that is mounted. It is not
// its root because the root of a snapshot has no mode that lasts.
const tempDir = "/t"

// checkTemp gives the temporary paths without those in others, sorted.
func checkTemp(r Request) ([]string, error) {
	var paths []string
	for _, p := range slices.Sorted(slices.Values(r.Temp)) {
		bad := ""
		switch {
		case !path.IsAbs(p) || path.Clean(p) != p:
			bad = "it is not an absolute, clean path"
		case p == "/":
			bad = "an image has nothing else"
		case slices.ContainsFunc([]string{"/proc", "/sys", "/dev"}, func(d string) bool { return within(d, p) }):
			bad = "the kernel's file systems are there"
		case cwdStub(p).Dest > p:
			bad = "it begins with " + p[1:2]
		}
		if bad != "" {
			return nil, diag.Errorf(diag.Position{File: r.DockerfilePath}, "cannot build %s: %q cannot be a temp: path: %s", r.Target, p, bad)
		}
		if !slices.ContainsFunc(paths, func(above string) bool { return within(above, p) }) {
			paths = append(paths, p)
		}
	}
	return paths, nil
}

// within says whether p is dir or below it.
func within(dir, p string) bool {
	p = path.Join("/", p)
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// stageState is what is known of a stage's root file system at a step. It is
// never changed: each step has its own.
type stageState struct {
	temps  map[string]fileSystem // by temporary path; none yet: an empty one
	layer  bool                  // the step makes a layer
	before *stageState           // at the step before, nil at the first
}

// temps moves what belongs to temporary paths out of a graph.
type temps struct {
	paths  []string
	states map[fileSystem]*stageState // by root file system, as the front end has it
	moved  map[fileSystem]fileSystem  // root file systems whose step is gone, and what they are instead
	none   fileSystem                 // an empty temporary file system
	runs   []fileSystem               // the temporary file systems that RUN steps leave
}

// moveTemps changes the graph. It returns for the layers that the front end
// counts in the history, from the last one down, whether they still are there,
// and the temporary file systems that nothing uses yet: the last RUN of a stage
// has one, and it must be kept for a RUN that is added behind it some day.
func moveTemps(g *graph, paths []string) (layers []bool, unused []fileSystem, err error) {
	t := &temps{paths: paths, states: map[fileSystem]*stageState{}, moved: map[fileSystem]fileSystem{}}
	if t.none, err = noTemps(); err != nil {
		return nil, nil, err
	}
	for _, s := range g.steps {
		if err := t.step(s); err != nil {
			return nil, nil, err
		}
	}
	for state := t.states[g.result]; state != nil; state = state.before {
		layers = append(layers, state.layer)
	}
	g.result = t.now(g.result)
	there := reachable(g.result)
	found := map[fileSystem]bool{}
	for s := range there {
		for _, in := range s.inputs {
			found[in] = true
		}
	}
	for _, r := range t.runs {
		if there[r.step] && !found[r] {
			unused = append(unused, r)
		}
	}
	return layers, unused, nil
}

// noTemps makes the file system that a stage begins with: a folder that
// everybody may write to.
func noTemps() (fileSystem, error) {
	at := time.Unix(ContextTime, 0)
	name := llb.WithCustomName("[internal] temporary files")
	// mkdir knows no sticky bit, but a copy does
	from := llb.Scratch().File(llb.Mkdir(tempDir, 0o755, llb.WithParents(true), llb.WithCreatedTime(at)), name)
	state := llb.Scratch().File(llb.Copy(from, tempDir, tempDir, &llb.CopyInfo{Mode: &llb.ChmodOpt{Mode: 0o1777}}, llb.WithCreatedTime(at)), name)
	def, err := state.Marshal(context.Background(), llb.LinuxAmd64)
	if err != nil {
		return fileSystem{}, fmt.Errorf("cannot write the graph of steps: %w", err)
	}
	g, err := readGraph(def.ToPB())
	if err != nil {
		return fileSystem{}, err
	}
	return g.result, nil
}

// now gives what a root file system is after the steps so far were changed.
func (t *temps) now(o fileSystem) fileSystem {
	if after, ok := t.moved[o]; ok {
		return after
	}
	return o
}

// holds gives the temporary path that p is in, "" if it is in none.
func (t *temps) holds(p string) string {
	for _, temp := range t.paths {
		if within(temp, p) {
			return temp
		}
	}
	return ""
}

// next is the state after a step on root.
func (t *temps) next(root fileSystem, layer bool) *stageState {
	before := t.states[root]
	n := &stageState{temps: map[string]fileSystem{}, layer: layer, before: before}
	for _, p := range t.paths {
		n.temps[p] = t.none
		if before != nil {
			n.temps[p] = before.temps[p]
		}
	}
	return n
}

func (t *temps) step(s *vertex) error {
	if err := t.checkSources(s); err != nil {
		return err
	}
	switch op := s.op.Op.(type) {
	case *pb.Op_Exec:
		i := slices.IndexFunc(op.Exec.Mounts, func(m *pb.Mount) bool { return m.Dest == pb.RootMount })
		if i < 0 {
			break
		}
		root := input(s.inputs, op.Exec.Mounts[i].Input)
		t.renew(s)
		t.run(s, op.Exec, i, root)
		return nil
	case *pb.Op_File:
		if s.instruction() && len(op.File.Actions) > 0 {
			t.file(s, input(s.inputs, op.File.Actions[0].Input), fileSystem{s, 0})
		}
	case *pb.Op_Merge:
		if s.instruction() && len(op.Merge.Inputs) == 2 {
			t.link(s, op.Merge)
		}
	}
	t.renew(s)
	return nil
}

// input gives the input with a number.
func input(inputs []fileSystem, number int64) fileSystem {
	if number < 0 || number >= int64(len(inputs)) {
		return fileSystem{}
	}
	return inputs[number]
}

// renew lets a step stand on what its inputs are now.
func (t *temps) renew(s *vertex) {
	for i, in := range s.inputs {
		s.inputs[i] = t.now(in)
	}
	s.dropInputs(func(n int64) bool { return s.inputs[n].empty() })
}

// run mounts the temporary paths. The mount number at is the root file system.
func (t *temps) run(s *vertex, op *pb.ExecOp, at int, root fileSystem) {
	var own []string
	outputs := int64(0)
	for i, m := range op.Mounts {
		outputs = max(outputs, m.Output+1)
		if i != at {
			own = append(own, path.Join("/", m.Dest))
		}
	}
	made := fileSystem{s, op.Mounts[at].Output}
	state := t.next(root, true)
	for _, temp := range t.paths {
		if slices.ContainsFunc(own, func(dest string) bool { return within(dest, temp) }) {
			continue // the RUN says itself what is there
		}
		op.Mounts = append(op.Mounts, &pb.Mount{
			Input: s.addInput(state.temps[temp]), Selector: tempDir, Dest: temp, Output: outputs,
			// it is known by how it was made, as the root file system is; reading all of it takes time
			ContentCache: pb.MountContentCache_OFF,
		})
		state.temps[temp] = fileSystem{s, outputs}
		t.runs = append(t.runs, fileSystem{s, outputs})
		outputs++
		if cwd := path.Join("/", op.Meta.GetCwd()); cwd != temp && within(temp, cwd) {
			op.Mounts = append(op.Mounts, cwdStub(cwd))
		}
	}
	t.states[made] = state
}

// cwdStub keeps the working directory of a RUN out of its layer. The engine makes
// that directory in the root file system before anything is mounted, and leaves
// it there; what it removes afterwards are the mount points that it made. So this
// is a mount on that directory. The engine mounts in the order of the paths as
// they are written: this one comes before, and is hidden by, the temporary path's.
func cwdStub(cwd string) *pb.Mount {
	return &pb.Mount{Input: int64(pb.Empty), Output: int64(pb.SkipOutput), Dest: "/." + cwd, MountType: pb.MountType_TMPFS, TmpfsOpt: &pb.TmpfsOpt{}}
}

// file moves what a COPY, ADD or WORKDIR makes in a temporary path, and notes the
// state behind the instruction, whose root file system is made.
func (t *temps) file(s *vertex, root, made fileSystem) {
	temp := t.destination(s.op.GetFile())
	state := t.next(root, temp == "")
	if temp != "" {
		moved := t.redirect(s, temp, state.temps[temp])
		state.temps[temp] = fileSystem{moved, 0}
		t.moved[made] = t.now(root)
	}
	t.states[made] = state
}

// link does the same for COPY --link, which the front end makes of a FileOp on
// nothing, and a merge of it with the root file system.
func (t *temps) link(s *vertex, op *pb.MergeOp) {
	root, part := input(s.inputs, op.Inputs[0].Input), input(s.inputs, op.Inputs[1].Input)
	made := fileSystem{s, 0}
	if part.empty() || part.step.op.GetFile() == nil {
		t.states[made] = t.next(root, true)
		return
	}
	t.file(part.step, root, made)
	if _, moved := t.moved[made]; !moved && t.now(root).empty() {
		t.moved[made] = part // nothing to merge with
	}
}

// destination gives the temporary path that a COPY, ADD or WORKDIR goes to, or "".
// All actions of an instruction go to the same place.
func (t *temps) destination(op *pb.FileOp) string {
	if mkdir := op.Actions[0].GetMkdir(); mkdir != nil {
		return t.holds(mkdir.Path)
	}
	if c := op.Actions[0].GetCopy(); c != nil {
		return t.holds(c.Dest)
	}
	return ""
}

// redirect makes the step that does on a temporary file system what s does on a
// root file system. That one stays an input only for the names of owners.
func (t *temps) redirect(s *vertex, temp string, on fileSystem) *vertex {
	n := s.clone()
	op := n.op.GetFile()
	root := op.Actions[0].Input
	at := n.addInput(on)
	for i, a := range op.Actions {
		if i == 0 || a.Input == root {
			a.Input = at
		}
		if c := a.GetCopy(); c != nil {
			c.Dest = tempDir + strings.TrimPrefix(c.Dest, temp)
		}
		if m := a.GetMkdir(); m != nil {
			m.Path = tempDir + strings.TrimPrefix(m.Path, temp)
		}
	}
	used := map[int64]bool{}
	n.renumber(func(number int64) int64 { used[number] = true; return number })
	n.dropInputs(func(number int64) bool { return !used[number] })
	t.renew(n)
	return n
}

// checkSources refuses what reads a temporary path of another stage.
func (t *temps) checkSources(s *vertex) error {
	refuse := func(number int64, p string) *tempError {
		if t.states[input(s.inputs, number)] == nil {
			return nil // the context, an image, an archive: not a stage
		}
		if temp := t.holds(p); temp != "" {
			return &tempError{line: s.line(), temp: temp, path: p}
		}
		return nil
	}
	words := strings.Fields(s.meta.GetDescription()["llb.customname"])
	switch op := s.op.Op.(type) {
	case *pb.Op_File:
		for _, a := range op.File.Actions {
			c := a.GetCopy()
			if c == nil {
				continue
			}
			paths := []string{c.Src}
			for _, pattern := range c.IncludePatterns {
				paths = append(paths, path.Join("/", c.Src, pattern))
			}
			for _, p := range paths {
				if e := refuse(a.SecondaryInput, p); e != nil {
					e.words = "COPY " + option(words, "--from=") + e.path
					return e
				}
			}
		}
	case *pb.Op_Exec:
		words = strings.Fields(s.meta.GetDescription()["com.docker.dockerfile.v1.command"])
		for _, m := range op.Exec.Mounts {
			if m.Dest == pb.RootMount || m.Selector == "" {
				continue
			}
			if e := refuse(m.Input, m.Selector); e != nil {
				e.words = "RUN " + strings.TrimSpace(option(words, "--mount=", "from=", strings.TrimPrefix(m.Selector, "/")))
				return e
			}
		}
	}
	return nil
}

// option gives the first word that begins with a prefix and holds the other
// texts, with a blank behind it.
func option(words []string, prefix string, holds ...string) string {
	for _, w := range words {
		if strings.HasPrefix(w, prefix) && !slices.ContainsFunc(holds, func(h string) bool { return !strings.Contains(w, h) }) {
			return w + " "
		}
	}
	return ""
}

// tempError is an instruction that reads a temporary path of another stage.
type tempError struct {
	line              int
	words, temp, path string
}

func (e *tempError) Error() string {
	return fmt.Sprintf("%s: %s is a temp: path, what is in it does not outlive the stage", e.words, e.temp)
}

func (e *tempError) diagnose(r Request) *diag.Error {
	return diag.Errorf(diag.Position{File: r.DockerfilePath, Line: e.line}, "cannot build %s: %w", r.Target, e).
		Hint("write it outside of %s, such as /out, or take %s out of temp: in image.yaml", e.temp, e.temp)
}
