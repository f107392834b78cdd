package prune

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/plinth-build/plinth/internal/diag"
)

// space knows how much room is won when items go. A file with several names
// takes its room until the last of them is gone, and so does one that several
// items have.
type space struct {
	holders map[string]int  // file → items that have it
	refs    map[string]int  // name in index.json → items that have it
	names   map[inode]int   // names that are gone
	known   map[string]room // before anything was removed
}

type inode struct{ dev, ino uint64 }

// room is what the kernel says of a file.
type room struct {
	inode inode
	names int
	bytes int64
}

func newSpace(items []*Item) *space {
	s := &space{holders: map[string]int{}, refs: map[string]int{}, names: map[inode]int{}, known: map[string]room{}}
	for _, it := range items {
		for _, f := range it.Files {
			s.holders[f]++
		}
		for _, name := range it.Refs {
			s.refs[name]++
		}
	}
	return s
}

// roomOf looks at a file once. One that is not there takes no room.
func (s *space) roomOf(path string) room {
	if r, ok := s.known[path]; ok {
		return r
	}
	var r room
	if info, err := os.Lstat(path); err == nil {
		r = roomOf(info)
	}
	s.known[path] = r
	return r
}

func roomOf(info fs.FileInfo) room {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return room{names: 1, bytes: info.Size()}
	}
	return room{inode{st.Dev, st.Ino}, int(st.Nlink), st.Blocks * 512}
}

// take counts what goes with an item, and says how many bytes that frees.
func (s *space) take(it *Item) int64 {
	freed := it.Size
	for _, path := range it.Records {
		freed += s.unlink(path)
	}
	for _, path := range s.release(it) {
		freed += s.unlink(path)
	}
	return freed
}

// release gives the files of an item that no other one has any more.
func (s *space) release(it *Item) []string {
	var free []string
	for _, path := range it.Files {
		if s.holders[path]--; s.holders[path] == 0 {
			free = append(free, path)
		}
	}
	return free
}

// unlink counts a name as gone and says how many bytes that frees.
func (s *space) unlink(path string) int64 {
	r := s.roomOf(path)
	if r.names == 0 {
		return 0
	}
	if s.names[r.inode]++; s.names[r.inode] < r.names {
		return 0
	}
	return r.bytes
}

// Freed is what went, of one kind.
type Freed struct {
	Kind    Kind  `json:"kind"`
	Bytes   int64 `json:"bytes"`
	Entries int   `json:"entries"`
}

// Hooks are the parts of removing that belong to others. All may be nil: a
// rehearsal, which counts and removes nothing.
type Hooks struct {
	Refs   func(names []string) error                    // takes names out of index.json
	Engine func(ctx context.Context, ids []string) error // removes entries of the engine's cache, in this order
	File   func(path string) error                       // removes a file
}

// Remove removes the chosen items and says what of each kind is gone. all are
// the items that chosen are among. A cancelled context or an error ends it
// between two files: then what is left is whole, and the report is of what is gone.
func Remove(ctx context.Context, all, chosen []*Item, h Hooks) ([]Freed, error) {
	r := &remover{ctx: ctx, hooks: h, space: newSpace(all), freed: map[Kind]*Freed{}}
	err := r.run(chosen)
	var out []Freed
	for _, k := range Kinds() {
		if f := r.freed[k]; f != nil {
			out = append(out, *f)
		}
	}
	return out, err
}

type remover struct {
	ctx   context.Context //nolint:containedctx // of one call of Remove
	hooks Hooks
	space *space
	freed map[Kind]*Freed
}

// run goes through the steps in the order that keeps the store whole; see
// internal/store/prune.go.
func (r *remover) run(chosen []*Item) error {
	var refs, ids []string
	var cached []*Item
	for _, it := range chosen {
		for _, name := range it.Refs {
			if r.space.refs[name]--; r.space.refs[name] == 0 {
				refs = append(refs, name)
			}
		}
		if it.ID != "" {
			ids, cached = append(ids, it.ID), append(cached, it)
		}
	}
	for _, step := range []func() error{
		func() error { return r.records(chosen) },
		func() error { return r.refs(refs) },
		func() error { return r.files(chosen) },
		func() error { return r.engine(ids, cached) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (r *remover) count(k Kind, entries int, bytes int64) {
	f := r.freed[k]
	if f == nil {
		f = &Freed{Kind: k}
		r.freed[k] = f
	}
	f.Entries += entries
	f.Bytes += bytes
}

func (r *remover) records(chosen []*Item) error {
	for _, it := range chosen {
		for _, path := range it.Records {
			if err := r.remove(it.Kind, path); err != nil {
				return err
			}
		}
		if len(it.Files) == 0 && it.ID == "" {
			r.count(it.Kind, 1, 0)
		}
	}
	return nil
}

func (r *remover) refs(names []string) error {
	if len(names) == 0 || r.hooks.Refs == nil {
		return nil
	}
	return r.hooks.Refs(names)
}

func (r *remover) files(chosen []*Item) error {
	for _, it := range chosen {
		if len(it.Files) == 0 {
			continue
		}
		for _, path := range r.space.release(it) {
			if err := r.remove(it.Kind, path); err != nil {
				return err
			}
		}
		r.count(it.Kind, 1, 0)
	}
	return nil
}

func (r *remover) engine(ids []string, cached []*Item) error {
	if len(ids) == 0 {
		return nil
	}
	if r.hooks.Engine != nil {
		if err := r.hooks.Engine(r.ctx, ids); err != nil {
			return err
		}
	}
	for _, it := range cached {
		r.count(it.Kind, 1, it.Size)
	}
	return nil
}

// remove removes a file and the folder that it leaves empty. A file that is
// gone already is none the worse.
func (r *remover) remove(k Kind, path string) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	won := r.space.unlink(path)
	if r.hooks.File != nil {
		if err := r.hooks.File(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return diag.Errorf(diag.Position{}, "cannot remove %s: %w", path, err).
				Hint("run the same command with sudo if the file is root's; what is gone is gone, and the rest is whole")
		}
	}
	r.count(k, 0, won)
	return nil
}

// Usage is how many bytes a folder takes on the disk, folders and all, each
// file once whatever number of names it has. One that is not there takes none.
func Usage(dir string) (int64, error) {
	var sum int64
	seen := map[inode]bool{}
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil {
			info, err = d.Info()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot measure the state folder: %w", err)
		}
		r := roomOf(info)
		if !seen[r.inode] {
			seen[r.inode] = true
			sum += r.bytes
		}
		return nil
	})
	return sum, err
}
