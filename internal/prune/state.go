package prune

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/store"
)

// State is a state folder with what needs its content. The engine's folder is
// not looked into.
type State struct {
	Store   *store.Store
	Pool    string // folder of the unpacked packages
	Indexes string // folder of the package indexes
	Logs    string
	Targets []string // names of those that the catalog has
	IDs     []string // of what they are now, and of what the next build would reuse
	Lock    *lock.File
}

// Items lists what is there.
func (s State) Items() ([]*Item, error) {
	var out []*Item
	for _, part := range []func() ([]*Item, error){s.images, s.packages, s.indexes, s.logs} {
		items, err := part()
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}

// images are results, names, snapshots and blobs.
func (s State) images() ([]*Item, error) {
	results, err := s.Store.Results()
	if err != nil {
		return nil, err
	}
	var out []*Item
	byManifest := map[digest.Digest][]*Item{}
	for _, r := range results {
		it := &Item{Kind: Images, Name: r.Target, Used: r.Written, Records: []string{r.File}}
		out = append(out, it)
		if r.ID == "" {
			it.Name = filepath.Base(r.File)
			continue
		}
		if slices.Contains(s.IDs, r.ID) {
			it.Need = Current
		}
		for _, b := range r.Blobs {
			it.Files = append(it.Files, s.blobFiles(b.Digest)...)
		}
		byManifest[r.Manifest.Digest] = append(byManifest[r.Manifest.Digest], it)
	}
	names, err := s.names(results, byManifest)
	if err != nil {
		return nil, err
	}
	return s.loose(append(out, names...))
}

// names puts the names of index.json and the snapshots to the results that they
// go with, and returns those that stand for themselves.
func (s State) names(results []store.StoredResult, byManifest map[digest.Digest][]*Item) ([]*Item, error) {
	snapshots, err := s.Store.Snapshots()
	if err != nil {
		return nil, err
	}
	refs, err := s.Store.Refs()
	if err != nil {
		return nil, err
	}
	manifests, err := s.Store.Manifests()
	if err != nil {
		return nil, err
	}
	ours := map[string]bool{}
	for _, name := range s.Targets {
		ours[name] = true
	}
	for _, r := range results {
		ours[r.Target] = true
	}
	snapshot := map[string]store.StoredFile{}
	for _, f := range snapshots {
		ours[f.Name], snapshot[f.Name] = true, f
	}
	var out []*Item
	named := map[digest.Digest]bool{}
	for name, desc := range refs {
		named[desc.Digest] = true
		behind := byManifest[desc.Digest]
		switch {
		case !ours[name]:
			// somebody else's, put there by skopeo and the like
			out = append(out, &Item{Kind: Images, Name: name, Kept: true, Refs: []string{name}, Files: s.reachable(desc.Digest)})
		case !slices.Contains(s.Targets, name):
			out = append(out, s.gone(name, snapshot[name], desc.Digest, behind)...)
			delete(snapshot, name)
		case len(behind) == 0:
			out = append(out, &Item{Kind: Images, Name: name, Need: Current, Used: s.written(desc.Digest), Refs: []string{name}, Files: s.reachable(desc.Digest)})
		default:
			known := slices.ContainsFunc(behind, func(it *Item) bool { return it.Need == Current })
			for _, it := range behind {
				it.Refs = append(it.Refs, name)
				if !known {
					it.Need = Current
				}
			}
		}
	}
	for _, name := range s.Targets {
		delete(snapshot, name) // it says what changed since, even if the image goes
	}
	for name, f := range snapshot {
		out = append(out, &Item{Kind: Images, Name: name, Used: f.Written, Records: []string{f.File}})
	}
	for _, d := range manifests {
		if !named[d] {
			out = append(out, &Item{Kind: Images, Name: d.String(), Kept: true, Files: s.reachable(d)})
		}
	}
	return out, nil
}

// gone is what is left of a target that the catalog no longer has. It goes with
// its result, unless that is another target's too.
func (s State) gone(name string, snapshot store.StoredFile, manifest digest.Digest, behind []*Item) []*Item {
	var last *Item
	for _, it := range behind {
		if it.Need == Loose && (last == nil || it.Used.After(last.Used)) {
			last = it
		}
	}
	var out []*Item
	if last == nil {
		last = &Item{Kind: Images, Name: name, Used: s.written(manifest), Files: s.reachable(manifest)}
		out = append(out, last)
	}
	last.Refs = append(last.Refs, name)
	if snapshot.File != "" {
		// after the name, which it proves to be plinth's own
		last.Files = append(last.Files, snapshot.File)
	}
	return out
}

// loose adds the blobs that no item has.
func (s State) loose(items []*Item) ([]*Item, error) {
	blobs, err := s.Store.Blobs()
	if err != nil {
		return nil, err
	}
	held := map[string]bool{}
	for _, it := range items {
		for _, f := range it.Files {
			held[f] = true
		}
	}
	for _, b := range blobs {
		if !held[b.File] {
			items = append(items, &Item{Kind: Blobs, Name: b.Name, Used: b.Written, Files: []string{b.File}})
		}
	}
	kept, err := listFiles(s.keptBlobs())
	for _, f := range kept {
		if !held[f.path] {
			items = append(items, &Item{Kind: Packages, Name: f.name, Used: f.written, Files: []string{f.path}})
		}
	}
	return items, err
}

// keptBlobs is where the pool keeps layers that take long to make, under the
// names of their digests; see pool.KeepBlob.
func (s State) keptBlobs() string { return filepath.Join(s.Pool, "cache", "blobs") }

// blobFiles are the files of a blob: in the store, and in the pool, of which
// one may be a second name of the other.
func (s State) blobFiles(d digest.Digest) []string {
	if d.Validate() != nil {
		return nil
	}
	return []string{s.Store.BlobPath(d), filepath.Join(s.keptBlobs(), d.Encoded())}
}

func (s State) reachable(d digest.Digest) []string {
	var out []string
	for _, d := range s.Store.Reachable(d) {
		out = append(out, s.blobFiles(d)...)
	}
	return out
}

// written is when the blob was written, the zero time if it is not there.
func (s State) written(d digest.Digest) time.Time {
	if d.Validate() != nil {
		return time.Time{}
	}
	info, err := os.Lstat(s.Store.BlobPath(d))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// packages are the unpacked packages, two files each, and the records of layers
// that were made of them; see package pool.
func (s State) packages() ([]*Item, error) {
	locked := map[string]string{}
	for _, d := range s.Lock.Debs {
		locked[d.SHA256] = d.Name + " " + d.Version
	}
	dirs, err := subfolders(s.Pool)
	if err != nil {
		return nil, err
	}
	var out []*Item
	for _, dir := range dirs {
		if len(dir) != 2 {
			continue // cache, tmp
		}
		files, err := listFiles(filepath.Join(s.Pool, dir))
		if err != nil {
			return nil, err
		}
		byHash := map[string]*Item{}
		for _, f := range files {
			hash, _, _ := strings.Cut(f.name, ".")
			it := byHash[hash]
			if it == nil {
				it = &Item{Kind: Packages, Name: hash}
				if name, ok := locked[hash]; ok {
					it.Name, it.Need = name, Spare
				}
				byHash[hash] = it
				out = append(out, it)
			}
			// the one without the other counts as not there
			it.Files = append(it.Files, f.path)
			if f.written.After(it.Used) {
				it.Used = f.written
			}
		}
	}
	records, err := s.layerRecords()
	return append(out, records...), err
}

func (s State) layerRecords() ([]*Item, error) {
	cache := filepath.Join(s.Pool, "cache")
	dirs, err := subfolders(cache)
	if err != nil {
		return nil, err
	}
	var out []*Item
	for _, dir := range dirs {
		if len(dir) != 2 {
			continue // blobs
		}
		files, err := listFiles(filepath.Join(cache, dir))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			out = append(out, &Item{Kind: Packages, Name: f.name, Need: Spare, Used: f.written, Files: []string{f.path}})
		}
	}
	return out, nil
}

// indexes are what the Debian archive last said. The next update asks it again.
func (s State) indexes() ([]*Item, error) {
	files, err := listFiles(s.Indexes)
	var out []*Item
	for _, f := range files {
		out = append(out, &Item{Kind: Indexes, Name: f.name, Need: Spare, Used: f.written, Files: []string{f.path}})
	}
	return out, err
}

// logs are those of targets, and the engine's.
func (s State) logs() ([]*Item, error) {
	files, err := listFiles(s.Logs)
	var out []*Item
	for _, f := range files {
		it := &Item{Kind: Logs, Name: f.name, Used: f.written, Files: []string{f.path}}
		target, isLog := strings.CutSuffix(f.name, ".log")
		// a target's name has / where its log's has %
		if isLog && (target == "engine" || slices.Contains(s.Targets, strings.ReplaceAll(target, "%", "/"))) {
			it.Need = Spare
		}
		out = append(out, it)
	}
	return out, err
}

type foundFile struct {
	name, path string
	written    time.Time
}

// listFiles lists the files in a folder, by name; none in one that is not there.
func listFiles(dir string) ([]foundFile, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []foundFile
	for _, e := range entries {
		info, infoErr := e.Info()
		if infoErr == nil && info.Mode().IsRegular() {
			out = append(out, foundFile{e.Name(), filepath.Join(dir, e.Name()), info.ModTime()})
		}
	}
	return out, err
}

// subfolders lists the folders in a folder, by name.
func subfolders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out, err
}
