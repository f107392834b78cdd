package rules

import (
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/github/go-spdx/v2/spdxexp"
)

// isURI says whether a text is an absolute URI as RFC 3986 has it. One of the web names a host.
func isURI(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isAlnum(c) || strings.IndexByte("-._~:/?#[]@!$&'()*+,;=", c) >= 0:
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
		default:
			return false
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return false
	}
	if u.Scheme == "http" || u.Scheme == "https" {
		return u.Hostname() != ""
	}
	return u.Host != "" || u.Opaque != "" || u.Path != ""
}

// isRFC3339 says whether a text is a date with a time and an offset. T and Z may be in lower case.
func isRFC3339(s string) bool {
	const shape = "2006-01-02T15:04:05"
	s = strings.ToUpper(s)
	if len(s) <= len(shape) || strings.IndexByte(s, ',') >= 0 {
		return false
	}
	if s[17:19] == "60" { // a leap second, which package time does not know
		s = s[:17] + "59" + s[19:]
	}
	t, err := time.Parse(time.RFC3339, s)
	// package time takes an hour of one digit too
	return err == nil && t.Format(shape) == s[:len(shape)]
}

// isSPDX says whether a text is an SPDX licence expression, such as "MIT OR Apache-2.0".
func isSPDX(s string) bool {
	ok, _ := spdxexp.ValidateLicenses([]string{s})
	return ok
}

// isSPDXAsWritten says whether it is one whose identifiers are written as in the list, which hadolint asks for.
func isSPDXAsWritten(s string) bool {
	ids, err := spdxexp.ExtractLicenses(s)
	return err == nil && isSPDX(s) && !slices.ContainsFunc(ids, func(id string) bool { return !strings.Contains(s, id) })
}

// isGitHash says whether a text is a hash of Git, whole (SHA-1 or SHA-256) or cut short as Git does it.
func isGitHash(s string) bool {
	for i := range len(s) {
		if !isHex(s[i]) {
			return false
		}
	}
	return len(s) >= 7 && len(s) <= 40 || len(s) == 64
}

// isSemver says whether a text is a version as semver.org 2.0.0 has it.
func isSemver(s string) bool {
	s, build, hasBuild := strings.Cut(s, "+")
	if hasBuild && !identifiers(build, false) {
		return false
	}
	s, pre, hasPre := strings.Cut(s, "-")
	if hasPre && !identifiers(pre, true) {
		return false
	}
	numbers := strings.Split(s, ".")
	if len(numbers) != 3 {
		return false
	}
	for _, n := range numbers {
		if !isNumber(n) || len(n) > 1 && n[0] == '0' {
			return false
		}
	}
	return true
}

// identifiers says whether a text is identifiers with dots between them. Numbers among those of a pre-release
// do not begin with zero.
func identifiers(s string, pre bool) bool {
	for id := range strings.SplitSeq(s, ".") {
		if id == "" || pre && isNumber(id) && len(id) > 1 && id[0] == '0' {
			return false
		}
		for i := range len(id) {
			if !isAlnum(id[i]) && id[i] != '-' {
				return false
			}
		}
	}
	return true
}

// isEmail says whether a text is one bare address as RFC 5322 has it, without a name beside it.
func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && !strings.HasSuffix(s, ">") && s == strings.TrimSpace(s)
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
