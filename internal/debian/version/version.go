// Package version knows two small languages of Debian's: version numbers and
// relations between packages ("libc6 (>= 2.36), default-mta | mail-transport-agent").
//
//	version.Compare("1.0~rc1-1", "1.0-1") < 0
//	groups, err := version.ParseRelations("a (>= 1) | b:any, c [amd64]")
//
// Nothing here knows which packages exist.
package version

import (
	"errors"
	"fmt"
	"strings"
)

// Compare orders two versions as Debian policy 5.6.12 and dpkg do: negative
// when a is older than b, 0 when they are equal (1.0 and 1.00-0 are), positive
// when a is newer. It is a total order over all strings, also over those that
// Check refuses.
func Compare(a, b string) int {
	if a == b {
		return 0
	}
	epochA, a := cutEpoch(a)
	epochB, b := cutEpoch(b)
	if c := compareNumbers(epochA, epochB); c != 0 {
		return c
	}
	upstreamA, revisionA := cutRevision(a)
	upstreamB, revisionB := cutRevision(b)
	if c := comparePart(upstreamA, upstreamB); c != 0 {
		return c
	}
	return comparePart(revisionA, revisionB)
}

// Check says what is wrong with v by policy 5.6.12, nil when it is a version.
func Check(v string) error {
	if v == "" {
		return errors.New("a version cannot be empty")
	}
	if before, after, found := strings.Cut(v, ":"); found {
		if before == "" || strings.Trim(before, "0123456789") != "" {
			return fmt.Errorf("the epoch in version %q is not a number", v)
		}
		v = after
	}
	upstream, revision := cutRevision(v)
	if upstream == "" || !isDigit(upstream, 0) {
		return fmt.Errorf("version %q does not start with a digit", v)
	}
	if i := strings.IndexFunc(upstream+revision, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(".+-~:", r))
	}); i >= 0 {
		return fmt.Errorf("version %q holds a character that no version may hold", v)
	}
	if strings.HasSuffix(v, "-") || strings.Contains(revision, ":") {
		return fmt.Errorf("the revision in version %q is not valid", v)
	}
	return nil
}

// cutEpoch splits off the epoch, "" when there is none.
func cutEpoch(v string) (epoch, rest string) {
	if before, after, found := strings.Cut(v, ":"); found && before != "" && strings.Trim(before, "0123456789") == "" {
		return before, after
	}
	return "", v
}

// cutRevision splits at the last hyphen; without one the revision is empty,
// which compares as 0 does.
func cutRevision(v string) (upstream, revision string) {
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return v[:i], v[i+1:]
	}
	return v, ""
}

// compareNumbers compares decimal numbers of any length.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return sign(len(a) - len(b))
	}
	return strings.Compare(a, b)
}

// comparePart compares upstream versions or revisions: runs of other characters
// and runs of digits in turn, the former by weight, the latter as numbers.
func comparePart(a, b string) int {
	for a != "" || b != "" {
		i, j := 0, 0
		for i < len(a) && !isDigit(a, i) || j < len(b) && !isDigit(b, j) {
			if c := weight(a, i) - weight(b, j); c != 0 {
				return sign(c)
			}
			i, j = i+1, j+1
		}
		a, b = a[i:], b[j:]
		i, j = 0, 0
		for isDigit(a, i) {
			i++
		}
		for isDigit(b, j) {
			j++
		}
		if c := compareNumbers(a[:i], b[:j]); c != 0 {
			return c
		}
		a, b = a[i:], b[j:]
	}
	return 0
}

// weight orders one character of a non-digit run: a tilde before the end,
// the end and digits before letters, letters before all others.
func weight(s string, i int) int {
	if i >= len(s) || isDigit(s, i) {
		return 0
	}
	switch c := s[i]; {
	case c == '~':
		return -1
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return int(c)
	default:
		return int(c) + 256
	}
}

func isDigit(s string, i int) bool { return i < len(s) && s[i] >= '0' && s[i] <= '9' }

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
