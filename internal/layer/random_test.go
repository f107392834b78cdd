package layer

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// generator makes random layers. They are sound as long as it is not wild.
type generator struct {
	*rand.Rand
	// wild generators leave out directories, go through symbolic links, put
	// whiteouts anywhere and name things that are not there.
	wild bool
	// real generators make what containerd can unpack into a folder: no
	// attributes on directories, no whiteouts behind what they could hit.
	real bool
	root bool // with what only root can make
	fs   model
}

func (g *generator) name() string {
	return []string{"a", "b", "c", "a-b", "a.b", "\xff\xfe", "ü"}[g.IntN(7)]
}

func (g *generator) path() string {
	parts := make([]string, 1+g.IntN(3))
	for i := range parts {
		parts[i] = g.name()
	}
	return strings.Join(parts, "/")
}

// one gives one of the paths there are for which ok holds.
func (g *generator) one(ok func(p string, o *thing) bool) (string, bool) {
	var found []string
	for p, o := range g.fs {
		if ok(p, o) {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return "", false
	}
	slices.Sort(found)
	return found[g.IntN(len(found))], true
}

func (g *generator) header(typ byte, name string) file {
	f := file{Header: tar.Header{Typeflag: typ, Name: name, Mode: []int64{0o644, 0o755, 0o4755, 0o1777, 0o600}[g.IntN(5)], ModTime: time.Unix(g.Int64N(2*epoch), 0)}}
	if g.root {
		f.Uid, f.Gid = g.IntN(3)*1000, g.IntN(2)*3_000_000
	} else if typ == tar.TypeDir {
		f.Mode |= 0o700
	}
	if g.IntN(4) == 0 && (typ == tar.TypeReg || typ == tar.TypeDir && !g.real) {
		f.PAXRecords = map[string]string{xattrPrefix + "user." + g.name(): "v\x00\n" + g.name()}
		if g.root && typ == tar.TypeReg {
			f.PAXRecords[xattrPrefix+"security.capability"] = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		}
	}
	return f
}

func (g *generator) content() string {
	switch g.IntN(4) {
	case 0:
		return ""
	case 1:
		return strings.Repeat(g.name(), g.IntN(2000))
	}
	return fmt.Sprint(g.IntN(1000))
}

// dirs gives entries for the directories above p that are none yet.
func (g *generator) dirs(p string, done map[string]byte) (out []file) {
	parts := strings.Split(p, "/")
	for i := 1; i < len(parts); i++ {
		dir := strings.Join(parts[:i], "/")
		if done[dir] != 0 || g.wild && g.IntN(2) == 0 {
			continue
		}
		out = append(out, g.header(tar.TypeDir, dir+"/"))
	}
	return out
}

// layer makes a layer over what there is and applies it.
func (g *generator) layer() []file {
	done := map[string]byte{} // the types of the paths that have an entry in this layer
	under := func(p string) bool {
		for q, typ := range done {
			if q == p || strings.HasPrefix(q, p+"/") || strings.HasPrefix(p, q+"/") && typ != tar.TypeDir {
				return true
			}
		}
		return false
	}
	var out []file
	add := func(files ...file) bool {
		next := model{}
		try := append(slices.Clone(out), files...)
		for p, o := range g.fs {
			next[p] = o
		}
		// things are shared and changed by hard links: the copy must not change ours
		next = next.clone()
		if next.apply(try, false) != nil {
			return false
		}
		out = try
		for _, f := range files {
			done[strings.Trim(f.Name, "/")] = f.Typeflag
		}
		return true
	}
	for range 1 + g.IntN(8) {
		p := g.path()
		if old, ok := g.one(func(string, *thing) bool { return true }); ok && g.IntN(2) == 0 {
			p = old
		}
		if !g.wild && under(p) {
			continue
		}
		dir, base := split(p)
		above := g.dirs(p, done)
		switch k := g.IntN(20); {
		case k < 6:
			f := g.header(tar.TypeReg, p)
			f.data = g.content()
			f.Size = int64(len(f.data))
			add(append(above, f)...)
		case k < 9:
			add(append(above, g.header(tar.TypeDir, p+"/"))...)
		case k < 11:
			f := g.header(tar.TypeSymlink, p)
			f.Linkname = []string{g.path(), "/" + g.path(), "../" + g.name(), "."}[g.IntN(4)]
			add(append(above, f)...)
		case k < 12:
			add(append(above, g.header(tar.TypeFifo, p))...)
		case k < 13 && g.root:
			f := g.header(tar.TypeChar, p)
			f.Devmajor, f.Devminor = 1, 3+g.Int64N(9)
			add(append(above, f)...)
		case k < 16:
			target, ok := g.one(func(q string, o *thing) bool { return o.typ != tar.TypeDir && q != p && (g.wild || done[q] == 0) })
			if !ok {
				continue
			}
			f := g.header(tar.TypeLink, p)
			f.Linkname = target
			add(append(above, f)...)
		case k < 19 || g.wild && k == 19:
			f := file{Header: tar.Header{Typeflag: tar.TypeReg, Name: join(dir, whiteoutPrefix+base)}}
			if g.real && (g.fs[p] == nil || dir != "" && (g.fs[dir] == nil || g.fs[dir].typ != tar.TypeDir)) {
				continue
			}
			if k == 18 {
				if g.real && (g.fs[p] == nil || g.fs[p].typ != tar.TypeDir) {
					continue
				}
				above = append(above, g.header(tar.TypeDir, p+"/"))
				f.Name = join(p, opaqueName)
			}
			add(append(above, f)...)
		}
	}
	if g.wild {
		g.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		if next := g.fs.clone(); next.apply(out, false) != nil {
			return nil
		}
	}
	if g.fs.apply(out, true) != nil {
		return nil // it was tried and is sound
	}
	return out
}

// clone copies the file system with its files.
func (m model) clone() model {
	out := model{}
	copies := map[*thing]*thing{}
	for p, o := range m {
		if copies[o] == nil {
			c := *o
			c.xattrs = map[string]string{}
			for k, v := range o.xattrs {
				c.xattrs[k] = v
			}
			copies[o] = &c
		}
		out[p] = copies[o]
	}
	return out
}

// stack makes several layers, one over the other.
func (g *generator) stack() [][]file {
	g.fs = model{}
	out := make([][]file, 2+g.IntN(5))
	for i := range out {
		out[i] = g.layer()
	}
	return out
}

// Whatever the layers are and wherever the cut between below and own is, the
// folded layer makes the same tree, folds to itself, and is the same however
// the layers are stored.
func TestRandomStacks(t *testing.T) {
	const seeds = 250
	entries := 0
	for seed := range uint64(seeds) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), wild: seed%2 == 1, root: true}
		layers := g.stack()
		want, err := overlay(layers...)
		check(t, err)
		how := []string{asStream, asGzip, asZstd, asFile}[g.IntN(4)]
		var tars [][]byte
		for _, l := range layers {
			tars = append(tars, pack(t, l))
			entries += len(l)
		}
		all := blobs(t, how, tars...)
		for cut := range len(layers) + 1 {
			got, folded := fold(t, all[:cut], all[cut:], Options{Epoch: epoch})
			files := unpack(t, got)
			tree, err := overlay(append(slices.Clone(layers[:cut]), files)...)
			check(t, err)
			if tree.String() != want.String() {
				show(t, layers, files)
				t.Fatalf("seed %d, cut %d: the trees differ:\n%s", seed, cut, difference(want.String(), tree.String()))
			}
			again, _ := fold(t, all[:cut], blobs(t, asStream, got), Options{Epoch: epoch})
			if !bytes.Equal(again, got) {
				show(t, layers, files)
				t.Fatalf("seed %d, cut %d: folded again it is %s", seed, cut, brief(unpack(t, again)))
			}
			ahead, _ := fold(t, all[:cut], blobs(t, asStream, tars[cut:]...), Options{Epoch: epoch})
			if !bytes.Equal(ahead, got) || folded.Entries != len(files) {
				t.Fatalf("seed %d, cut %d: as streams it is another", seed, cut)
			}
			if cut == len(layers) && folded.Entries != 0 {
				t.Fatalf("seed %d: no layer is folded to %s", seed, brief(files))
			}
		}
		// folded in two steps it makes the same tree too
		mid := len(layers) / 2
		first, _ := fold(t, nil, all[:mid], Options{Epoch: epoch})
		last, _ := fold(t, blobs(t, asGzip, first), all[mid:], Options{Epoch: epoch})
		tree, err := overlay(unpack(t, first), unpack(t, last))
		check(t, err)
		if tree.String() != want.String() {
			t.Fatalf("seed %d in two steps: the trees differ:\n%s", seed, difference(want.String(), tree.String()))
		}
	}
	if entries < 10*seeds {
		t.Errorf("only %d entries were made", entries)
	}
}

// Of layers that make no sense, the model and Fold refuse the same.
func TestRandomNonsense(t *testing.T) {
	refused := 0
	for seed := range uint64(1000) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 2)), wild: true, root: true}
		layers := g.stack()
		last := layers[len(layers)-1]
		g.Shuffle(len(last), func(i, j int) { last[i], last[j] = last[j], last[i] })
		for i := range last {
			if g.IntN(3) == 0 && last[i].Typeflag == tar.TypeLink {
				last[i].Linkname = g.path()
			}
			if g.IntN(5) == 0 && !strings.Contains(last[i].Name, whiteoutPrefix) {
				last[i].Name = g.path()
			}
		}
		if slices.ContainsFunc(last, func(f file) bool { return f.Typeflag == tar.TypeLink && f.Linkname == f.Name }) {
			continue // is refused for that
		}
		want, err := overlay(layers[:len(layers)-1]...)
		check(t, err)
		modelErr := want.apply(last, true)
		var all []Blob
		for _, l := range layers {
			all = append(all, blob(t, pack(t, l), asStream))
		}
		cut := g.IntN(len(layers))
		var out bytes.Buffer
		_, err = Fold(t.Context(), all[:cut], all[cut:], &out, Options{Epoch: epoch})
		if (err == nil) != (modelErr == nil) {
			show(t, layers, nil)
			t.Fatalf("seed %d: Fold says %v, the model %v", seed, err, modelErr)
		}
		if err != nil {
			refused++
			continue
		}
		files := unpack(t, out.Bytes())
		tree, err := overlay(append(slices.Clone(layers[:cut]), files)...)
		if err = errors.Join(err); err != nil || tree.String() != want.String() {
			show(t, layers, files)
			t.Fatalf("seed %d, cut %d: the trees differ: %v\n%s", seed, cut, err, difference(want.String(), tree.String()))
		}
	}
	if refused < 50 {
		t.Errorf("only %d of the stacks made no sense", refused)
	}
}

// show prints layers that something is wrong with.
func show(t *testing.T, layers [][]file, folded []file) {
	t.Helper()
	for i, l := range layers {
		t.Logf("layer %d: %s", i, brief(l))
	}
	t.Logf("folded:  %s", brief(folded))
}
