package build

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/pkg/archive"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"github.com/plinth-build/plinth/internal/layer"
)

// unpack applies the layers one after the other, as a container engine does.
func (f *fixture) unpack(d digest.Digest) string {
	f.t.Helper()
	dir := f.t.TempDir()
	for _, l := range f.manifest(d).Layers {
		blob, err := os.Open(f.store.BlobPath(l.Digest))
		if err != nil {
			f.t.Fatal(err)
		}
		zr, err := gzip.NewReader(blob)
		if err != nil {
			f.t.Fatal(err)
		}
		if _, err := archive.Apply(f.t.Context(), dir, zr); err != nil {
			f.t.Fatal(err)
		}
		blob.Close()
	}
	return dir
}

// tree describes all that is in an unpacked image: a line for each path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	links := map[uint64]string{} // inode → first name
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := "/" + strings.TrimPrefix(strings.TrimPrefix(path, dir), "/")
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		line := fmt.Sprintf("%o %d:%d %d", st.Mode, st.Uid, st.Gid, st.Rdev)
		if name != "/" {
			line += fmt.Sprintf(" time %d", st.Mtim.Sec)
		}
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			line += " -> " + target
		case d.Type().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += " " + digest.FromBytes(data).String()
			if st.Nlink > 1 {
				if links[st.Ino] == "" {
					links[st.Ino] = name
				}
				line += " link to " + links[st.Ino]
			}
		}
		names := make([]byte, 4096)
		n, err := unix.Llistxattr(path, names)
		if err != nil {
			return err
		}
		for _, x := range slices.Sorted(strings.SplitSeq(strings.TrimSuffix(string(names[:n]), "\x00"), "\x00")) {
			value := make([]byte, 4096)
			if x == "" {
				continue
			}
			n, err := unix.Lgetxattr(path, x, value)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %s=%x", x, value[:n])
		}
		out[name] = line
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func sameTrees(t *testing.T, got, want map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%.200s\n got  %s\n want %s", name, got[name], want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			t.Errorf("%.200s is there", name)
		}
	}
}

// squashed is a child of base to be folded.
func (f *fixture) squashed(how Squash, dockerfile string, files map[string]string) Request {
	r := f.request(dockerfile, files)
	r.Squash = how
	return r
}

// capability is a security.capability: cap_net_bind_service=ep.
const capability = "0100000200040000000000000000000000000000"

func TestSquash(t *testing.T) {
	f := newFixture(t)
	long := strings.Repeat("/"+strings.Repeat("long", 60), 14) // 3,374 characters; the kernel takes 4,095
	parent := f.build(f.request("FROM base\nRUN mkdir /opq /dir/sub && echo 1 > /opq/old && echo 2 > /dir/sub/f && echo 3 > /gone && echo 4 > /file && echo 5 > /target && link /target /hard\n", nil)).Manifest.Digest
	f.base = parent
	context := map[string]string{"a": "a\n", "d/b": "b\n", "d/deep/c": "c\n"}
	for _, c := range []struct{ name, dockerfile string }{
		{"whiteout of a parent's file", "FROM base\nRUN rm /gone\nRUN rm /dir/sub/f\n"},
		{"what came and went", "FROM base\nRUN echo x > /big && mkdir /bigger && echo y > /bigger/y\nRUN rm /big /bigger\n"},
		{"opaque directory", "FROM base\nRUN rm /opq && mkdir /opq && echo new > /opq/new\nRUN echo newer > /opq/newer\n"},
		{"file becomes directory", "FROM base\nRUN rm /file && mkdir /file/x\nRUN echo y > /file/x/y\n"},
		{"directory becomes file", "FROM base\nRUN rm /dir && echo x > /dir\n"},
		{"directory becomes file and back", "FROM base\nRUN rm /dir && echo x > /dir\nRUN rm /dir && mkdir /dir/other\n"},
		{"hard links over two RUNs", "FROM base\nRUN echo x > /x\nRUN link /x /y\nRUN link /y /z && echo changed > /x2\n"},
		{"hard link to a parent's file", "FROM base\nRUN link /file /linked\nRUN rm /hard\n"},
		{"hard link whose first name goes", "FROM base\nRUN echo x > /x && link /x /y\nRUN rm /x\n"},
		{"attributes", "FROM base\nRUN echo x > /x && xattr /x user.test 00ff && xattr /x security.capability " + capability + "\nRUN chmod 4755 /x && mkdir /s && chmod 1777 /s && xattr /s user.dir 01\nRUN xattr /x security.capability " + capability + "\n"},
		{"mode of a parent's file", "FROM base\nRUN chmod 600 /file\nRUN chmod 700 /dir\n"},
		{"links", "FROM base\nCOPY --link a /linked/a\nCOPY --link d /linked/d\nRUN symlink a /linked/sym && rm /linked/d/b\nCOPY --link a /linked/d/b\n"},
		{"long names", "FROM base\nRUN mkdir " + long + " && echo x > " + long + "/f && symlink " + long + " /sym\nRUN echo y > " + long + "/g\n"},
		{"sparse file", "FROM base\nRUN sparse 4000000 /sparse\nRUN echo x > /x\n"},
		{"another stage", "FROM base AS build\nRUN mkdir /out && echo x > /out/x\nFROM base\nCOPY --from=build /out /opt\nWORKDIR /srv\nENV A=b\nRUN rm /opt/x\n"},
		{"a stage on the way", "FROM base AS mid\nRUN echo 1 > /one\nFROM mid\nRUN rm /one && echo 2 > /two\n"},
		{"nothing", "FROM base\nENV A=b\n"},
		{"nothing that stays", "FROM base\nRUN echo x > /x\nRUN rm /x\n"},
		{"one layer", "FROM base\nCOPY --chown=7:8 a /a\n"},
		{"old times", "FROM base\nRUN echo x > /x && touch 5 /x\nRUN mkdir /d && touch 6 /d\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := *f
			f.t = t
			none := f.build(f.squashed(SquashNone, c.dockerfile, context)).Manifest.Digest
			want := tree(t, f.unpack(none))
			res := f.build(f.squashed(SquashOwn, c.dockerfile, context))
			own := res.Manifest.Digest
			sameTrees(t, tree(t, f.unpack(own)), want)
			below := f.manifest(parent).Layers
			m := f.manifest(own)
			wantLayers := len(below) + 1
			if slices.Contains([]string{"nothing", "nothing that stays", "what came and went"}, c.name) {
				wantLayers = len(below)
			}
			if len(m.Layers) != wantLayers {
				t.Errorf("%d layers, want %d", len(m.Layers), wantLayers)
			}
			var size int64
			for i, l := range m.Layers {
				size += l.Size
				if i < len(below) && l.Digest != below[i].Digest {
					t.Errorf("layer %d is not the parent's", i)
				}
			}
			if size != res.Size {
				t.Errorf("size %d, want %d", res.Size, size)
			}
			checkHistory(t, &f, own)
			all := f.build(f.squashed(SquashAll, c.dockerfile, context)).Manifest.Digest
			sameTrees(t, tree(t, f.unpack(all)), want)
			if n := len(f.manifest(all).Layers); n != 1 {
				t.Errorf("squash all gives %d layers", n)
			}
			checkHistory(t, &f, all)
			// with another way to squash in between, and without the engine's cache
			if again := f.build(f.squashed(SquashOwn, c.dockerfile, context)).Manifest.Digest; again != own {
				t.Errorf("again %s, want %s", again, own)
			}
			fresh := f.squashed(SquashOwn, c.dockerfile, context)
			fresh.NoCache = true
			if again := f.build(fresh).Manifest.Digest; again != own {
				t.Errorf("without cache %s, want %s", again, own)
			}
			if again := f.build(f.squashed(SquashNone, c.dockerfile, context)).Manifest.Digest; again != none {
				t.Errorf("squash none gives %s, want %s", again, none)
			}
		})
	}
	left, err := os.ReadDir(filepath.Join(f.store.Dir(), "tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("in the store's temporary folder: %v, %v", left, err)
	}
}

// checkHistory says whether config and manifest speak of the same layers.
func checkHistory(t *testing.T, f *fixture, d digest.Digest) {
	t.Helper()
	c, m := f.config(d), f.manifest(d)
	layers := 0
	for _, h := range c.History {
		if !h.EmptyLayer {
			layers++
		}
	}
	if layers != len(m.Layers) || len(c.RootFS.DiffIDs) != len(m.Layers) {
		t.Errorf("%d layers, %d in the history, %d in the config", len(m.Layers), layers, len(c.RootFS.DiffIDs))
	}
	for i, l := range m.Layers {
		blob, err := f.store.ReadBlob(l.Digest)
		if err != nil {
			t.Fatal(err)
		}
		zr, err := gzip.NewReader(bytes.NewReader(blob))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := digest.FromReader(zr); err != nil || got != c.RootFS.DiffIDs[i] {
			t.Errorf("layer %d has diff id %s, the config says %s (%v)", i, got, c.RootFS.DiffIDs[i], err)
		}
	}
}

func TestSquashKeepsLayersOutOfTheStore(t *testing.T) {
	f := newFixture(t)
	blobs := func() map[string]bool {
		entries, err := os.ReadDir(filepath.Join(f.store.Dir(), "blobs", "sha256"))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]bool{}
		for _, e := range entries {
			out[e.Name()] = true
		}
		return out
	}
	before := blobs()
	res := f.build(f.squashed(SquashOwn, "FROM base\nRUN echo 1 > /1\nRUN echo 2 > /2\nRUN rm /1\n", nil))
	if n := len(blobs()) - len(before); n != 3 {
		t.Errorf("%d new blobs, want a layer, a config and a manifest", n)
	}
	if got := f.own(res.Manifest.Digest); !slices.Equal(got, []string{"/2"}) {
		t.Errorf("the layer holds %q", got)
	}
	if h := f.layer(f.manifest(res.Manifest.Digest).Layers[2]); h[len(h)-1].ModTime.Unix() > epoch {
		t.Errorf("times are not those of the epoch: %+v", h[len(h)-1])
	}
}

// What the engine keeps of one way to squash does not show in another.
func TestSquashEachWayFirst(t *testing.T) {
	const dockerfile = "FROM base\nRUN echo 1 > /1\nCOPY a /a\nRUN rm /1\n"
	var want []digest.Digest
	for _, order := range [][]Squash{{SquashNone, SquashOwn, SquashAll}, {SquashAll, SquashNone, SquashOwn}, {SquashOwn, SquashNone, SquashAll}} {
		f := newFixture(t)
		got := map[Squash]digest.Digest{}
		for _, how := range order {
			got[how] = f.build(f.squashed(how, dockerfile, map[string]string{"a": "a\n"})).Manifest.Digest
		}
		digests := []digest.Digest{got[SquashNone], got[SquashOwn], got[SquashAll]}
		if want == nil {
			want = digests
		}
		if !slices.Equal(digests, want) {
			t.Errorf("%v first: %v, want %v", order[0], digests, want)
		}
	}
}

func TestSquashOnNothing(t *testing.T) {
	f := newFixture(t)
	r := f.squashed(SquashOwn, "FROM scratch\nCOPY a /a\nCOPY a /b\nCOPY --from=base /base /base\n", map[string]string{"a": "a"})
	res := f.build(r)
	if n := len(f.manifest(res.Manifest.Digest).Layers); n != 1 {
		t.Errorf("%d layers", n)
	}
	if got := slices.Sorted(maps.Keys(f.files(res.Manifest.Digest))); !slices.Equal(got, []string{"/a", "/b", "/base"}) {
		t.Errorf("files %q", got)
	}
	r.Squash = "some"
	if _, err := f.Build(t.Context(), r); err == nil || err.Error() != `0100-child/Dockerfile: cannot build child: "some" is no way to squash layers` {
		t.Errorf("got %v", err)
	}
}

// The layers of an upstream are shared like a parent's, and get into the store.
func TestSquashOverAnUpstream(t *testing.T) {
	f := newFixture(t)
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer srv.Close()
	text, dgst := pushImage(t, strings.Replace(strings.TrimPrefix(srv.URL, "http://"), "127.0.0.1", "localhost", 1))
	r := f.squashed(SquashNone, "FROM "+text+"\nCOPY --from=base /base /one\nCOPY --from=base /base /two\n", nil)
	r.Named = append(r.Named, NamedImage{Text: text, Upstream: text + "@" + dgst.String()})
	r.Squash = SquashOwn
	m := f.manifest(f.build(r).Manifest.Digest)
	if len(m.Layers) != 2 {
		t.Fatalf("%d layers", len(m.Layers))
	}
	r.Squash = SquashNone
	none := f.manifest(f.build(r).Manifest.Digest)
	if len(none.Layers) != 3 || none.Layers[0].Digest != m.Layers[0].Digest {
		t.Errorf("the upstream's layer is %s, and %s when squashed", none.Layers[0].Digest, m.Layers[0].Digest)
	}
}

func TestSquashWithACacheOfIndexes(t *testing.T) {
	f := newFixture(t)
	plain := f.build(f.squashed(SquashOwn, "FROM base\nRUN rm /base\n", nil)).Manifest.Digest
	dir := t.TempDir()
	f.LayerIndex = layer.Cache(dir)
	for range 2 {
		if got := f.build(f.squashed(SquashOwn, "FROM base\nRUN rm /base\n", nil)).Manifest.Digest; got != plain {
			t.Errorf("got %s, want %s", got, plain)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 {
		t.Errorf("nothing is kept: %v", err)
	}
}
