package apt

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
)

// release is a checked Release file.
type release struct {
	suite, codename          string
	date, validUntil         time.Time // validUntil is zero when there is none
	byHash                   bool
	notAutomatic, butUpgrade bool
	components, arches       []string
	sums                     map[string]fileSum // path below dists/SUITE → checksum
	sha256                   string             // of InRelease as it was fetched
	signers                  []string
}

// fileSum is a line of Release's SHA256 field.
type fileSum struct {
	sha256 string // hex, lower case
	size   int64
}

// pin is apt's priority for packages of the suite (apt_preferences(5)).
func (r *release) pin() int {
	switch {
	case r.notAutomatic && r.butUpgrade:
		return 100
	case r.notAutomatic:
		return 1
	}
	return 500
}

// openRelease verifies InRelease and checks that it is what was asked for, and of this time.
func (c *Client) openRelease(data []byte, spec SourceSpec, url string) (*release, error) {
	now := c.opt.Now()
	text, signers, err := verify(data, c.keys, c.opt.Signers, now)
	if err != nil {
		e := diag.Errorf(spec.Pos, "cannot trust %s: %w", url, err).
			Hint("keys tried: %s", keyNames(c.keys))
		if len(c.opt.Signers) > 0 {
			return nil, e.Hint("`debian: signers:` in plinth.yaml accepts only %s", strings.Join(c.opt.Signers, ", "))
		}
		return nil, e.Hint("if the archive is signed by another key, name its keyring with `debian: keyring:` in plinth.yaml")
	}
	rel, err := parseRelease(string(text))
	if err != nil {
		return nil, diag.Errorf(spec.Pos, "cannot read %s: %w", url, err)
	}
	sum := sha256.Sum256(data)
	rel.sha256, rel.signers = hex.EncodeToString(sum[:]), signers
	switch {
	case spec.Suite != rel.suite && spec.Suite != rel.codename:
		return nil, diag.Errorf(spec.Pos, "cannot use %s: it is the release file of suite %q (%s), not of %q", url, rel.suite, rel.codename, spec.Suite).
			Hint("the mirror serves another suite under this name: choose another mirror")
	case rel.date.After(now.Add(clockSkew)):
		return nil, diag.Errorf(spec.Pos, "cannot use %s: its date %s lies in the future", url, rel.date.Format(time.RFC3339)).
			Hint("is this machine's clock right? it says %s", now.UTC().Format(time.RFC3339))
	case !rel.validUntil.IsZero() && now.After(rel.validUntil):
		return nil, diag.Errorf(spec.Pos, "cannot use %s: it was valid until %s", url, rel.validUntil.Format(time.RFC3339)).
			Hint("the mirror is out of date, or withholds updates: choose another mirror").
			Hint("is this machine's clock right? it says %s", now.UTC().Format(time.RFC3339))
	}
	return rel, nil
}

// parseRelease reads the fields of a Release file that are used here.
func parseRelease(text string) (*release, error) {
	fields := parseParagraph([]byte(text))
	r := &release{
		suite: fields.get("Suite"), codename: fields.get("Codename"),
		byHash:       fields.get("Acquire-By-Hash") == "yes",
		notAutomatic: fields.get("NotAutomatic") == "yes", butUpgrade: fields.get("ButAutomaticUpgrades") == "yes",
		components: strings.Fields(fields.get("Components")), arches: strings.Fields(fields.get("Architectures")),
		sums: map[string]fileSum{},
	}
	var err error
	if r.date, err = parseDate(fields.get("Date")); err != nil {
		return nil, fmt.Errorf("its Date is not valid: %w", err)
	}
	if v := fields.get("Valid-Until"); v != "" {
		if r.validUntil, err = parseDate(v); err != nil {
			return nil, fmt.Errorf("its Valid-Until is not valid: %w", err)
		}
	}
	for line := range strings.SplitSeq(fields.get("SHA256"), "\n") {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) != 3 || !isSHA256(f[0]) {
			return nil, fmt.Errorf("its SHA256 field holds the line %q", line)
		}
		size, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil || size < 0 {
			return nil, fmt.Errorf("its SHA256 field holds the line %q", line)
		}
		r.sums[f[2]] = fileSum{strings.ToLower(f[0]), size}
	}
	if len(r.sums) == 0 {
		return nil, fmt.Errorf("it has no SHA256 field")
	}
	return r, nil
}

// parseDate reads a date as RFC 2822 has it; Debian writes "UTC", others "+0000" or "GMT".
func parseDate(s string) (time.Time, error) {
	if t, err := time.Parse("Mon, _2 Jan 2006 15:04:05 -0700", s); err == nil {
		return t.UTC(), nil
	}
	// a zone's name that Go does not know would be read as an offset of zero
	for _, zone := range []string{" UTC", " GMT", " Z"} {
		if text, found := strings.CutSuffix(s, zone); found {
			if t, err := time.Parse("Mon, _2 Jan 2006 15:04:05", text); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date in UTC", s)
}

func isSHA256(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}
