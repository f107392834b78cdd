package secret

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// layer makes a tar file of one entry and compresses it.
func layer(t *testing.T, compression string, headers ...*tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	tw := tar.NewWriter(&out)
	for _, h := range headers {
		body := h.Uname // the content, in a field of no use here
		if h.Typeflag == tar.TypeReg {
			h.Uname, h.Size = "", int64(len(body))
		}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := tw.Write([]byte(body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	var z bytes.Buffer
	switch compression {
	case "gzip":
		w := gzip.NewWriter(&z)
		_, _ = w.Write(out.Bytes())
		_ = w.Close()
	case "zstd":
		w, err := zstd.NewWriter(&z)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(out.Bytes())
		_ = w.Close()
	default:
		return out.Bytes()
	}
	return z.Bytes()
}

func TestSearchLayer(t *testing.T) {
	set := newSet(map[string][]byte{"npm": []byte(token), "pip": []byte("hunter2hunter2")}, nil)
	file := func(name, data string) *tar.Header {
		return &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Uname: data}
	}
	big := strings.Repeat("x", 200_000)
	all := []*tar.Header{
		file("etc/clean", "nothing\n"),
		file("app/.npmrc", "//registry/:_authToken="+token+"\n"),
		file("app/half", token[:20]),
		file("app/other-half", token[20:]),
		file("app/big", big+token+big+base64.StdEncoding.EncodeToString([]byte("hunter2hunter2"))),
		{Name: "dir-" + token + "/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "link", Linkname: "/x/" + token, Typeflag: tar.TypeSymlink},
		{Name: "xattr", Typeflag: tar.TypeReg, PAXRecords: map[string]string{"SCHILY.xattr.user.t": "hunter2hunter2"}, Format: tar.FormatPAX},
		{Name: "owner", Typeflag: tar.TypeDir, Gname: token},
	}
	want := "[{npm plain false /app/.npmrc} {npm plain false /app/big} {pip base64 false /app/big} {npm plain false /dir-***} {npm plain false /link} {pip plain false /xattr} {npm plain false /owner}]"
	for _, compression := range []string{"", "gzip", "zstd"} {
		headers := make([]*tar.Header, len(all))
		for i, h := range all {
			c := *h
			headers[i] = &c
		}
		data := layer(t, compression, headers...)
		found, err := set.SearchLayer(bytes.NewReader(data))
		if err != nil || fmt.Sprint(found) != want {
			t.Errorf("%s: found %v, %v\nwant %s", compression, found, err, want)
		}
		if _, err := set.SearchLayer(bytes.NewReader(data[:len(data)/2])); err == nil {
			t.Errorf("%s: half a layer gives no error", compression)
		}
		if found, err := (*Set)(nil).SearchLayer(bytes.NewReader(data)); found != nil || err != nil {
			t.Errorf("an empty set found %v, %v", found, err)
		}
	}
	var many []*tar.Header
	for i := range maxFindings + 5 {
		many = append(many, file(fmt.Sprint(i), token))
	}
	if found, err := set.SearchLayer(bytes.NewReader(layer(t, "", many...))); err != nil || len(found) != maxFindings {
		t.Errorf("%d findings, %v", len(found), err)
	}
	if found, err := set.SearchLayer(bytes.NewReader(layer(t, ""))); err != nil || found != nil {
		t.Errorf("an empty layer: %v, %v", found, err)
	}
}

// Two halves in two texts are no value.
func TestTakeBeginsAnew(t *testing.T) {
	set := newSet(map[string][]byte{"npm": []byte(token)}, nil)
	encoded := base64.StdEncoding.EncodeToString([]byte(token))
	for _, text := range []string{token, encoded} {
		s := set.Scanner()
		_, _ = s.Write([]byte(text[:20]))
		first := s.Take()
		_, _ = s.Write([]byte(text[20:]))
		if second := s.Take(); len(first)+len(second) > 0 {
			t.Errorf("found %v and %v", first, second)
		}
		_, _ = s.Write([]byte(text))
		if whole := s.Take(); len(whole) != 1 {
			t.Errorf("found %v in the whole", whole)
		}
	}
}

func TestSearchJSON(t *testing.T) {
	set := newSet(map[string][]byte{"npm": []byte(token)}, nil)
	found, err := set.SearchJSON([]byte(`{"config":{"Env":["PATH=/bin","T=` + token + `"],"Labels":{"k` + token + `":"v","l":"\u006epm_16C7e42F292c6912E7710c838347Ae178B4a"},"Cmd":["a"]},
		"history":[{"created_by":"x","n":1,"e":null},{"created_by":"RUN echo ` + base64.StdEncoding.EncodeToString([]byte(token)) + `"}]}`))
	want := "[{npm plain false config.Env[1]} {npm plain false config.Labels.k***} {npm plain false config.Labels.l} {npm base64 false history[1].created_by}]"
	if err != nil || fmt.Sprint(found) != want {
		t.Errorf("found %v, %v\nwant %s", found, err, want)
	}
	if _, err := set.SearchJSON([]byte("{")); err == nil {
		t.Error("no error for broken JSON")
	}
}

func FuzzSearchLayer(f *testing.F) {
	f.Add([]byte("x"))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd})
	set := newSet(map[string][]byte{"x": []byte(token)}, nil)
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = set.SearchLayer(bytes.NewReader(data))
		_, _ = set.SearchJSON(data)
	})
}
