package graph

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
)

// Select gives the targets that the selectors name, each once, in build order;
// without selectors all of them. A selector is
//
//	debian12-java17   a target, or all targets of an image (its name, or its folder)
//	debian12-*        a glob over target names
//	0100              all targets of a tier
//	NAME+             one of the above, with everything that is built on it
//	+NAME             with everything that it is built on
//	+NAME+            with both
//
// A selector that names nothing is an error with ExitUsage; all of them are reported.
func (g *Graph) Select(selectors ...string) ([]*Target, error) {
	if len(selectors) == 0 {
		return append([]*Target(nil), g.Targets...), nil
	}
	var problems diag.List
	set := map[*Target]bool{}
	for _, s := range selectors {
		name, up := strings.CutPrefix(s, "+")
		name, down := strings.CutSuffix(name, "+")
		found, e := g.named(name, s)
		if e != nil {
			problems.Add(e)
			continue
		}
		for _, t := range found {
			set[t] = true
		}
		if up {
			for _, t := range g.Ancestors(found...) {
				set[t] = true
			}
		}
		if down {
			for _, t := range g.Descendants(found...) {
				set[t] = true
			}
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return g.ordered(set), nil
}

// named finds the targets of one selector without its plus signs. A target's
// name goes before an image's, and that before a tier.
func (g *Graph) named(name, selector string) ([]*Target, *diag.Error) {
	if t, ok := g.byName[name]; ok {
		return []*Target{t}, nil
	}
	if strings.ContainsAny(name, `*?[\`) {
		return g.globbed(name, selector)
	}
	dir := strings.TrimSuffix(name, "/")
	for _, is := range []func(*catalog.Image) bool{
		func(i *catalog.Image) bool { return i.Name == name },
		func(i *catalog.Image) bool { return dir != "" && (i.Dir == dir || path.Base(i.Dir) == dir) },
		func(i *catalog.Image) bool { return i.Tier != "" && sameTier(i.Tier, name) },
	} {
		var found []*Target
		for _, t := range g.Targets {
			if is(t.Image) {
				found = append(found, t)
			}
		}
		if found != nil {
			return found, nil
		}
	}
	e := diag.Errorf(diag.Position{}, "cannot find a target, an image or a tier called %q", selector).WithCode(diag.ExitUsage)
	if near := diag.Nearest(name, g.selectable()); near != "" {
		return nil, e.Hint("did you mean %s?", near)
	}
	return nil, e.Hint("plinth graph lists the targets")
}

func (g *Graph) globbed(glob, selector string) ([]*Target, *diag.Error) {
	if _, err := path.Match(glob, ""); err != nil {
		return nil, diag.Errorf(diag.Position{}, "cannot use the selector %q: %w", selector, err).WithCode(diag.ExitUsage)
	}
	var found []*Target
	for _, t := range g.Targets {
		if ok, _ := path.Match(glob, t.Name); ok {
			found = append(found, t)
		}
	}
	if found == nil {
		return nil, diag.Errorf(diag.Position{}, "cannot find a target that matches %q", selector).
			Hint("plinth graph lists the targets").WithCode(diag.ExitUsage)
	}
	return found, nil
}

// sameTier compares tiers as numbers, so that 100 finds 0100.
func sameTier(a, b string) bool {
	if b == "" || strings.Trim(b, "0123456789") != "" {
		return false
	}
	return strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0")
}

// selectable is what a misspelt selector may have meant: targets first, then images.
func (g *Graph) selectable() []string {
	names := g.Names()
	for _, t := range g.Targets {
		names = append(names, t.Image.Name, path.Base(t.Image.Dir))
	}
	return names
}

// Affected are the targets whose result can change when the given files do,
// with everything built on them, in build order. Files are slash paths relative
// to the root. A file counts for each image folder that it lies in; plinth.yaml
// and plinth.lock count for all targets. .dockerignore is not looked at, so
// that this can be too many, never too few.
func (g *Graph) Affected(files []string) []*Target {
	set := map[*Target]bool{}
	var direct []*Target
	for _, file := range files {
		file = path.Clean(file)
		for _, t := range g.Targets {
			everything := file == catalog.ConfigFile || file == "plinth.lock"
			if !set[t] && (everything || t.reads(file)) {
				set[t] = true
				direct = append(direct, t)
			}
		}
	}
	for _, t := range g.Descendants(direct...) {
		set[t] = true
	}
	return g.ordered(set)
}

// reads says whether a file lies in a folder that the target is made of.
func (t *Target) reads(file string) bool {
	dirs := []string{t.Dir, t.Image.Dir} // a flavour has labels and arguments of its image
	for _, c := range t.Contexts {
		dirs = append(dirs, c.Dir)
	}
	for _, dir := range dirs {
		if file == dir || dir == "." || strings.HasPrefix(file, dir+"/") {
			return true
		}
	}
	return false
}
