package dockerfile

import (
	"maps"
	"path"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// defaultSSH is the id of a mount of type ssh that names none.
const defaultSSH = "default"

// Asked are the names of what RUN steps of the file ask the builder for with
// --mount, those of triggers included, each once and sorted, before expansion.
func (f *File) Asked() (secrets, agents []string) { return f.secrets, f.agents }

// findAsked is done once: BuildKit's mounts are complete only after an expansion,
// which writes into them.
func (f *File) findAsked() {
	found := map[instructions.MountType]map[string]bool{
		instructions.MountTypeSecret: {}, instructions.MountTypeSSH: {},
	}
	for _, stage := range f.stages {
		for _, cmd := range stage.Commands {
			if on, ok := cmd.(*instructions.OnbuildCommand); ok {
				inner, err := parseTrigger(on.Expression)
				if err != nil {
					continue // the file that sets it off reports it
				}
				cmd = inner
			}
			run, ok := cmd.(*instructions.RunCommand)
			if !ok {
				continue
			}
			if run.Expand(func(word string) (string, error) { return word, nil }) != nil {
				continue // the build reports it
			}
			for _, m := range instructions.GetMounts(run) {
				if names := found[m.Type]; names != nil {
					names[mountID(m)] = true
				}
			}
		}
	}
	f.secrets = slices.Sorted(maps.Keys(found[instructions.MountTypeSecret]))
	f.agents = slices.Sorted(maps.Keys(found[instructions.MountTypeSSH]))
}

// mountID is the id of a mount as dockerfile2llb of BuildKit v0.33.1 finds it.
func mountID(m *instructions.Mount) string {
	switch {
	case m.Source != "":
		return m.Source
	case m.CacheID != "":
		return m.CacheID
	case m.Type == instructions.MountTypeSSH:
		return defaultSSH
	}
	return path.Base(m.Target)
}
