package lock

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
)

// full is a lock with something in every field.
func full() *File {
	libc := Deb{
		Name: "libc6", Version: "2.36-9+deb12u10", Arch: "amd64", Source: "glibc", URI: "http://deb.example/debian",
		Filename: "pool/main/g/glibc/libc6_2.36-9+deb12u10_amd64.deb", SHA256: strings.Repeat("ab", 32), Size: 2756640, InstalledSize: 12988,
	}
	tz := Deb{
		Name: "tzdata", Version: "2025b-0+deb12u1", Arch: "all", Source: "tzdata", URI: "http://deb.example/debian",
		Filename: "pool/main/t/tzdata/tzdata_2025b-0+deb12u1_all.deb", SHA256: strings.Repeat("cd", 32), Size: 311, InstalledSize: 1,
	}
	return &File{
		Version: 1,
		Upstreams: map[string]Upstream{
			"docker.io/library/redis:7": {
				Digests: map[string]string{"linux/arm64": "sha256:" + strings.Repeat("2", 64), "linux/amd64": "sha256:" + strings.Repeat("1", 64)},
				Index:   "sha256:" + strings.Repeat("3", 64), Created: 1700000000,
			},
			"docker.io/library/busybox:1": {Digests: map[string]string{}, Index: "sha256:" + strings.Repeat("4", 64)},
		},
		Sources: map[string][]Source{"12": {{
			URI: "http://deb.example/debian", Suite: "bookworm", Component: "main", Date: "2026-09-05T08:01:02Z",
			Release: strings.Repeat("5", 64), Packages: strings.Repeat("6", 64), Signers: []string{"4D64FEC119C2029067D6E791F8D2585B8783D481"},
		}}},
		Sets: map[string]Set{
			"debian12": {Release: "12", Arch: "amd64", Request: []string{"libc6", "tzdata"}, Exclude: []string{"perl-base"}, Epoch: 1757059262, Debs: []string{libc.Key(), tz.Key()}},
			"certs":    {Release: "12", Arch: "amd64", Request: []string{"tzdata"}, Parent: "debian12", Epoch: 1757059262, Debs: []string{}},
		},
		Debs: map[string]Deb{libc.Key(): libc, tz.Key(): tz},
	}
}

// encoded is how full stands in the file.
var encoded = `{
  "version": 1,
  "upstreams": {
    "docker.io/library/busybox:1": {"digests":{},"index":"sha256:` + strings.Repeat("4", 64) + `","created":0},
    "docker.io/library/redis:7": {"digests":{"linux/amd64":"sha256:` + strings.Repeat("1", 64) + `","linux/arm64":"sha256:` + strings.Repeat("2", 64) + `"},"index":"sha256:` + strings.Repeat("3", 64) + `","created":1700000000}
  },
  "sources": {
    "12": [{"uri":"http://deb.example/debian","suite":"bookworm","component":"main","date":"2026-09-05T08:01:02Z","release":"` + strings.Repeat("5", 64) + `","packages":"` + strings.Repeat("6", 64) + `","signers":["4D64FEC119C2029067D6E791F8D2585B8783D481"]}]
  },
  "sets": {
    "certs": {"release":"12","arch":"amd64","request":["tzdata"],"parent":"debian12","epoch":1757059262,"debs":[]},
    "debian12": {"release":"12","arch":"amd64","request":["libc6","tzdata"],"exclude":["perl-base"],"epoch":1757059262,"debs":[
      "libc6_2.36-9+deb12u10_amd64",
      "tzdata_2025b-0+deb12u1_all"]}
  },
  "debs": {
    "libc6_2.36-9+deb12u10_amd64": {"name":"libc6","version":"2.36-9+deb12u10","arch":"amd64","source":"glibc","uri":"http://deb.example/debian","filename":"pool/main/g/glibc/libc6_2.36-9+deb12u10_amd64.deb","sha256":"` + strings.Repeat("ab", 32) + `","size":2756640,"installed_size":12988},
    "tzdata_2025b-0+deb12u1_all": {"name":"tzdata","version":"2025b-0+deb12u1","arch":"all","source":"tzdata","uri":"http://deb.example/debian","filename":"pool/main/t/tzdata/tzdata_2025b-0+deb12u1_all.deb","sha256":"` + strings.Repeat("cd", 32) + `","size":311,"installed_size":1}
  }
}
`

func TestEncode(t *testing.T) {
	for name, test := range map[string]struct {
		file *File
		want string
	}{
		"everything": {full(), encoded},
		"nothing":    {New(), "{\n  \"version\": 1\n}\n"},
		"no packages": {
			&File{Version: 1, Sets: map[string]Set{`a"b`: {Release: "13", Arch: "arm64"}}},
			"{\n  \"version\": 1,\n  \"sets\": {\n    \"a\\\"b\": {\"release\":\"13\",\"arch\":\"arm64\",\"request\":null,\"epoch\":0,\"debs\":[]}\n  }\n}\n",
		},
	} {
		got, err := test.file.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.want)
		}
	}
}

func TestParseReadsWhatEncodeWrote(t *testing.T) {
	got, err := Parse([]byte(encoded))
	if err != nil {
		t.Fatal(err)
	}
	if want := full(); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%#v\nwant\n%#v", got, want)
	}
}

func TestParseMakesMaps(t *testing.T) {
	for _, text := range []string{`{"version":1}`, `{"version":1,"upstreams":null,"sources":null,"sets":null,"debs":null}`, " {\"version\":1}\r\n\t "} {
		got, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, New()) || got.Upstreams == nil || got.Sources == nil || got.Sets == nil || got.Debs == nil {
			t.Errorf("%s: %#v", text, got)
		}
	}
}

func TestParseErrors(t *testing.T) {
	const conflict = "a merge conflict? take either side, then: plinth update"
	const anew = "write it anew with: plinth update"
	for name, test := range map[string]struct{ text, want, hint string }{
		"empty":             {"", "plinth.lock:1:1: cannot read the lock: it ends too early", conflict},
		"blank":             {" \n\n", "plinth.lock:2:1: cannot read the lock: it ends too early", conflict},
		"cut off":           {"{\n  \"version\": 1,\n  \"debs\": {", "plinth.lock:3:11: cannot read the lock: it ends too early", conflict},
		"merge conflict":    {"{\n  \"version\": 1,\n<<<<<<< ours\n  \"debs\": {}\n}\n", "plinth.lock:3:1: cannot read the lock: invalid character '<' looking for beginning of object key string", conflict},
		"conflict at top":   {"<<<<<<< ours\n{}", "plinth.lock:1:1: cannot read the lock: invalid character '<' looking for beginning of value", conflict},
		"conflict at end":   {"{\n  \"version\": 1\n}\n>>>>>>> theirs\n", "plinth.lock:4:1: cannot read the lock: something follows the closing brace", conflict},
		"two values":        {`{"version":1}{}`, "plinth.lock:1:14: cannot read the lock: something follows the closing brace", conflict},
		"unknown field":     {"{\n  \"version\": 1,\n  \"debs\": {\"a\": {\"nmae\": \"x\"}}\n}", `plinth.lock:3:18: cannot read the lock: unknown field "nmae"`, conflict},
		"wrong type":        {"{\n  \"version\": 1,\n  \"debs\": {\"a\": {\"size\": \"12\"}}\n}", "plinth.lock:3:29: cannot read the lock: cannot unmarshal string into Go struct field Deb.debs.size of type int64", conflict},
		"not an object":     {"[]", "plinth.lock:1:1: cannot read the lock: cannot unmarshal array into Go value of type lock.File", conflict},
		"no version":        {"{}", "plinth.lock:1:1: cannot read the lock: it has version 0 and this plinth knows version 1", anew},
		"null":              {"null", "plinth.lock:1:1: cannot read the lock: it has version 0 and this plinth knows version 1", anew},
		"newer":             {"{\n  \"version\": 2\n}\n", "plinth.lock:2:3: cannot read the lock: it has version 2 and this plinth knows version 1", anew},
		"newer, new fields": {"{\n  \"new\": {},\n  \"version\": 2\n}\n", "plinth.lock:3:3: cannot read the lock: it has version 2 and this plinth knows version 1", anew},
		"missing package": {
			"{\n\"version\":1,\"sets\":{\"a\":{\"debs\":[\n  \"x_1_all\"]}}}",
			"plinth.lock:3:3: cannot use the lock: a needs package x_1_all, which it does not describe", anew,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse([]byte(test.text))
			if f != nil || err == nil {
				t.Fatalf("%+v, %v", f, err)
			}
			checkError(t, err, test.want, test.hint)
		})
	}
}

func checkError(t *testing.T, err error, want string, hints ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", want)
	}
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	var got []string
	for _, e := range diag.Flatten(err) {
		got = append(got, e.Hints...)
	}
	if !reflect.DeepEqual(got, hints) {
		t.Errorf("hints %q, want %q", got, hints)
	}
}

func TestParseReportsEveryMissingPackage(t *testing.T) {
	_, err := Parse([]byte(`{"version":1,"sets":{"b":{"debs":["y_1_all","z_1_all"]},"a":{"debs":["x_1_all"]}}}`))
	want := "plinth.lock:1:35: cannot use the lock: b needs package y_1_all, which it does not describe\n" +
		"plinth.lock:1:45: cannot use the lock: b needs package z_1_all, which it does not describe\n" +
		"plinth.lock:1:70: cannot use the lock: a needs package x_1_all, which it does not describe"
	const hint = "write it anew with: plinth update"
	checkError(t, err, want, hint, hint, hint)
}

func TestLoad(t *testing.T) {
	root := t.TempDir()
	got, err := Load(root)
	if err != nil || !reflect.DeepEqual(got, New()) {
		t.Errorf("a catalog without a lock: %+v, %v", got, err)
	}
	write(t, filepath.Join(root, FileName), encoded)
	if got, err = Load(root); err != nil || !reflect.DeepEqual(got, full()) {
		t.Errorf("got %+v, %v", got, err)
	}
	write(t, filepath.Join(root, FileName), "{")
	_, err = Load(root)
	checkError(t, err, "plinth.lock:1:1: cannot read the lock: it ends too early", "a merge conflict? take either side, then: plinth update")

	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, FileName), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = Load(folder)
	checkError(t, err, "plinth.lock: cannot read the lock: read "+filepath.Join(folder, FileName)+": is a directory")
}

func TestSave(t *testing.T) {
	root := t.TempDir()
	f := full()
	// what nothing uses goes
	f.Debs["gone_1_all"] = Deb{Name: "gone", Version: "1", Arch: "all"}
	f.Sources["13"] = []Source{{URI: "http://deb.example/debian"}}
	if err := f.Save(root); err != nil {
		t.Fatal(err)
	}
	checkFolder(t, root, map[string]string{FileName: encoded})
	if want := full(); !reflect.DeepEqual(f, want) {
		t.Errorf("after Save: %+v\nwant %+v", f, want)
	}
	info, err := os.Stat(filepath.Join(root, FileName))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o644 {
		t.Errorf("mode %v, want 0644: a lock is committed and read by others", info.Mode())
	}
}

func TestSaveLeavesAnEqualFileAlone(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, FileName)
	write(t, path, encoded)
	old := time.Unix(1600000000, 0)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	before := stat(t, path)
	if err := full().Save(root); err != nil {
		t.Fatal(err)
	}
	if after := stat(t, path); !os.SameFile(before, after) || !after.ModTime().Equal(old) {
		t.Errorf("the file was written again")
	}

	f := full()
	delete(f.Upstreams, "docker.io/library/redis:7")
	if err := f.Save(root); err != nil {
		t.Fatal(err)
	}
	got, err := Load(root)
	if err != nil || !reflect.DeepEqual(got, f) {
		t.Errorf("got %+v, %v", got, err)
	}
	if after := stat(t, path); os.SameFile(before, after) {
		t.Error("the file was changed in place: a reader could see half of it")
	}
}

// A process that is killed while it writes leaves a temporary file; it is
// not for the catalog's git to see for ever.
func TestSaveSweepsWhatAKillLeft(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, ".plinth.lock.1234"), "{\n  \"ver")
	write(t, filepath.Join(root, ".plinth.yaml"), "mine")
	write(t, filepath.Join(root, "plinth.lock.orig"), "git's")
	if err := full().Save(root); err != nil {
		t.Fatal(err)
	}
	checkFolder(t, root, map[string]string{FileName: encoded, ".plinth.yaml": "mine", "plinth.lock.orig": "git's"})
}

func TestSaveErrors(t *testing.T) {
	err := full().Save(filepath.Join(t.TempDir(), "nowhere"))
	if err == nil || !strings.HasPrefix(err.Error(), "plinth.lock: cannot write the lock: open ") || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}

	root := t.TempDir() // a folder that has the lock's name can't be replaced
	write(t, filepath.Join(root, FileName, "x"), "")
	err = full().Save(root)
	if err == nil || !strings.HasPrefix(err.Error(), "plinth.lock: cannot write the lock: rename ") {
		t.Errorf("got %v", err)
	}
	checkFolder(t, root, map[string]string{FileName + "/x": ""})
}

func TestSetDebs(t *testing.T) {
	f := full()
	set := f.Sets["debian12"]
	set.Debs = []string{"tzdata_2025b-0+deb12u1_all", "libc6_2.36-9+deb12u10_amd64"}
	f.Sets["debian12"] = set
	if got, want := f.SetDebs("debian12"), []Deb{f.Debs[set.Debs[0]], f.Debs[set.Debs[1]]}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := f.SetDebs("unknown"); got == nil || len(got) != 0 {
		t.Errorf("a target without a set: %#v", got)
	}
}

func TestMatches(t *testing.T) {
	s := Set{Release: "12", Arch: "amd64", Parent: "base", Request: []string{"a", "b"}, Exclude: []string{"x", "y"}}
	type args struct {
		release, arch, parent string
		request, exclude      []string
	}
	for name, test := range map[string]struct {
		args
		want bool
	}{
		"equal":         {args{"12", "amd64", "base", []string{"a", "b"}, []string{"x", "y"}}, true},
		"other order":   {args{"12", "amd64", "base", []string{"b", "a"}, []string{"y", "x"}}, true},
		"repeats":       {args{"12", "amd64", "base", []string{"a", "b", "a"}, []string{"x", "y", "x"}}, true},
		"release":       {args{"13", "amd64", "base", []string{"a", "b"}, []string{"x", "y"}}, false},
		"arch":          {args{"12", "arm64", "base", []string{"a", "b"}, []string{"x", "y"}}, false},
		"parent":        {args{"12", "amd64", "", []string{"a", "b"}, []string{"x", "y"}}, false},
		"more":          {args{"12", "amd64", "base", []string{"a", "b", "c"}, []string{"x", "y"}}, false},
		"fewer":         {args{"12", "amd64", "base", []string{"a"}, []string{"x", "y"}}, false},
		"other exclude": {args{"12", "amd64", "base", []string{"a", "b"}, []string{"x", "z"}}, false},
		"no exclude":    {args{"12", "amd64", "base", []string{"a", "b"}, nil}, false},
	} {
		request := append([]string(nil), test.request...)
		if got := s.Matches(test.release, test.arch, test.parent, test.request, test.exclude); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
		if !reflect.DeepEqual(test.request, request) {
			t.Errorf("%s: the caller's list was sorted", name)
		}
	}
	if !(Set{}).Matches("", "", "", []string{}, []string{}) {
		t.Error("nil and empty lists differ")
	}
}

func TestKey(t *testing.T) {
	if got := (Deb{Name: "libc6", Version: "2:1.0-1", Arch: "amd64"}).Key(); got != "libc6_2:1.0-1_amd64" {
		t.Error(got)
	}
}

// Whatever is in the file, reading it gives an error with a position in it, or
// a lock that is written back to the same value.
func FuzzParse(f *testing.F) {
	f.Add([]byte(encoded))
	f.Add([]byte(encoded[:len(encoded)/2]))
	f.Add([]byte(`{"version":1,"sets":{"a":{"debs":["b"]}},"debs":{"b":{}}}`))
	f.Add([]byte(`{"version":1,"upstreams":{"<\u2028>":{"digests":null}},"sources":{"":null}}`))
	f.Add([]byte("{}\n{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Parse(data)
		if err != nil {
			for _, e := range diag.Flatten(err) {
				p := e.Pos
				if lines := bytes.Count(data, []byte("\n")) + 1; p.File != FileName || p.Line < 1 || p.Line > lines || p.Column < 1 || p.Column > len(data)+1 {
					t.Errorf("%q: position %v", data, p)
				}
				if len(e.Hints) != 1 {
					t.Errorf("%q: hints %q", data, e.Hints)
				}
			}
			return
		}
		out, err := got.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(out) {
			t.Fatalf("%q becomes %q", data, out)
		}
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("%q becomes %q: %v", data, out, err)
		}
		second, err := again.Encode()
		if err != nil || !bytes.Equal(out, second) {
			t.Errorf("%q becomes %q and then %q", data, out, second)
		}
	})
}

// write makes a file with its folders.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func stat(t *testing.T, path string) fs.FileInfo {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// checkFolder compares all files under dir with want.
func checkFolder(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		got[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
