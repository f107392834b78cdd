package store

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

const id = "abcdef0123456789"

var built = time.Date(2026, 5, 4, 12, 30, 15, 999, time.FixedZone("", 7200))

// mtime sets a blob's time, so that a test knows it.
func mtime(t *testing.T, s *Store, d digest.Digest, seconds int64) {
	t.Helper()
	at := time.Unix(seconds, 0)
	try(t, os.Chtimes(s.BlobPath(d), at, at))
}

// recorded is a store with one image under id.
func recorded(t *testing.T) (*Store, Result) {
	t.Helper()
	s := open(t)
	desc := image(t, s, "{}", "layer one", "layer one", "two")
	blobs := []Blob{
		{desc.Digest, desc.Size, 1e9}, {digest.FromString("{}"), 2, 2e9}, {digest.FromString("layer one"), 9, 3e9}, {digest.FromString("two"), 3, 4e9},
	}
	for i, b := range blobs {
		mtime(t, s, b.Digest, int64(i+1))
	}
	r, err := s.Record(id, "debian12", Image{Manifest: desc, Epoch: 7}, built)
	try(t, err)
	want := Result{
		ID: id, Target: "debian12", Manifest: desc, Size: 9 + 9 + 3,
		Built: time.Date(2026, 5, 4, 10, 30, 15, 0, time.UTC), Blobs: blobs, Epoch: 7, Content: r.Content,
	}
	if !reflect.DeepEqual(r, want) || len(r.Content) != 64 {
		t.Fatalf("recorded %+v\nwant %+v", r, want)
	}
	return s, r
}

func TestRecordAndLookup(t *testing.T) {
	s, r := recorded(t)
	if got, err := s.Lookup(id); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, %v", got, err)
	}
	var onDisk Result
	data, err := os.ReadFile(filepath.Join(s.Dir(), "ids", "ab", id+".json"))
	try(t, err)
	try(t, json.Unmarshal(data, &onDisk))
	if !reflect.DeepEqual(onDisk, r) {
		t.Errorf("on disk %+v", onDisk)
	}
	for _, other := range []string{"abcdef", "ab", "a", "", "bcdef"} {
		if got, err := s.Lookup(other); err != nil || !reflect.DeepEqual(got, Result{}) {
			t.Errorf("%q: %+v, %v", other, got, err)
		}
	}
}

func TestFirstResultWins(t *testing.T) {
	s, first := recorded(t)
	other := image(t, s, "{}", "other")
	if got, err := s.Record(id, "another", Image{Manifest: other, Epoch: 7}, built.Add(time.Hour)); err != nil || !reflect.DeepEqual(got, first) {
		t.Errorf("got %+v, %v", got, err)
	}
	// but not when it is damaged
	try(t, os.Remove(s.BlobPath(digest.FromString("two"))))
	got, err := s.Record(id, "another", Image{Manifest: other, Epoch: 7}, built.Add(time.Hour))
	if err != nil || got.Target != "another" || got.Manifest.Digest != other.Digest {
		t.Errorf("got %+v, %v", got, err)
	}
	if now, err := s.Lookup(id); err != nil || !reflect.DeepEqual(now, got) {
		t.Errorf("got %+v, %v", now, err)
	}
}

func TestRecordErrors(t *testing.T) {
	s := open(t)
	desc := image(t, s, "{}", "layer")
	layer := digest.FromString("layer")
	try(t, os.WriteFile(s.BlobPath(layer), []byte("layers"), 0o644))
	_, err := s.Record(id, "debian12", Image{Manifest: desc, Epoch: 7}, built)
	wantError(t, err, "cannot record debian12: blob "+layer.String()+" has 6 bytes instead of 5")
	try(t, os.Remove(s.BlobPath(layer)))
	_, err = s.Record(id, "debian12", Image{Manifest: desc, Epoch: 7}, built)
	wantError(t, err, "cannot record debian12: stat "+s.BlobPath(layer)+": no such file or directory")
	desc.Digest = digest.FromString("nothing")
	_, err = s.Record(id, "debian12", Image{Manifest: desc, Epoch: 7}, built)
	wantError(t, err, "cannot read blob "+desc.Digest.String()+": open "+s.BlobPath(desc.Digest)+": no such file or directory")

	desc = image(t, s, "{}", "layer")
	try(t, os.WriteFile(filepath.Join(s.Dir(), "ids", "ab"), nil, 0o644))
	_, err = s.Record(id, "debian12", Image{Manifest: desc, Epoch: 7}, built)
	wantError(t, err, "cannot record debian12: mkdir "+filepath.Join(s.Dir(), "ids", "ab")+": not a directory")
	try(t, os.RemoveAll(s.tmp()))
	_, err = s.Record("cd"+id, "debian12", Image{Manifest: desc, Epoch: 7}, built)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot record debian12: open ") {
		t.Errorf("got %v", err)
	}
	if got, err := s.Lookup("cd" + id); err != nil || got.ID != "" {
		t.Errorf("after a failed Record: %+v, %v", got, err)
	}
}

// Each way in which an image can rot is noticed and named.
func TestLookupNoticesDamage(t *testing.T) {
	two := digest.FromString("two")
	for name, test := range map[string]struct {
		damage func(path string) error
		want   string // "" when the image is intact
	}{
		"gone":        {os.Remove, "is gone"},
		"truncated":   {func(path string) error { return os.Truncate(path, 1) }, "has 1 bytes instead of 3"},
		"overwritten": {func(path string) error { return os.WriteFile(path, []byte("owt"), 0o644) }, "has another content"},
		"touched":     {func(path string) error { return os.Chtimes(path, time.Unix(9, 9), time.Unix(9, 9)) }, ""},
		"copied back": {func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, []byte("two"), 0o644)) }, ""},
		"a file is in the way": {func(path string) error {
			return errors.Join(os.RemoveAll(filepath.Dir(path)), os.WriteFile(filepath.Dir(path), nil, 0o644))
		}, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			s, r := recorded(t)
			try(t, test.damage(s.BlobPath(two)))
			got, err := s.Lookup(id)
			if !reflect.DeepEqual(got, r) {
				t.Errorf("got %+v", got)
			}
			if test.want == "" {
				try(t, err)
				return
			}
			blob := two
			if test.want == "cannot be read" {
				blob = r.Manifest.Digest // all are, and the first is named
			}
			wantError(t, err, "blob "+blob.String()+" of debian12 "+test.want+": damaged in the store")
			if !errors.Is(err, ErrDamaged) {
				t.Error("it is not ErrDamaged")
			}
		})
	}
}

// A power cut can leave a result half-written, and a wrong one could name any path.
func TestLookupOfABrokenResult(t *testing.T) {
	s, r := recorded(t)
	path := s.idPath(id)
	broken := map[string]string{"empty": "", "half": `{"id":"abc`, "another id": `{"id":"x","blobs":[{}]}`, "no blobs": `{"id":"` + id + `"}`}
	for name, text := range broken {
		try(t, os.WriteFile(path, []byte(text), 0o644))
		if got, err := s.Lookup(id); err != nil || !reflect.DeepEqual(got, Result{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	r.Blobs[1].Digest = "sha256:../../../../etc/passwd"
	data, err := json.Marshal(r)
	try(t, err)
	try(t, os.WriteFile(path, data, 0o644))
	_, err = s.Lookup(id)
	wantError(t, err, "blob sha256:../../../../etc/passwd of debian12 has no valid digest: damaged in the store")

	try(t, os.Remove(path))
	try(t, os.Mkdir(path, 0o755))
	_, err = s.Lookup(id)
	wantError(t, err, "cannot read the result of "+id+": read "+path+": is a directory")
}

func TestForget(t *testing.T) {
	s, r := recorded(t)
	wrong := digest.FromString("two")
	try(t, os.WriteFile(s.BlobPath(wrong), []byte("owt"), 0o644))
	try(t, os.Remove(s.BlobPath(digest.FromString("layer one"))))
	try(t, s.Forget(r))
	wantFiles(t, s, "blobs/sha256/"+r.Manifest.Digest.Encoded(), "blobs/sha256/"+digest.FromString("{}").Encoded())
	if got, err := s.Lookup(id); err != nil || got.ID != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	try(t, s.Forget(r)) // once more finds nothing to do

	outside := filepath.Join(s.Dir(), "precious")
	try(t, os.WriteFile(outside, nil, 0o644))
	try(t, s.Forget(Result{ID: id, Blobs: []Blob{{Digest: "sha256:../../precious", Size: 1}}}))
	wantText(t, outside, "")

	try(t, os.MkdirAll(filepath.Join(s.BlobPath(wrong), "x"), 0o755))
	try(t, os.MkdirAll(filepath.Join(s.idPath(id), "x"), 0o755))
	err := s.Forget(r)
	if err == nil || strings.Count(err.Error(), "directory not empty") != 2 {
		t.Errorf("got %v", err)
	}
}

func TestTargets(t *testing.T) {
	type snapshot struct {
		Digest string
		Files  []string
	}
	s := open(t)
	want := snapshot{"sha256:1", []string{"a", "b"}}
	try(t, s.SaveTarget("team/java17-init", want))
	try(t, s.SaveTarget("team-java17-init", snapshot{Digest: "another"}))
	wantFiles(t, s, "targets/team%java17-init.json", "targets/team-java17-init.json")
	var got snapshot
	if !s.LoadTarget("team/java17-init", &got) || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	info, err := os.Stat(filepath.Join(s.Dir(), "targets", "team%java17-init.json"))
	if try(t, err); info.Mode() != 0o644 {
		t.Errorf("mode %v: another user's plinth could not read it", info.Mode())
	}
	if s.LoadTarget("unknown", &got) {
		t.Error("an unknown target is there")
	}
	try(t, os.WriteFile(s.targetPath("unknown"), []byte("{"), 0o644))
	if s.LoadTarget("unknown", &got) {
		t.Error("half a snapshot is there")
	}
	wantError(t, s.SaveTarget("a", func() {}), "cannot write the state of a: json: unsupported type: func()")
	try(t, os.MkdirAll(filepath.Join(s.targetPath("b"), "x"), 0o755))
	err = s.SaveTarget("b", 1)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot write the state of b: rename ") {
		t.Errorf("got %v", err)
	}
	if left := tree(t, s.tmp()); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUsed(t *testing.T) {
	s, _ := recorded(t)
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	try(t, s.Used(id, at))
	results, err := s.Results()
	if err != nil || len(results) != 1 || !results[0].Written.Equal(at) {
		t.Errorf("got %+v, %v", results, err)
	}
	if err := s.Used("gone"+id, at); err == nil {
		t.Error("a result that is not there was used")
	}
}
