package image

import (
	"archive/tar"
	"bytes"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/debian/deb"
	"github.com/plinth-build/plinth/internal/debian/pool"
)

// tarWriter writes tar entries to memory. The first error stays until finish.
type tarWriter struct {
	buf bytes.Buffer
	tw  *tar.Writer
	err error
}

func newTar() *tarWriter {
	w := &tarWriter{}
	w.tw = tar.NewWriter(&w.buf)
	return w
}

func (w *tarWriter) write(e deb.Entry, data []byte) {
	if w.err != nil {
		return
	}
	if w.err = w.tw.WriteHeader(pool.Header(e)); w.err == nil && e.Type == deb.File {
		_, w.err = w.tw.Write(data)
	}
}

func (w *tarWriter) dir(name string, m dirMeta, mtime int64) {
	w.write(deb.Entry{Path: name, Type: deb.Dir, Mode: m.mode, UID: m.uid, GID: m.gid, MTime: mtime}, nil)
}

// finish returns the bytes, with the archive's end mark or without.
func (w *tarWriter) finish(end bool) ([]byte, error) {
	if w.err == nil {
		if w.err = w.tw.Flush(); end && w.err == nil {
			w.err = w.tw.Close()
		}
	}
	return w.buf.Bytes(), w.err
}

// generated collects what goes into the layer that is no package's. Later
// entries replace earlier ones of the same path.
type generated struct {
	epoch   int64
	entries map[string]genEntry
	dirs    map[string]dirMeta // made or changed by us
	known   []map[string]dirMeta
}

type genEntry struct {
	deb.Entry
	data []byte
}

// newGenerated begins a layer over trees whose folders are in known, the uppermost first.
func newGenerated(epoch int64, known ...map[string]dirMeta) *generated {
	return &generated{epoch: epoch, entries: map[string]genEntry{}, dirs: map[string]dirMeta{}, known: known}
}

func (g *generated) file(name string, mode uint32, uid, gid int, data []byte) {
	g.entries[name] = genEntry{deb.Entry{Path: name, Type: deb.File, Mode: mode, UID: uid, GID: gid, Size: int64(len(data)), MTime: g.epoch}, data}
}

func (g *generated) symlink(name, target string) {
	g.entries[name] = genEntry{deb.Entry{Path: name, Type: deb.Symlink, Mode: 0o777, Link: target, MTime: g.epoch}, nil}
}

func (g *generated) dir(name string, mode uint32, uid, gid int) {
	g.dirs[name] = dirMeta{mode, uid, gid}
}

// meta is what a folder is in the image.
func (g *generated) meta(name string) dirMeta {
	for _, dirs := range append([]map[string]dirMeta{g.dirs}, g.known...) {
		if m, ok := dirs[name]; ok {
			return m
		}
	}
	return plainDir
}

// tar writes the layer: sorted by path, each entry with the folders above it.
func (g *generated) tar() ([]byte, error) {
	need := map[string]bool{}
	for name := range g.dirs {
		need[name] = true
	}
	for _, names := range [][]string{slices.Sorted(maps.Keys(g.dirs)), slices.Sorted(maps.Keys(g.entries))} {
		for _, name := range names {
			for d := path.Dir(name); d != "."; d = path.Dir(d) {
				need[d] = true
			}
		}
	}
	names := slices.Concat(slices.Sorted(maps.Keys(need)), slices.Sorted(maps.Keys(g.entries)))
	slices.SortFunc(names, func(a, b string) int {
		// by parts, so that what is in a folder follows it
		return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
	})
	w := newTar()
	for _, name := range names {
		if e, ok := g.entries[name]; ok {
			w.write(e.Entry, e.data)
			continue
		}
		w.dir(name, g.meta(name), g.epoch)
	}
	return w.finish(true)
}

func (g *generated) empty() bool { return len(g.entries) == 0 && len(g.dirs) == 0 }
