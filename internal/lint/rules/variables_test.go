package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

func TestVariables(t *testing.T) {
	for _, c := range []struct {
		text, want string
		quotes     bool
	}{
		{"a", "", true},
		{"$A", "A@0", true},
		{"x${A_1}y$b", "A_1@1 b@8", true},
		{"$1 $ ${} ${A", "", true},
		{`\$A $B`, "B@4", true},
		{`'$A' "$B" "it's $C"`, "B@6 C@16", true},
		{`'$A'`, "A@1", false},
		{"${A:-x}${A-x}${A+x}${A?x}${A:+x}", "A@0? A@7? A@13? A@19? A@25?", true},
		{"${A#x}${A%%x}${A/x/y}", "A@0 A@6 A@13", true},
		{"${A:-$B/${C}}", "A@0? B@5 C@8", true},
		{"${A:+$A:$B}", "A@0? A@5? B@8", true},
		{"${A:-a{b}$C", "A@0? C@9", true},
		{`${A:-a\}b}$C`, "A@0? C@10", true},
	} {
		in := syntax.Parse("Dockerfile", []byte("X "+c.text)).Instructions[0]
		var got []string
		for _, v := range variables(in.Args, '\\', c.quotes) {
			at := fmt.Sprintf("%s@%d", v.Name, v.Text.Offset(0)-2)
			if v.Guarded {
				at += "?"
			}
			got = append(got, at)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", c.text, s, c.want)
		}
	}
}

func TestSimilar(t *testing.T) {
	for _, c := range []struct{ name, others, similar, slip string }{
		{"VERSION", "VERSIONS", "VERSIONS", "VERSIONS"},
		{"VERSIONS", "VERSION", "VERSION", "VERSION"},
		{"VERSOIN", "VERSION", "VERSION", "VERSION"},
		{"version", "VERSION", "", "VERSION"},
		{"VERSION", "VERSION", "", ""},
		{"VERSION", "VERSION2", "VERSION2", ""},
		{"NB_GID", "NB_UID", "NB_UID", ""},
		{"GOPATH", "PATH", "PATH", ""},
		{"HOME", "HOMES", "HOMES", ""},
		{"A", "B", "", ""},
		{"DOMAIN_HOME", "DOMAIN_NAME DOMAIN_HOMES", "DOMAIN_HOMES", "DOMAIN_HOMES"},
		{"ABCDEF", "BACDFE", "", ""},
		{"ABCDE", "XBCDE12", "", ""},
	} {
		others := strings.Fields(c.others)
		if got := similar(c.name, others); got != c.similar {
			t.Errorf("similar(%s, %s) = %q, want %q", c.name, c.others, got, c.similar)
		}
		if got := slip(c.name, others); got != c.slip {
			t.Errorf("slip(%s, %s) = %q, want %q", c.name, c.others, got, c.slip)
		}
	}
}

func TestBaseImages(t *testing.T) {
	for image, want := range map[string]string{
		"debian":                             "debian",
		"debian:12":                          "debian",
		"docker.io/library/debian:12@sha256": "debian",
		"docker.io/a/b":                      "a/b",
		"localhost/debian":                   "",
		"localhost:5000/debian":              "",
		"example.org/debian:12":              "",
		"$BASE":                              "",
	} {
		if got := hubName(image); got != want {
			t.Errorf("%s is %q, want %q", image, got, want)
		}
	}
	for image, want := range map[string]bool{
		"debian:12": true, "amd64/debian": true, "opensuse/leap:15": true, "node": false, "x/debian": false, "example.org/debian": false,
	} {
		if env, ok := distributionEnv(image); ok != want || ok && env["PATH"] == "" {
			t.Errorf("%s: a distribution is %v, want %v", image, ok, want)
		}
	}
	if env, _ := distributionEnv("fedora:42"); env["container"] == "" {
		t.Error("fedora sets no container")
	}
}
