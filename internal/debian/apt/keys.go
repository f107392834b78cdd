package apt

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/plinth-build/plinth/internal/diag"
)

// debianKeys is Debian's own keyring; keys/README.md says where it comes from.
//
//go:embed keys/debian.gpg
var debianKeys []byte

// loadKeyring reads the keyring at path, binary or armoured; "" is Debian's own.
func loadKeyring(path string, pos diag.Position) (openpgp.EntityList, error) {
	data := debianKeys
	if path != "" {
		var err error
		if data, err = os.ReadFile(path); err != nil {
			return nil, diag.Errorf(pos, "cannot read the keyring: %w", err).
				Hint("`debian: keyring:` in plinth.yaml names a file with OpenPGP public keys")
		}
	}
	keys, err := parseKeyring(data)
	if err != nil {
		return nil, diag.Errorf(pos, "cannot read the keyring %s: %w", path, err).
			Hint("export it with: gpg --export FINGERPRINT > FILE")
	}
	return keys, nil
}

func parseKeyring(data []byte) (openpgp.EntityList, error) {
	var in io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN PGP")) {
		block, err := armor.Decode(in)
		if err != nil {
			return nil, err
		}
		in = block.Body
	}
	keys, err := openpgp.ReadKeyRing(in)
	if err == nil && len(keys) == 0 {
		err = errors.New("it holds no key")
	}
	return keys, err
}

// fingerprint is the form in which keys are named: upper-case hex.
func fingerprint(k *packet.PublicKey) string {
	return strings.ToUpper(hex.EncodeToString(k.Fingerprint))
}

// keyNames lists the keys of a keyring for a message.
func keyNames(keys openpgp.EntityList) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = fingerprint(k.PrimaryKey)
	}
	return strings.Join(names, ", ")
}

// signature is what became of one signature of a file.
type signature struct {
	primary string // fingerprint of the primary key, or the key id when the key is unknown
	subkey  string // fingerprint of the key that signed, "" when unknown
	err     error  // nil when the signature holds
}

// checkSignatures looks at every signature of a clear-signed block. A key has
// to be valid when it signed: an archive's old key signs its last release and
// expires while that release lives on.
func checkSignatures(block *clearsign.Block, keys openpgp.EntityList, now time.Time) ([]signature, error) {
	var out []signature
	packets := packet.NewReader(block.ArmoredSignature.Body)
	for {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, fmt.Errorf("the signature cannot be read: %w", err)
		}
		sig, ok := p.(*packet.Signature)
		if !ok {
			return out, errors.New("the signature block holds something that is no signature")
		}
		out = append(out, checkSignature(sig, block.Bytes, keys, now))
	}
}

func checkSignature(sig *packet.Signature, signed []byte, keys openpgp.EntityList, now time.Time) signature {
	var s signature
	if sig.IssuerKeyId == nil {
		s.primary, s.err = "unknown", errors.New("it does not name its key")
		return s
	}
	s.primary = fmt.Sprintf("%016X", *sig.IssuerKeyId)
	for _, k := range keys.KeysById(*sig.IssuerKeyId) {
		s.primary, s.subkey = fingerprint(k.Entity.PrimaryKey), fingerprint(k.PublicKey)
	}
	if sig.CreationTime.After(now.Add(clockSkew)) {
		s.err = fmt.Errorf("it was made in the future, at %s", sig.CreationTime.UTC().Format(time.RFC3339))
		return s
	}
	var raw bytes.Buffer
	if s.err = sig.Serialize(&raw); s.err != nil {
		return s
	}
	config := &packet.Config{Time: func() time.Time { return sig.CreationTime }}
	_, s.err = openpgp.CheckDetachedSignature(keys, bytes.NewReader(signed), &raw, config)
	return s
}

// verify opens a clear-signed file and returns its text and the sorted
// fingerprints of the keys (primary keys) whose signatures hold. Nothing may stand outside
// the signed part: a parser that overlooks the markers would take it for signed.
func verify(data []byte, keys openpgp.EntityList, pinned []string, now time.Time) (text []byte, signers []string, err error) {
	const start = "-----BEGIN PGP SIGNED MESSAGE-----"
	block, rest := clearsign.Decode(data)
	switch {
	case block == nil && !bytes.Contains(data, []byte(start)):
		return nil, nil, errors.New("it is not signed")
	case block == nil:
		return nil, nil, errors.New("its signature is damaged")
	case !bytes.HasPrefix(data, []byte(start)):
		return nil, nil, errors.New("text stands before the signed part")
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, nil, errors.New("text stands after the signature")
	}
	sigs, err := checkSignatures(block, keys, now)
	if err != nil {
		return nil, nil, err
	}
	var failed []string
	for _, s := range sigs {
		switch {
		case s.err != nil:
			failed = append(failed, s.primary+" ("+s.err.Error()+")")
		case len(pinned) > 0 && !isPinned(s, pinned):
			failed = append(failed, s.primary+" (good, but not one of the pinned signers)")
		default:
			signers = append(signers, s.primary)
		}
	}
	if len(signers) == 0 {
		if len(failed) == 0 {
			return nil, nil, errors.New("it holds no signature")
		}
		return nil, nil, fmt.Errorf("no good signature by a trusted key; signed by %s", strings.Join(failed, ", "))
	}
	slices.Sort(signers)
	return block.Plaintext, slices.Compact(signers), nil
}

// isPinned compares with fingerprints as people write them: in any case, with spaces, with 0x.
func isPinned(s signature, pinned []string) bool {
	return slices.ContainsFunc(pinned, func(p string) bool {
		p = strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(p, "0x"), " ", ""))
		return p != "" && (p == s.primary || p == s.subkey)
	})
}
