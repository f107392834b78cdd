package ociref

import (
	"errors"
	"strings"
	"testing"
)

var sha = "sha256:" + strings.Repeat("0123456789abcdef", 4)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		in, normalised, familiar, registry, repository, tag, digest string
	}{
		{"debian", "docker.io/library/debian:latest", "debian:latest", "docker.io", "docker.io/library/debian", "", ""},
		{"debian:12", "docker.io/library/debian:12", "debian:12", "docker.io", "docker.io/library/debian", "12", ""},
		{"docker.io/library/debian:12", "docker.io/library/debian:12", "debian:12", "docker.io", "docker.io/library/debian", "12", ""},
		{"index.docker.io/library/debian", "docker.io/library/debian:latest", "debian:latest", "docker.io", "docker.io/library/debian", "", ""},
		{"acme/java", "docker.io/acme/java:latest", "acme/java:latest", "docker.io", "docker.io/acme/java", "", ""},
		{"localhost:5000/a/b:c", "localhost:5000/a/b:c", "localhost:5000/a/b:c", "localhost:5000", "localhost:5000/a/b", "c", ""},
		{"reg.example/library/x", "reg.example/library/x:latest", "reg.example/library/x:latest", "reg.example", "reg.example/library/x", "", ""},
		{"debian@" + sha, "docker.io/library/debian@" + sha, "debian@" + sha, "docker.io", "docker.io/library/debian", "", sha},
		{"debian:12@" + sha, "docker.io/library/debian:12@" + sha, "debian:12@" + sha, "docker.io", "docker.io/library/debian", "12", sha},
	} {
		r, err := Parse(tc.in)
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		for what, pair := range map[string][2]string{
			"Normalised": {r.Normalised(), tc.normalised},
			"String":     {r.String(), tc.normalised},
			"Familiar":   {r.Familiar(), tc.familiar},
			"Registry":   {r.Registry(), tc.registry},
			"Repository": {r.Repository(), tc.repository},
			"Tag":        {r.Tag(), tc.tag},
			"Digest":     {r.Digest(), tc.digest},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: %s is %q, want %q", tc.in, what, pair[0], pair[1])
			}
		}
		if r.IsZero() {
			t.Errorf("%s: is zero", tc.in)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":           "invalid reference format",
		"Debian":     "invalid reference format: repository name (library/Debian) must be lowercase",
		"debian:":    "invalid reference format",
		"debian:a b": "invalid reference format",
		"a@sha256:1": "invalid reference format",
		"scratch":    `"scratch" is the empty image, not a reference`,
	} {
		r, err := Parse(in)
		if err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", in, err, want)
		}
		if !r.IsZero() {
			t.Errorf("%q: gives %v", in, r)
		}
	}
	if _, err := Parse("scratch"); !errors.Is(err, ErrScratch) {
		t.Error("scratch is not ErrScratch")
	}
	if _, err := Parse("scratch:1"); err != nil {
		t.Errorf("scratch with a tag is an image: %v", err)
	}
	if s := (Ref{}).Normalised(); s != "" {
		t.Errorf("the zero Ref is %q", s)
	}
}

func TestWithDigest(t *testing.T) {
	r, err := Parse("debian:12")
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := r.WithDigest(sha)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := pinned.Normalised(), "docker.io/library/debian:12@"+sha; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if r.Digest() != "" {
		t.Error("the original changed")
	}
	if again, _ := Parse(pinned.Normalised()); again != pinned {
		t.Errorf("%v is not %v after a round trip", again, pinned)
	}
	_, err = r.WithDigest("sha256:12")
	if want := `cannot pin docker.io/library/debian:12 to the digest "sha256:12": invalid checksum digest length`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestParsePlatform(t *testing.T) {
	for in, want := range map[string]Platform{
		"linux/amd64":    {"linux", "amd64", ""},
		"Linux/x86_64":   {"linux", "amd64", ""},
		"linux/arm64":    {"linux", "arm64", ""},
		"linux/arm64/v8": {"linux", "arm64", ""},
		"linux/aarch64":  {"linux", "arm64", ""},
		"linux/arm/v7":   {"linux", "arm", "v7"},
		"linux/arm/v6":   {"linux", "arm", "v6"},
	} {
		got, err := ParsePlatform(in)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"linux":                 `cannot read platform "linux": want os/arch, such as linux/amd64`,
		"":                      `cannot read platform "": want os/arch, such as linux/amd64`,
		"windows(10.0.1)/amd64": `cannot read platform "windows(10.0.1)/amd64": versions and features of the operating system are not supported`,
		"linux/amd64/v1/v2":     `cannot read platform "linux/amd64/v1/v2": `,
		"linux/am d64":          `cannot read platform "linux/am d64": `,
	} {
		_, err := ParsePlatform(in)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}

func TestPlatformString(t *testing.T) {
	for want, p := range map[string]Platform{
		"":             {},
		"linux/amd64":  {"linux", "amd64", ""},
		"linux/arm/v7": {"linux", "arm", "v7"},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	again, err := ParsePlatform(Host().String())
	if err != nil || again != Host() {
		t.Errorf("the host %v reads back as %v, %v", Host(), again, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"debian", "a/b:c", "localhost:5000/x@" + sha, "scratch", "A", "docker.io/x", ":", "a:5000/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := Parse(s)
		if err != nil {
			return
		}
		for _, form := range []string{r.Normalised(), r.Familiar()} {
			again, err := Parse(form)
			if form == "scratch" {
				continue
			}
			if err != nil || again.Normalised() != r.Normalised() {
				t.Errorf("%q: %q reads back as %v, %v", s, form, again, err)
			}
		}
	})
}
