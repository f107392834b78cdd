package image

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/debian/deb"
	"github.com/plinth-build/plinth/internal/debian/pool"
	"github.com/plinth-build/plinth/internal/lock"
)

// Which packages share a layer decides what a fleet stores and pulls again
// after an update. The packages of one source are updated together, so they
// stay together; a source of some size has a layer of its own, which all images
// with the same packages of it share; the small ones share one layer, as
// hundreds of layers would hit the limit of 127 and cost a request each.

const (
	// ownLayer is the compressed size in bytes from which a source package has a layer of its own.
	ownLayer = 1 << 20
	// maxGroups bounds the package layers of one image; the smallest beyond it go into the shared layer.
	maxGroups = 60
	// maxLayers bounds the layers of an image with its parents: overlayfs and Docker stop at 127 or 128.
	maxLayers = 120
)

// group is the packages of one layer.
type group struct {
	name     string // the source package, or "small packages"
	packages []*pool.Package
	debs     []lock.Deb
	size     int64 // compressed, bytes
	rank     int   // of the most important package: see priorities
}

// priorities orders layers: what nearly all images have comes first, because
// an unpacked layer is shared by images that agree on everything below it.
var priorities = map[string]int{"required": 0, "important": 1, "standard": 2}

func rank(p *pool.Package) int {
	if p.Stanza.Get("Essential") == "yes" {
		return 0
	}
	if r, ok := priorities[p.Stanza.Get("Priority")]; ok {
		return r
	}
	return len(priorities)
}

// groups divides the packages (with their debs beside them) among layers, at
// most limit of them.
func groups(packages []*pool.Package, debs []lock.Deb, docs bool, limit int) []group {
	bySource := map[string]*group{}
	for i, p := range packages {
		g := bySource[p.Source()]
		if g == nil {
			g = &group{name: p.Source(), rank: rank(p)}
			bySource[p.Source()] = g
		}
		g.packages = append(g.packages, p)
		g.debs = append(g.debs, debs[i])
		g.rank = min(g.rank, rank(p))
		g.size += p.Main.Size
		if docs {
			g.size += p.Docs.Size
		}
	}
	all := make([]group, 0, len(bySource))
	for _, g := range bySource {
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.size, a.size), strings.Compare(a.name, b.name))
	})
	own := 0
	for own < len(all) && all[own].size >= ownLayer && own < max(limit, 1)-1 {
		own++
	}
	out := slices.Clone(all[:own])
	slices.SortFunc(out, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.name, b.name))
	})
	rest := all[own:]
	if len(rest) == 0 {
		return out
	}
	slices.SortFunc(rest, func(a, b group) int { return strings.Compare(a.name, b.name) })
	shared := group{name: "small packages"}
	if len(rest) == 1 {
		shared.name = rest[0].name
	}
	for _, g := range rest {
		shared.packages = append(shared.packages, g.packages...)
		shared.debs = append(shared.debs, g.debs...)
		shared.size += g.size
	}
	return append(out, shared)
}

// head is the directories that a group's layer needs, as tar entries: those its
// packages ship and those above their files, with the mode and owner that they
// have in the image and the newest time that a package of the group gives them.
func (g group) head(t *tree, docs bool, epoch int64) ([]byte, error) {
	times := map[string]int64{}
	for _, p := range g.packages {
		for i := range p.Entries {
			e := &p.Entries[i]
			if e.Doc && !docs || deb.IsTopLink(e.Path) {
				continue
			}
			if e.Type == deb.Dir {
				times[e.Path] = max(times[e.Path], e.MTime)
			}
			for d := path.Dir(e.Path); d != "."; d = path.Dir(d) {
				if _, ok := times[d]; ok {
					break
				}
				times[d] = 0
			}
		}
	}
	w := newTar()
	for _, name := range slices.Sorted(maps.Keys(times)) {
		meta := t.dirs[name]
		w.dir(name, meta, min(times[name], epoch))
	}
	return w.finish(false)
}
