package apt

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"github.com/plinth-build/plinth/internal/debian/debtest"
	"github.com/plinth-build/plinth/internal/diag"
)

func day(month time.Month, d int) time.Time { return time.Date(2025, month, d, 0, 0, 0, 0, time.UTC) }

func TestFetchRefuses(t *testing.T) {
	const (
		url     = "http://mirror/dists/bookworm/InRelease"
		trust   = "plinth.yaml:3:5: cannot trust " + url + ": "
		use     = "plinth.yaml:3:5: cannot use " + url + ": "
		keyHint = "  keys tried: KEY\n  if the archive is signed by another key, name its keyring with `debian: keyring:` in plinth.yaml\n"
		clock   = "  is this machine's clock right? it says 2025-06-02T12:00:00Z\n"
	)
	tamper := func(f func([]byte) []byte) func(*testing.T, *mirror) {
		return func(t *testing.T, m *mirror) { m.Fault("InRelease", debtest.Fault{Tamper: f}) }
	}
	replace := func(old, new string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
	}
	for name, c := range map[string]struct {
		change func(*testing.T, *mirror)
		want   string
	}{
		"changed text": {tamper(replace("Origin: Debian", "Origin: Nobody")),
			trust + "no good signature by a trusted key; signed by KEY (openpgp: invalid signature: EdDSA verification failure)\n" + keyHint},
		"no signature": {tamper(func([]byte) []byte { return []byte("Origin: Debian\nSuite: bookworm\n") }), trust + "it is not signed\n" + keyHint},
		"empty file":   {tamper(func([]byte) []byte { return nil }), trust + "it is not signed\n" + keyHint},
		"half a file":  {tamper(func(b []byte) []byte { return b[:len(b)-60] }), trust + "its signature is damaged\n" + keyHint},
		"text before":  {tamper(func(b []byte) []byte { return append([]byte("Suite: sid\n"), b...) }), trust + "text stands before the signed part\n" + keyHint},
		"text after":   {tamper(func(b []byte) []byte { return append(b, "Suite: sid\n"...) }), trust + "text stands after the signature\n" + keyHint},
		"signed twice": {tamper(func(b []byte) []byte { return append(bytes.Clone(b), b...) }), trust + "text stands after the signature\n" + keyHint},
		"unknown key": {func(t *testing.T, m *mirror) { m.Keys = []*debtest.Key{debtest.NewKey(t)} },
			trust + "no good signature by a trusted key; signed by OTHER (openpgp: signature made by unknown entity)\n" + keyHint},
		"not the pinned signer": {func(_ *testing.T, m *mirror) { m.opt.Signers = []string{"ABCD"} },
			trust + "no good signature by a trusted key; signed by KEY (good, but not one of the pinned signers)\n  keys tried: KEY\n  `debian: signers:` in plinth.yaml accepts only ABCD\n"},
		"key expired when it signed": {func(t *testing.T, m *mirror) {
			m.Keys = []*debtest.Key{debtest.NewKeyValid(t, 24*time.Hour)}
			m.opt.Keyring = m.KeyringPath(t)
		}, trust + "no good signature by a trusted key; signed by KEY (openpgp: key expired)\n" + keyHint},
		"signed in the future": {func(_ *testing.T, m *mirror) { m.Keys[0].SignedAt = day(6, 4) },
			trust + "no good signature by a trusted key; signed by KEY (it was made in the future, at 2025-06-04T00:00:00Z)\n" + keyHint},
		"another suite": {func(_ *testing.T, m *mirror) { m.Codename, m.Alias = "buster", "oldstable" },
			use + "it is the release file of suite \"oldstable\" (buster), not of \"bookworm\"\n  the mirror serves another suite under this name: choose another mirror\n"},
		"out of date": {func(_ *testing.T, m *mirror) { m.ValidUntil = day(6, 2) },
			use + "it was valid until 2025-06-02T00:00:00Z\n  the mirror is out of date, or withholds updates: choose another mirror\n" + clock},
		"date in the future": {func(_ *testing.T, m *mirror) { m.Date, m.Keys[0].SignedAt = day(6, 4), day(6, 1) },
			use + "its date 2025-06-04T00:00:00Z lies in the future\n" + clock},
		"no such component": {func(_ *testing.T, m *mirror) { m.Fault("nothing", debtest.Fault{}); m.opt.CacheDir = "universe" },
			"plinth.yaml:3:5: cannot use http://mirror bookworm: it has no packages of component \"universe\" for amd64\n  it has the components main for the architectures all, amd64\n"},
		"changed Packages": {func(_ *testing.T, m *mirror) { m.Fault("by-hash", debtest.Fault{Tamper: replace("hello", "jello")}) },
			"plinth.yaml:3:5: cannot trust PACKAGES: its SHA-256 is SUM where the release file says HASH\n" + packagesHints},
		"longer Packages": {func(_ *testing.T, m *mirror) {
			m.Fault("by-hash", debtest.Fault{Tamper: func(b []byte) []byte { return b[1:] }})
		}, "plinth.yaml:3:5: cannot trust PACKAGES: it has 411 bytes where the release file says 412\n" + packagesHints},
	} {
		m := newMirror(t)
		key := m.Keys[0].Fingerprint()
		c.change(t, m)
		m.Rebuild()
		spec := m.spec()
		if m.opt.CacheDir == "universe" {
			spec.Components = []string{"universe"}
		}
		client, err := New(m.opt)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Fetch(t.Context(), "amd64", []SourceSpec{spec})
		got := m.message(err)
		if other := m.Keys[0].Fingerprint(); other != key {
			got = strings.ReplaceAll(strings.ReplaceAll(got, other, "KEY"), other[24:], "OTHER")
		}
		got = strings.ReplaceAll(got, key, "KEY")
		if i := strings.Index(got, "by-hash/SHA256/"); i >= 0 {
			hash := got[i+15 : i+79]
			got = strings.ReplaceAll(strings.ReplaceAll(got, "http://mirror/dists/bookworm/main/binary-amd64/by-hash/SHA256/"+hash, "PACKAGES"), hash, "HASH")
			if _, after, found := strings.Cut(got, "its SHA-256 is "); found {
				got = strings.Replace(got, after[:64], "SUM", 1)
			}
		}
		if got != c.want {
			t.Errorf("%s: got\n%swant\n%s", name, got, c.want)
		}
	}
}

const packagesHints = `  the mirror may be in the middle of an update: try again in a few minutes
  otherwise something on the way changes it: choose another mirror
`

func TestFetchAccepts(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *mirror){
		"the suite by its other name": func(_ *testing.T, m *mirror) { m.Codename, m.Alias = "twelve", "bookworm" },
		"the codename":                func(_ *testing.T, m *mirror) { m.Alias = "stable" },
		"valid to the second":         func(_ *testing.T, m *mirror) { m.ValidUntil = now },
		"a clock a day ahead":         func(_ *testing.T, m *mirror) { m.Date = now.Add(clockSkew) },
		"a pinned signer": func(_ *testing.T, m *mirror) {
			fp := strings.ToLower(m.Keys[0].Fingerprint())
			m.opt.Signers = []string{"ABCD", "0x" + fp[:20] + " " + fp[20:]}
		},
		"a key that expired since": func(t *testing.T, m *mirror) {
			m.Keys = []*debtest.Key{debtest.NewKeyValid(t, 5*365*24*time.Hour+160*24*time.Hour)}
			m.opt.Keyring = m.KeyringPath(t)
			m.opt.Now = func() time.Time { return day(12, 1) }
		},
		"one unknown key beside a known one": func(t *testing.T, m *mirror) { m.Keys = append([]*debtest.Key{debtest.NewKey(t)}, m.Keys...) },
	} {
		m := newMirror(t)
		key := m.Keys[0]
		change(t, m)
		m.Rebuild()
		x, err := m.fetch(t)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Keys[len(m.Keys)-1] == key && !reflect.DeepEqual(x.Sources()[0].Signers, []string{key.Fingerprint()}) {
			t.Errorf("%s: signers %q", name, x.Sources()[0].Signers)
		}
	}
}

func TestAllSignersAreNamed(t *testing.T) {
	m := newMirror(t)
	m.Keys = append(m.Keys, debtest.NewKey(t), debtest.NewKey(t))
	m.opt.Keyring = m.KeyringPath(t)
	m.Rebuild()
	x, err := m.fetch(t)
	if err != nil {
		t.Fatal(err)
	}
	got := x.Sources()[0].Signers
	if len(got) != 3 || got[0] >= got[1] || got[1] >= got[2] {
		t.Errorf("signers %q", got)
	}
}

func TestKeyring(t *testing.T) {
	keys, err := loadKeyring("", diag.Position{})
	if err != nil {
		t.Fatal(err)
	}
	want := "4D64FEC119C2029067D6E791F8D2585B8783D481, B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8, 05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0, " +
		"04B54C3CDCA79751B16BC6B5225629DF75B188BD, 5E04A1E3223A19A20706E20F9904613D4CCE68C6, 41587F7DB8C774BCCF131416762F67A0B2C39DE4"
	if got := keyNames(keys); got != want {
		t.Errorf("Debian's keys are %s", got)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	var armoured bytes.Buffer
	w, err := armor.Encode(&armoured, "PGP PUBLIC KEY BLOCK", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(debianKeys); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	keys, err = loadKeyring(write("armoured.asc", armoured.Bytes()), diag.Position{})
	if err != nil || keyNames(keys) != want {
		t.Errorf("armoured: %v", err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "missing"):                  "plinth.yaml:3:5: cannot read the keyring: open DIR/missing: no such file or directory",
		write("empty", nil):                            "plinth.yaml:3:5: cannot read the keyring DIR/empty: it holds no key",
		write("text", []byte("-----BEGIN PGP\nhello")): "plinth.yaml:3:5: cannot read the keyring DIR/text: EOF",
	} {
		_, err := New(Options{Keyring: path, KeyringPos: here})
		if err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := parseKeyring([]byte("garbage")); err == nil {
		t.Error("garbage is read as a keyring")
	}
}

func TestParseRelease(t *testing.T) {
	const sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	good := "Suite: stable\nCodename: trixie\nDate: Sat, 6 Sep 2025 07:55:41 +0000\nValid-Until: Sat, 13 Sep 2025 07:55:41 UTC\nAcquire-By-Hash: yes\n" +
		"Components: main contrib\nArchitectures: all amd64\nMD5Sum:\n 00 1 x\nSHA256:\n " + strings.ToUpper(sum) + "  12 main/x\n"
	got, err := parseRelease(good)
	want := &release{suite: "stable", codename: "trixie", date: time.Date(2025, 9, 6, 7, 55, 41, 0, time.UTC), validUntil: time.Date(2025, 9, 13, 7, 55, 41, 0, time.UTC),
		byHash: true, components: []string{"main", "contrib"}, arches: []string{"all", "amd64"}, sums: map[string]fileSum{"main/x": {sum, 12}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for pin, text := range map[int]string{500: "", 1: "NotAutomatic: yes\n", 100: "NotAutomatic: yes\nButAutomaticUpgrades: yes\n"} {
		if r, err := parseRelease(text + good); err != nil || r.pin() != pin {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
	}
	for text, want := range map[string]string{
		"": `its Date is not valid: "" is not a date in UTC`,
		strings.Replace(good, "+0000", "+0100", 1) + "X: y": "",
		strings.Replace(good, "+0000", "CET", 1):            `its Date is not valid: "Sat, 6 Sep 2025 07:55:41 CET" is not a date in UTC`,
		strings.Replace(good, "13 Sep", "x", 1):             `its Valid-Until is not valid: "Sat, x 2025 07:55:41 UTC" is not a date in UTC`,
		strings.Replace(good, "  12", " -12", 1):            `its SHA256 field holds the line "` + strings.ToUpper(sum) + ` -12 main/x"`,
		strings.Replace(good, "  12", " a", 1):              `its SHA256 field holds the line "` + strings.ToUpper(sum) + ` a main/x"`,
		good + " 00 1 y\n":                                  `its SHA256 field holds the line "00 1 y"`,
		strings.Replace(good, "SHA256", "SHA1", 1):          "it has no SHA256 field",
	} {
		_, err := parseRelease(text)
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParseRelease(f *testing.F) {
	f.Add("Date: Sat, 06 Sep 2025 07:55:41 UTC\nSHA256:\n e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 12 x\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRelease(text)
		if (r == nil) != (err != nil) {
			t.Errorf("%+v, %v", r, err)
		}
		if _, _, err := verify([]byte(text), nil, nil, now); err == nil {
			t.Error("an unsigned text is trusted")
		}
	})
}
