package secret

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/plinth-build/plinth/internal/diag"
)

const token = "npm_16C7e42F292c6912E7710c838347Ae178B4a"

// testKey is a private key as ssh-keygen writes one.
func testKey(t testing.TB) []byte {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)), "test")
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

// environment stands for os.LookupEnv.
func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

func writeFile(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestParseSource(t *testing.T) {
	for spec, want := range map[string]Source{
		"id=npm,src=./token":             {ID: "npm", File: "./token"},
		"id=npm,source=./token":          {ID: "npm", File: "./token"},
		"ID=npm,Src=./token":             {ID: "npm", File: "./token"},
		"id=npm,env=NPM_TOKEN":           {ID: "npm", Env: "NPM_TOKEN"},
		"id=npm":                         {ID: "npm"},
		"type=file,id=npm":               {ID: "npm", File: "npm"},
		"type=file,id=npm,src=a=b":       {ID: "npm", File: "a=b"},
		"type=env,id=npm":                {ID: "npm", Env: "npm"},
		"type=env,id=npm,src=TOKEN":      {ID: "npm", Env: "TOKEN"},
		"type=env,id=npm,env=TOKEN":      {ID: "npm", Env: "TOKEN"},
		`id=npm,"src=a,b"`:               {ID: "npm", File: "a,b"},
		"id=user,env=USER,search=false":  {ID: "user", Env: "USER", Unsearched: true},
		"id=user,env=USER,search=true":   {ID: "user", Env: "USER"},
		"id=npm,src=x,type=file,id=last": {ID: "last", File: "x"},
	} {
		if got, err := ParseSource(spec); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", spec, got, err, want)
		}
	}
	for spec, want := range map[string]string{
		"":                              "it is not a list",
		"hunter2secret":                 "field 1 is not KEY=VALUE",
		"id=npm,hunter2secret":          "field 2 is not KEY=VALUE",
		"NPM_TOKEN=hunter2secret":       "the key of field 1 is none of",
		"hunter2secret=":                "the key of field 1 is none of",
		"id=npm,type=hunter2secret":     "type= is neither file nor env",
		"id=npm,search=hunter2secret":   "search= is neither true nor false",
		"src=hunter2secret":             "it has no id=",
		"id=npm,src=a,env=B":            "npm has both src= and env=",
		"type=file,id=npm,env=B":        "npm has type=file and env=",
		"id=npm\nid=hunter2secret":      "it has more than one line",
		"id=npm,\"src=a\"hunter2secret": "it is not a list",
	} {
		_, err := ParseSource(spec)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot read --secret: "+want) || strings.Contains(err.Error(), "hunter2") || diag.Code(err) != diag.ExitUsage {
			t.Errorf("%s: got %v, want %s", spec, err, want)
		}
	}
}

func TestLoad(t *testing.T) {
	file := writeFile(t, "token", []byte(token+"\n"))
	env := environment(map[string]string{"NPM_TOKEN": token, "npm": "from-the-variable", "EMPTY": " \n", "SHORT": " abcde\n", "SIX": "abcdef", "BIG": strings.Repeat("x", MaxSize), "BIGGER": strings.Repeat("x", MaxSize+1)})
	t.Chdir(filepath.Dir(file))
	for _, c := range []struct {
		source Source
		want   string
	}{
		{Source{ID: "npm", File: file}, token + "\n"},
		{Source{ID: "npm", Env: "NPM_TOKEN"}, token},
		{Source{ID: "npm"}, "from-the-variable"},
		{Source{ID: "token"}, token + "\n"},
		{Source{ID: "x", Env: "SIX"}, "abcdef"},
		{Source{ID: "x", Env: "SHORT", Unsearched: true}, " abcde\n"},
		{Source{ID: "x", Env: "BIG"}, strings.Repeat("x", MaxSize)},
	} {
		set, err := Load([]Source{c.source}, env)
		if err != nil {
			t.Errorf("%+v: %v", c.source, err)
			continue
		}
		if got, ok := set.Get(c.source.ID); !ok || string(got) != c.want || !set.Has(c.source.ID) || set.Has("other") {
			t.Errorf("%+v: got %.60q, %v", c.source, got, ok)
		}
	}
	pos := diag.Position{File: "plinth.yaml", Line: 3}
	_, err := Load([]Source{
		{ID: "a", Pos: pos, File: "/no/such/file"}, {ID: "b", Env: "UNSET"}, {ID: "c", Env: "EMPTY"}, {ID: "d", Env: "SHORT"},
		{ID: "e", Env: "BIGGER"}, {ID: "f", File: t.TempDir()}, {ID: "g"}, {ID: "g", Env: "NPM_TOKEN"}, {ID: "h"},
	}, env)
	var got []string
	for _, e := range diag.Flatten(err) {
		got = append(got, e.Error())
	}
	want := []string{
		"cannot take the secret b from environment variable UNSET: it is not set",
		"cannot take the secret c from environment variable EMPTY: it is empty",
		"cannot take the secret d from environment variable SHORT: it has fewer than 6 bytes, and so few are found everywhere by chance",
		"cannot take the secret e from environment variable BIGGER: it has more than 500 KiB, the most that a secret may have",
		"cannot take the secret f from file TMP: is a directory",
		"cannot take the secret h from file h: no such file or directory",
		"plinth.yaml:3: cannot take the secret a from file /no/such/file: no such file or directory",
	}
	for i := range got {
		if strings.HasPrefix(got[i], "cannot take the secret f from file /") {
			got[i] = "cannot take the secret f from file TMP" + got[i][strings.LastIndex(got[i], ": "):]
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	set, err := Load([]Source{{ID: "a", Env: "SIX"}, {ID: "b", Env: "SIX"}, {ID: "a", Env: "NPM_TOKEN"}}, env)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := set.Get("a"); string(v) != token || !slices.Equal(set.IDs(), []string{"a", "b"}) {
		t.Errorf("%q of %v", v, set.IDs())
	}
	if set.Empty() || !(*Set)(nil).Empty() || (*Set)(nil).Has("a") || (*Set)(nil).IDs() != nil || (*Set)(nil).Mask("a") != "a" {
		t.Error("Empty, Has or IDs")
	}
}

func TestValuesAreNotPrinted(t *testing.T) {
	set := newSet(map[string][]byte{"npm": []byte(token), "pip": []byte("hunter2hunter2")}, nil)
	data, err := json.Marshal(map[string]any{"s": set})
	if err != nil {
		t.Fatal(err)
	}
	type request struct{ Secrets *Set }
	all := fmt.Sprintf("%s %v %+v %#v %x %q %d %+v", set, set, set, set, set, set, set, request{set}) + string(data)
	if strings.Contains(all, token) || strings.Contains(all, "hunter2") || strings.Contains(all, hex.EncodeToString([]byte(token))) || !strings.Contains(all, "secrets[npm pip]") || !strings.Contains(all, `["npm","pip"]`) {
		t.Error(all)
	}
}

func TestAgents(t *testing.T) {
	for spec, want := range map[string]Agent{
		"default":              {ID: "default"},
		"default=/run/sock":    {ID: "default", Paths: []string{"/run/sock"}},
		"git=/keys/a,/keys/b=": {ID: "git", Paths: []string{"/keys/a", "/keys/b="}},
	} {
		if got, err := ParseAgent(spec); err != nil || got.ID != want.ID || !slices.Equal(got.Paths, want.Paths) {
			t.Errorf("%s: %+v, %v", spec, got, err)
		}
	}
	for spec, want := range map[string]string{"": "it has no id", "=/x": "it has no id", "a=": "a has an empty path", "a=/x,": "a has an empty path", "a=/x,raw=true": "a asks for a raw socket"} {
		if _, err := ParseAgent(spec); err == nil || !strings.Contains(err.Error(), "cannot read --ssh: "+want) || diag.Code(err) != diag.ExitUsage {
			t.Errorf("%q: %v", spec, err)
		}
	}
	key := writeFile(t, "key", testKey(t))
	block, err := ssh.MarshalPrivateKeyWithPassphrase(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)), "", []byte("pass"))
	if err != nil {
		t.Fatal(err)
	}
	locked := writeFile(t, "locked", pem.EncodeToMemory(block))
	other := writeFile(t, "other", []byte("no key"))
	socket := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	none := environment(nil)
	with := environment(map[string]string{"SSH_AUTH_SOCK": socket})
	for _, c := range []struct {
		paths  []string
		env    func(string) (string, bool)
		want   string // of the error
		paths2 []string
	}{
		{nil, none, "SSH_AUTH_SOCK is not set", nil},
		{nil, with, "", []string{socket}},
		{[]string{socket}, none, "", []string{socket}},
		{[]string{key, key}, none, "", []string{key, key}},
		{[]string{socket, key}, none, "a socket cannot be joined", nil},
		{[]string{key, socket}, none, "a socket cannot be joined", nil},
		{[]string{key, locked}, none, "locked: the key has a passphrase", nil},
		{[]string{other}, none, "other: it is neither a socket nor a private key", nil},
		{[]string{"/no/such"}, none, "/no/such: no such file", nil},
		{[]string{t.TempDir()}, none, "it is a folder", nil},
		{nil, environment(map[string]string{"SSH_AUTH_SOCK": "/gone"}), "/gone: no such file", nil},
	} {
		got, err := LoadAgents([]Agent{{ID: "git", Paths: []string{"/replaced"}}, {ID: "git", Paths: c.paths}}, c.env)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), "cannot use the SSH agent git: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: got %v, want %s", c.paths, err, c.want)
			}
			continue
		}
		if err != nil || len(got) != 1 || !slices.Equal(got[0].Paths, c.paths2) {
			t.Errorf("%v: %+v, %v", c.paths, got, err)
		}
	}
}

// wrapped breaks a text into lines as base64 and xxd do.
func wrapped(text string, n int, indent string) string {
	return strings.Join(slices.Collect(slicesOf(text, n)), "\n"+indent)
}

// Everything that plain tools make of a value is found, and masked.
func TestEncodings(t *testing.T) {
	value := `p/a+s"s<w>ö'r&d ` + token
	set := newSet(map[string][]byte{"x": []byte(value + "\n")}, nil)
	in := func(front, back string) []byte { return []byte(front + value + back) }
	std, raw := base64.StdEncoding.EncodeToString, base64.RawURLEncoding.EncodeToString
	goJSON, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	spaced := ""
	for _, b := range in("", "") {
		spaced += fmt.Sprintf(" %02x", b)
	}
	for _, c := range []struct {
		name, text string
		want       Encoding
	}{
		{"plain", "a " + value + " b", Plain},
		{"base64", std(in("", "\n")), Base64},
		{"base64 behind one byte", std(in("x", "y")), Base64},
		{"base64 behind two bytes", std(in("xy", "")), Base64},
		{"base64 behind three bytes", std(in("xyz", "")), Base64},
		{"base64 of URLs", raw(in("", "")), Base64},
		{"base64 of URLs behind two bytes", raw(in("ab", "yx")), Base64},
		{"base64 in lines", wrapped(std(in("user:", "\n")), 20, ""), Base64},
		{"base64 in lines of PEM", wrapped(std(in("", "\n")), 64, ""), Base64},
		{"base64 in YAML", wrapped(std(in("user:", "\n")), 17, "    "), Base64},
		{"base64 with CRLF", strings.ReplaceAll(wrapped(std(in("", "\n")), 30, ""), "\n", "\r\n"), Base64},
		{"hex", hex.EncodeToString(in("a", "b")), Hex},
		{"hex upper", strings.ToUpper(hex.EncodeToString(in("", ""))), Hex},
		{"xxd -p", wrapped(hex.EncodeToString(in("abc", "\n")), 60, ""), Hex},
		{"od", spaced, Hex},
		{"query", "?p=" + url.QueryEscape(value), Percent},
		{"path", "/" + url.PathEscape(value), Percent},
		{"query lower", strings.NewReplacer("%2F", "%2f", "%2B", "%2b", "%C3", "%c3", "%B6", "%b6", "%3C", "%3c", "%3E", "%3e").Replace(url.QueryEscape(value)), Percent},
		{"JSON", string(goJSON), JSON},
		{"JSON by others", `{"a":"p/a+s\"s<w>ö'r&d ` + token + `"}`, JSON},
		{"JSON of PHP", `{"a":"p\/a+s\"s<w>ö'r&d ` + token + `"}`, JSON},
		{"HTML", html.EscapeString(value), HTML},
		{"XML", "<p>p/a+s&quot;s&lt;w&gt;ö&apos;r&amp;d " + token + "</p>", HTML},
	} {
		s := set.Scanner()
		_, _ = s.Write([]byte(c.text))
		if got := s.Take(); !slices.Contains(got, Finding{ID: "x", Encoding: c.want}) {
			t.Errorf("%s: found %v in %s", c.name, got, c.text)
		}
		masked := set.Mask(c.text)
		again := set.Scanner()
		_, _ = again.Write([]byte(masked))
		if got := again.Take(); len(got) > 0 || !strings.Contains(masked, "***") || strings.Contains(masked, token) {
			t.Errorf("%s: found %v in %s", c.name, got, masked)
		}
	}
	// of base64 nothing but the characters at the ends may stay, which hold bits of the neighbours
	for _, front := range []string{"", "a", "ab"} {
		text := std(in(front, "\n"))
		if m := set.Mask(text); len(strings.ReplaceAll(m, "***", "")) > 7 {
			t.Errorf("%s is masked as %s", text, m)
		}
	}
}

// Wherever base64 is broken, it is masked but for the ends.
func TestBase64BrokenAnywhere(t *testing.T) {
	set := newSet(map[string][]byte{"x": []byte(token)}, nil)
	text := base64.StdEncoding.EncodeToString([]byte("_authToken=" + token + "\n"))
	for i := 1; i < len(text); i++ {
		m := set.Mask(text[:i] + "\n" + text[i:] + "\n")
		if len(m) > 30 { // _authToken= is 15, three may stay before the break, and the padding
			t.Errorf("broken at %d: %q", i, m)
		}
	}
}

func TestParts(t *testing.T) {
	key := testKey(t)
	body := strings.Split(string(key), "\n")
	cert := "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUJ2q4Y3M1Tb1lR0x3dW5xQm9aY2swCgYIKoZIzj0EAwIw\n-----END CERTIFICATE-----\n"
	for _, c := range []struct {
		name, value    string
		found, ignored []string // parts that count in an image, parts that may be there
	}{
		{"npmrc", "registry=https://registry.npmjs.org/\n//registry.npmjs.org/:_authToken=" + token + "\n", []string{token}, []string{"registry=https://registry.npmjs.org/", "_authToken"}},
		{"netrc", "machine github.com login bob-the-builder password Str0ng!Pass#2024\n", []string{"Str0ng!Pass#2024"}, []string{"machine github.com", "bob-the-builder"}},
		{"maven", "<settings xmlns=\"http://maven.apache.org/SETTINGS/1.0.0\">\n<password>Str0ngPass2024</password>\n", []string{"Str0ngPass2024"}, []string{"<settings xmlns=\"http://maven.apache.org/SETTINGS/1.0.0\">"}},
		{"uuid", "token: 1b4e28ba-2fa1-11d2-883f-0016d3cca427\n", []string{"1b4e28ba-2fa1-11d2-883f-0016d3cca427"}, []string{"token: "}},
		{"google", `{"type": "service_account", "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs", "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n"}`,
			[]string{"MIIEvQIBADANBgkqhkiG9w0BAQEF"}, []string{"service_account", "auth_provider_x509_cert_url", "https://www.googleapis.com/oauth2/v1/certs", "-----BEGIN PRIVATE KEY-----"}},
		{"ssh key", string(key), []string{body[2], body[3]}, []string{body[0], body[1], body[len(body)-2]}},
		{"key with its certificate", string(key) + cert, []string{body[2]}, []string{strings.Split(cert, "\n")[1]}},
		{"sentence", "The token is 1b4e28ba2fa111d2883f0016d3cca427. Keep it.", []string{"1b4e28ba2fa111d2883f0016d3cca427"}, []string{"Keep it."}},
		{"key store", "\x00\x01binary " + token, nil, []string{token}},
	} {
		set := newSet(map[string][]byte{"x": []byte(c.value)}, nil)
		for _, text := range c.found {
			s := set.Scanner()
			_, _ = s.Write([]byte("a " + text + " b"))
			if got := s.Take(); !slices.Equal(got, []Finding{{ID: "x", Encoding: Plain, Part: true}}) {
				t.Errorf("%s: found %v in %s", c.name, got, text)
			}
			_, _ = s.Write([]byte(base64.StdEncoding.EncodeToString([]byte("u:" + text))))
			if got := s.Take(); !slices.Equal(got, []Finding{{ID: "x", Encoding: Base64, Part: true}}) {
				t.Errorf("%s: found %v in base64 of %s", c.name, got, text)
			}
			if got := set.Mask("a " + text + " b"); got != "a *** b" {
				t.Errorf("%s: %s is masked as %s", c.name, text, got)
			}
		}
		for _, text := range c.ignored {
			s := set.Scanner()
			_, _ = s.Write([]byte("a " + text + " b"))
			if got := s.Take(); len(got) > 0 {
				t.Errorf("%s: found %v in %s", c.name, got, text)
			}
		}
		s := set.Scanner()
		_, _ = s.Write([]byte("a " + c.value))
		if got := s.Take(); !slices.Contains(got, Finding{ID: "x", Encoding: Plain}) || slices.ContainsFunc(got, func(f Finding) bool { return f.Part && f.Encoding == Plain }) {
			t.Errorf("%s: found %v in the value itself", c.name, got)
		}
	}
}

// Lines that would not fail a build are masked all the same when they are long enough.
func TestLinesAreMasked(t *testing.T) {
	set := newSet(map[string][]byte{"x": []byte("first line\n  eightlet  \r\nseven77\n")}, nil)
	if got, want := set.Mask("1 first line 2 eightlet 3 seven77"), "1 *** 2 *** 3 seven77"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	set = newSet(map[string][]byte{"x": []byte("only one line")}, nil)
	if got, want := set.Mask("only one line, one line"), "***, one line"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestUnsearched(t *testing.T) {
	set := newSet(map[string][]byte{"user": []byte("administrator"), "pw": []byte("hunter2hunter2")}, map[string]bool{"user": true})
	if got := set.Mask("administrator hunter2hunter2"); got != "administrator ***" || set.Empty() {
		t.Errorf("got %s, empty %v", got, set.Empty())
	}
	if !newSet(map[string][]byte{"user": []byte("administrator")}, map[string]bool{"user": true}).Empty() {
		t.Error("a set with nothing to look for is not empty")
	}
}

// A line is passed on as soon as it is there, unless a value may go on behind it.
func TestMaskerIsPrompt(t *testing.T) {
	set := newSet(map[string][]byte{"x": []byte(token), "two": []byte("line one\nline two\n")}, nil)
	var out bytes.Buffer
	m := set.Masker(&out)
	for _, step := range []struct{ write, want string }{
		{"done\n", "done\n"},
		{"n", ""},
		{"ext\n", "next\n"},
		{"npm_16C7", ""},
		{"e42F292c6912E7710c838347Ae178B4a", "***"},
		{"\n", "\n"},
		{"bnB\n", "bnB\n"}, // three characters of base64
		{base64.StdEncoding.EncodeToString([]byte(token))[:20] + "\n", ""},
		{base64.StdEncoding.EncodeToString([]byte(token))[20:53] + "-\n", "***-\n"},
		{"line one\n", ""},
		{"line", ""},
		{" 3\n", "***\nline 3\n"},
	} {
		out.Reset()
		if _, err := m.Write([]byte(step.write)); err != nil {
			t.Fatal(err)
		}
		if out.String() != step.want {
			t.Errorf("%q gives %q, want %q", step.write, out.String(), step.want)
		}
	}
	out.Reset()
	_, _ = m.Write([]byte("npm_"))
	if err := m.Close(); err != nil || out.String() != "npm_" {
		t.Errorf("%q, %v", out.String(), err)
	}
	_, _ = m.Write([]byte(token[4:] + "\n")) // a new text
	if err := m.Close(); err != nil || !strings.HasSuffix(out.String(), "npm_"+token[4:]+"\n") {
		t.Errorf("%q, %v", out.String(), err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestMaskerPassesErrors(t *testing.T) {
	set := newSet(map[string][]byte{"x": []byte(token)}, nil)
	for _, text := range []string{"text\n", token + "\n", "text " + token} {
		if _, err := set.Masker(broken{}).Write([]byte(text)); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

func FuzzMasker(f *testing.F) {
	f.Add("npm_token_value", "install npm_token_value and more npm_token", uint8(3))
	f.Add("line one\nline two\n", "line one\nline two", uint8(1))
	f.Add("p/a+s", "cC9hK3Mx\ncC9hK3M=", uint8(5))
	f.Fuzz(func(t *testing.T, value, text string, size uint8) {
		if len(strings.TrimSpace(value)) < MinSize || len(value) > 1000 {
			return
		}
		set := newSet(map[string][]byte{"x": []byte(value)}, nil)
		whole := set.Mask(text)
		var out strings.Builder
		m := set.Masker(&out)
		for c := range slicesOf(text, 1+int(size)) {
			_, _ = m.Write([]byte(c))
		}
		_ = m.Close()
		if out.String() != whole {
			t.Errorf("in pieces of %d: %q, at once: %q", 1+int(size), out.String(), whole)
		}
		trimmed := strings.TrimSpace(value)
		// *** may join with what is around it to a value made of asterisks
		if strings.Contains(whole, trimmed) && !strings.Contains(trimmed, "*") {
			t.Errorf("%q is in %q", trimmed, whole)
		}
		s := set.Scanner()
		_, _ = s.Write([]byte(text))
		if found := s.Take(); strings.Contains(text, trimmed) && !slices.Contains(found, Finding{ID: "x", Encoding: Plain}) {
			t.Errorf("%q is not found in %q", trimmed, text)
		} else if len(found) > 0 && whole == text && !strings.Contains(trimmed, "*") {
			t.Errorf("found %v in %q, and nothing is masked", found, text)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("id=npm,src=a")
	f.Add(`id=npm,"src=a,b"`)
	f.Add("default=/a,/b")
	f.Fuzz(func(t *testing.T, spec string) {
		if s, err := ParseSource(spec); err == nil && (s.ID == "" || s.File != "" && s.Env != "") {
			t.Errorf("%q gives %+v", spec, s)
		}
		if a, err := ParseAgent(spec); err == nil && (a.ID == "" || slices.Contains(a.Paths, "")) {
			t.Errorf("%q gives %+v", spec, a)
		}
	})
}
