// Package prune frees space in a state folder: it finds out what is there and
// what needs it, chooses what goes, and removes it.
//
//	items, err := prune.State{…}.Items()        // what is there
//	chosen := prune.Choose(items, policy, size) // what goes
//	report, err := prune.Remove(ctx, chosen, …) // or a rehearsal that removes nothing
//
// Files that several things need, such as the layers of images, go with the last
// of them. The build cache belongs to the engine: its entries are chosen here
// like everything else, and the caller has them removed.
//
// That nobody else uses the state folder meanwhile is the caller's to ensure.
package prune

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Kind is what an item is, in the words of a report.
type Kind string

// The kinds, in the order in which they are told.
const (
	Images   Kind = "images"       // results of builds, and names of images
	Blobs    Kind = "loose blobs"  // that no image has
	Packages Kind = "packages"     // unpacked Debian packages and what is known of layers made of them
	Engine   Kind = "engine cache" // BuildKit's
	Indexes  Kind = "indexes"      // of the Debian archive
	Logs     Kind = "logs"
)

// Kinds are all kinds in their order.
func Kinds() []Kind { return []Kind{Images, Blobs, Packages, Engine, Indexes, Logs} }

// Need says who misses an item that is gone.
type Need int

// The needs.
const (
	Loose   Need = iota // nobody: nothing in the catalog or the lock refers to it
	Spare               // a build of something that changed, or an update: it takes longer
	Current             // any build: it is what a target of the catalog is now
)

// Item is something that can go.
type Item struct {
	Kind Kind
	Name string // for people: a target, a package, a file
	Need Need
	// Used is when it was last built or used, as far as that is noted.
	Used time.Time
	// Records are files that refer to Files; they go first. No other item has them.
	Records []string
	// Files go with the last item that has them.
	Files []string
	// Refs are names in the store's index.json. They go with the last item that has them.
	Refs []string
	// ID is an entry of the engine's cache, which the engine removes; Size is
	// its size in bytes, and Parents are the entries that it stands on.
	ID      string
	Size    int64
	Parents []string
	// Kept items never go. They hold their files.
	Kept bool
}

// Policy says what is to go.
type Policy struct {
	Now time.Time
	// All takes what is loose or spare.
	All bool
	// OlderThan takes what was not used for so long, and nothing else, whoever
	// needs it. nil means that age does not count.
	OlderThan *time.Duration
	// KeepSize is the size in bytes that the state may have. What is above it
	// goes, loose items first, then the oldest, whoever needs it. nil means
	// that size does not count.
	KeepSize *int64
}

// Choose picks the items that go, in the order in which they are to be removed.
// With neither All nor OlderThan nor KeepSize these are the loose ones. size is
// what the whole state takes now, in bytes; it counts for KeepSize alone.
func Choose(items []*Item, p Policy, size int64) []*Item {
	used := lastUse(items)
	order := slices.DeleteFunc(slices.Clone(items), func(it *Item) bool { return it.Kept })
	slices.SortStableFunc(order, func(a, b *Item) int {
		// what a child stands on is as young as the child, and goes after it
		return cmp.Or(loose(a)-loose(b), used[a].at.Compare(used[b].at), used[a].height-used[b].height, strings.Compare(a.Name, b.Name))
	})
	var chosen, rest []*Item
	for _, it := range order {
		var goes bool
		switch {
		case p.OlderThan != nil:
			goes = !used[it].at.After(p.Now.Add(-*p.OlderThan))
		case p.KeepSize != nil:
		case p.All:
			goes = it.Need != Current
		default:
			goes = it.Need == Loose
		}
		if goes {
			chosen = append(chosen, it)
		} else {
			rest = append(rest, it)
		}
	}
	if p.KeepSize == nil {
		return chosen
	}
	s := newSpace(items)
	for _, it := range chosen {
		size -= s.take(it)
	}
	for _, it := range rest {
		if size <= *p.KeepSize {
			break
		}
		size -= s.take(it)
		chosen = append(chosen, it)
	}
	return chosen
}

func loose(it *Item) int {
	if it.Need == Loose {
		return 0
	}
	return 1
}

// use is when an item was last used, itself or through what stands on it, and
// how many entries of the cache are stacked above it.
type use struct {
	at     time.Time
	height int
}

func lastUse(items []*Item) map[*Item]use {
	byID := map[string]*Item{}
	out := make(map[*Item]use, len(items))
	for _, it := range items {
		out[it] = use{at: it.Used}
		if it.ID != "" {
			byID[it.ID] = it
		}
	}
	// a pass for each level of the highest stack
	for moved := true; moved; {
		moved = false
		for _, it := range items {
			above := out[it]
			for _, id := range it.Parents {
				parent := byID[id]
				if parent == nil || parent == it || above.height >= len(items) {
					continue
				}
				below := out[parent]
				if above.at.After(below.at) || above.height >= below.height {
					if above.at.After(below.at) {
						below.at = above.at
					}
					below.height = max(below.height, above.height+1)
					out[parent], moved = below, true
				}
			}
		}
	}
	return out
}
