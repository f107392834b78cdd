package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// step is an instruction of a stage, ONBUILD taken off.
type step struct {
	in    *syntax.Instruction
	index int       // in the stage, for Stage.Before
	run   *lint.Run // nil unless it is a RUN
}

// sequences are the steps that follow one another: those of the stage, and those that ONBUILD puts
// off until an image stands on it.
func sequences(s *lint.Stage) [][]step {
	var now, later []step
	runs := s.Runs()
	for i, in := range s.Instructions {
		st := step{in: in, index: i}
		for st.in.Inner != nil {
			st.in = st.in.Inner
		}
		if st.in.Keyword == "RUN" {
			st.run, runs = runs[0], runs[1:]
		}
		if st.in == in {
			now = append(now, st)
		} else {
			later = append(later, st)
		}
	}
	if later == nil {
		return [][]step{now}
	}
	return [][]step{now, later}
}

// shipped says whether the layers of a stage are in the image that the file is for.
func shipped(d *lint.Doc, s *lint.Stage) bool {
	for _, f := range d.Stages {
		if !f.Final {
			continue
		}
		for ; f != nil; f = f.Parent {
			if f == s {
				return true
			}
		}
	}
	return false
}

// hasMount says whether a step has a mount of a type.
func hasMount(r *lint.Run, kind string) bool {
	return slices.ContainsFunc(r.Mounts(), func(f syntax.Flag) bool { return lint.MountType(f) == kind })
}

// inTemp says whether a path is one that the catalog keeps out of layers.
func inTemp(d *lint.Doc, name string) bool {
	return d.Image != nil && slices.ContainsFunc(d.Image.Temp, func(t string) bool { return within(name, path.Clean(t)) })
}

// keptOut says whether what a RUN step writes into a folder stays out of the layer: by a mount of the
// step, or because the catalog shares the folder between steps (temp:).
func keptOut(d *lint.Doc, run *lint.Run, dir string) bool {
	return run.Mounted(dir, "cache", "tmpfs") || inTemp(d, dir)
}

// within says whether a clean path is a folder or below it.
func within(name, folder string) bool {
	return name == folder || folder == "/" || strings.HasPrefix(name, folder) && name[len(folder)] == '/'
}

// stagePath is the absolute path that a word of an instruction means, "" if it is not known.
func stagePath(s *lint.Stage, st step, word string) string {
	before := s.Before(st.index)
	word = lint.Expand(word, before.Lookup)
	if word == "" || strings.ContainsAny(word, "$`\\") || isWindowsPath(word) {
		return ""
	}
	if path.IsAbs(word) {
		return path.Clean(word)
	}
	if !path.IsAbs(before.Workdir.S) || strings.Contains(before.Workdir.S, "$") {
		return ""
	}
	return path.Join(before.Workdir.S, word)
}

// runPath is the absolute path that a word of a command means, "" if it is not known.
func runPath(s *lint.Stage, st step, w shellscript.Word) string {
	name := w.S
	if rest, ok := strings.CutPrefix(name, "~"); ok && !w.Quoted && (rest == "" || rest[0] == '/') {
		if user := s.Before(st.index).User; user.Set && !lint.IsRoot(user.S) {
			return ""
		}
		name = "/root" + rest
	}
	if name == "" || !w.Literal && strings.ContainsAny(name, "(`{") && !strings.HasPrefix(name, "${") {
		return ""
	}
	if !path.IsAbs(name) && name[0] != '$' && changesFolder(st.run) {
		return ""
	}
	return stagePath(s, st, name)
}

func changesFolder(r *lint.Run) (yes bool) {
	r.Each(func(c *shellscript.Command) {
		yes = yes || c.Name() == "cd" || c.Name() == "pushd"
	})
	return yes
}
