package layer

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/pkg/archive"
	"golang.org/x/sys/unix"
)

// extract unpacks layers into a folder as containerd does.
func extract(t *testing.T, tars ...[]byte) string {
	t.Helper()
	root := t.TempDir()
	t.Cleanup(func() { // so that TempDir's own clean-up gets into all folders
		check(t, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = os.Chmod(p, 0o700)
			}
			return err
		}))
	})
	for _, data := range tars {
		var opts []archive.ApplyOpt
		if os.Geteuid() != 0 {
			opts = append(opts, archive.WithNoSameOwner())
		}
		_, err := archive.Apply(t.Context(), root, bytes.NewReader(data), opts...)
		check(t, err)
	}
	return root
}

// survey lists everything under a folder: type, mode, owner, time, device,
// attributes, names of the same file, target, content. The time of directories counts with dirTimes.
func survey(t *testing.T, root string, dirTimes bool) string {
	t.Helper()
	first := map[uint64]string{}
	var b strings.Builder
	check(t, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == root {
			return err
		}
		name := strings.TrimPrefix(p, root+"/")
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return err
		}
		if first[st.Ino] == "" {
			first[st.Ino] = name
		}
		mtime := min(st.Mtim.Sec, epoch)
		if d.IsDir() && !dirTimes {
			mtime = 0
		}
		fmt.Fprintf(&b, "%q %o %d:%d @%d %x =%q", name, st.Mode, st.Uid, st.Gid, mtime, st.Rdev, first[st.Ino])
		names := make([]byte, 4096)
		n, err := unix.Llistxattr(p, names)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		list := strings.Split(strings.TrimSuffix(string(names[:n]), "\x00"), "\x00")
		slices.Sort(list)
		for _, key := range list {
			value := make([]byte, 4096)
			if key == "" {
				continue
			}
			n, err := unix.Lgetxattr(p, key, value)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %s=%q", key, value[:n])
		}
		switch d.Type() {
		case fs.ModeSymlink:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " -> %q", target)
		case 0:
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %q", data)
		}
		b.WriteByte('\n')
		return nil
	}))
	return b.String()
}

// An unpacker makes the same of the folded layer as of the layers it was made of.
func TestExtractRandomStacks(t *testing.T) {
	const seeds = 50
	var all strings.Builder
	for seed := range uint64(seeds) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 3)), real: true, root: os.Geteuid() == 0}
		layers := g.stack()
		var tars [][]byte
		for _, l := range layers {
			tars = append(tars, pack(t, l))
		}
		cut := g.IntN(len(layers))
		want := survey(t, extract(t, tars...), true)
		folded, _ := fold(t, blobs(t, asFile, tars[:cut]...), blobs(t, asFile, tars[cut:]...), Options{Epoch: epoch})
		got := survey(t, extract(t, append(slices.Clone(tars[:cut]), folded)...), true)
		if got != want {
			show(t, layers, unpack(t, folded))
			t.Fatalf("seed %d, cut %d: the trees differ:\n%s", seed, cut, difference(want, got))
		}
		all.WriteString(got)
	}
	for _, what := range []string{" 100644 ", " 104755 ", " 120777 ", " 10644 ", " 40755 ", "user."} {
		if !strings.Contains(all.String(), what) {
			t.Errorf("no file had %q", what)
		}
	}
	if os.Geteuid() == 0 && (!strings.Contains(all.String(), "security.capability") || !strings.Contains(all.String(), " 20644 ")) {
		t.Error("no file had a capability, or none was a device")
	}
}

// The same for the layers of the table, without those that make containerd do
// something of its own.
func TestExtractTable(t *testing.T) {
	own := map[string]bool{
		// an entry is taken away by a whiteout that follows in its own layer
		"whiteout before and after": true, "directory replaced, whiteout last": true,
		"opaque keeps what is implied": true,
		// a whiteout makes the directory that it is in, or fails
		"whiteout of nothing": true, "whiteout in a file": true, "opaque of nothing": true, "opaque in a file": true,
		"opaque below it whiteouts are void": true, "opaque before its directory": true,
		// a pattern or a name of its own
		"opaque root": true, "names of AUFS": true,
	}
	for _, test := range folds {
		if own[test.name] {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			var below, layers [][]byte
			for _, l := range test.below {
				below = append(below, pack(t, parse(l)))
			}
			for _, l := range test.own {
				layers = append(layers, pack(t, parse(l)))
			}
			want := survey(t, extract(t, slices.Concat(below, layers)...), false)
			folded, _ := fold(t, blobs(t, asFile, below...), blobs(t, asFile, layers...), Options{Epoch: epoch})
			if got := survey(t, extract(t, append(below, folded)...), false); got != want {
				t.Errorf("the trees differ:\n%s", difference(want, got))
			}
		})
	}
}

// Folders, files with holes and names as real programs write them.
func TestExtractLongNames(t *testing.T) {
	deep := strings.Repeat(strings.Repeat("d", 200)+"/", 18) // what a system call takes is 4,095 bytes
	long := strings.Repeat("x", 255)
	layer := []file{}
	for i, c := range deep {
		if c == '/' {
			layer = append(layer, file{Header: tar.Header{Typeflag: tar.TypeDir, Name: deep[:i+1], Mode: 0o755}})
		}
	}
	layer = append(layer,
		file{Header: tar.Header{Typeflag: tar.TypeReg, Name: deep + long, Mode: 0o644, Size: 3}, data: "abc"},
		file{Header: tar.Header{Typeflag: tar.TypeLink, Name: "link", Linkname: deep + long, Mode: 0o644}},
		file{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: "symlink", Linkname: deep + long}},
	)
	tars := [][]byte{pack(t, layer), pack(t, parse("a=1"))}
	folded, _ := fold(t, nil, blobs(t, asGzip, tars...), Options{Epoch: epoch})
	want, got := survey(t, extract(t, tars...), false), survey(t, extract(t, folded), false)
	if want != got || !strings.Contains(got, long) {
		t.Error(errors.New(difference(want, got)))
	}
}
