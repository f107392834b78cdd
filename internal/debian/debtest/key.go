package debtest

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Key is an OpenPGP key that signs Release files.
type Key struct {
	entity *openpgp.Entity
	// SignedAt is the time that signatures carry; zero means the archive's Date.
	SignedAt time.Time
}

// NewKey makes a key that never expires, created in 2020.
func NewKey(t testing.TB) *Key { return NewKeyValid(t, 0) }

// NewKeyValid makes a key that is valid from 2020-01-01 for the given time; 0 means forever.
func NewKeyValid(t testing.TB, lifetime time.Duration) *Key {
	t.Helper()
	born := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	e, err := openpgp.NewEntity("Archive Test Key", "", "archive@example.org", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return born }, KeyLifetimeSecs: uint32(lifetime.Seconds())})
	if err != nil {
		t.Fatal(err)
	}
	return &Key{entity: e}
}

// Fingerprint is the key's fingerprint in upper-case hex.
func (k *Key) Fingerprint() string {
	return strings.ToUpper(hex.EncodeToString(k.entity.PrimaryKey.Fingerprint))
}

// Keyring is the public key as a binary keyring.
func (k *Key) Keyring() ([]byte, error) {
	var b bytes.Buffer
	err := k.entity.Serialize(&b)
	return b.Bytes(), err
}

// Sign clear-signs text with the keys, as gpg --clearsign does. The time of the
// signatures is at, unless a key has a time of its own.
func Sign(text []byte, at time.Time, keys ...*Key) ([]byte, error) {
	var b bytes.Buffer
	signers := make([]*packet.PrivateKey, len(keys))
	for i, k := range keys {
		signers[i] = k.entity.PrivateKey
		if !k.SignedAt.IsZero() {
			at = k.SignedAt
		}
	}
	w, err := clearsign.EncodeMulti(&b, signers, &packet.Config{Time: func() time.Time { return at }})
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// Keyring is the binary keyring of all the keys that sign the archive.
func (a *Archive) Keyring() ([]byte, error) {
	var out []byte
	for _, k := range a.Keys {
		ring, err := k.Keyring()
		if err != nil {
			return nil, err
		}
		out = append(out, ring...)
	}
	return out, nil
}

// KeyringPath writes the keyring into a temporary file.
func (a *Archive) KeyringPath(t testing.TB) string {
	t.Helper()
	ring, err := a.Keyring()
	if err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(t.TempDir(), "archive.gpg")
	if err := os.WriteFile(p, ring, 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// WriteDir writes the archive's tree under dir, for a script test that serves or reads files.
func (a *Archive) WriteDir(dir string) error {
	files, err := a.Files()
	if err != nil {
		return err
	}
	for name, data := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(p, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
