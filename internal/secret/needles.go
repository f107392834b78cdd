package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Encoding is a form in which a value was found.
type Encoding string

// The forms that values are looked for in.
const (
	Plain   Encoding = "plain"
	Base64  Encoding = "base64"
	Hex     Encoding = "hex"
	Percent Encoding = "percent-encoded"
	JSON    Encoding = "JSON-escaped"
	HTML    Encoding = "HTML-escaped"
)

// A needle is one string that gives a secret away.
type needle struct {
	id       string
	encoding Encoding
	part     bool // of the value, not all of it
	text     string
}

// shortPart is the least length of a part of a value that is masked, in bytes.
const shortPart = 8

// needles lists what to look for. When masking, more is taken: a word too many
// behind *** does no harm, while one found in an image fails a build.
func (s *Set) needles(masking bool) []needle {
	var out []needle
	seen := map[string]bool{}
	add := func(n needle) {
		if n.text != "" && !seen[n.text] {
			seen[n.text] = true
			out = append(out, n)
		}
	}
	// whole values first: a string that is one secret and part of another is the one
	for _, parts := range []bool{false, true} {
		for _, id := range s.ids {
			if s.unsearched[id] {
				continue
			}
			value := bytes.TrimSpace(s.values[id])
			texts := [][]byte{value}
			if parts {
				texts = words(value)
				if masking {
					texts = append(texts, lines(value)...)
				}
			}
			for _, text := range texts {
				for _, n := range encodings(text) {
					n.id, n.part = id, parts
					add(n)
				}
			}
		}
	}
	if masking {
		out = append(out, headless(out, seen)...)
	}
	return out
}

// headless are base64 and hexadecimal texts without their first one to three
// characters. A line may end behind those, and a masker doesn't hold back the
// end of a line for the sake of so few (see cursor): the rest is masked so.
func headless(all []needle, seen map[string]bool) (out []needle) {
	for _, n := range all {
		for d := 1; d < crossing && wraps(n.encoding) && len(n.text)-d >= shortPart && len(n.text) <= 8<<10; d++ {
			short := n
			short.text = n.text[d:]
			if !seen[short.text] {
				seen[short.text] = true
				out = append(out, short)
			}
		}
	}
	return out
}

// wraps says whether tools break the encoding into lines.
func wraps(e Encoding) bool { return e == Base64 || e == Hex }

// encodings lists the forms of a text, the plain one first.
func encodings(text []byte) []needle {
	out := []needle{{encoding: Plain, text: string(text)}}
	add := func(e Encoding, forms ...string) {
		for _, f := range forms {
			out = append(out, needle{encoding: e, text: f})
		}
	}
	for skip := range 3 {
		add(Base64, base64Core(base64.RawStdEncoding, text, skip), base64Core(base64.RawURLEncoding, text, skip))
	}
	lower := hex.EncodeToString(text)
	add(Hex, lower, strings.ToUpper(lower))
	query := url.QueryEscape(string(text))
	path := url.PathEscape(string(text))
	add(Percent, query, path, escapesLower(query), escapesLower(path))
	if utf8.Valid(text) {
		escaped := jsonString(text, false)
		add(JSON, escaped, jsonString(text, true), strings.ReplaceAll(escaped, "/", `\/`))
		// Go writes &#34; and &#39; where most others write names
		add(HTML, html.EscapeString(string(text)), htmlNames.Replace(string(text)))
	}
	return out
}

// base64Core is what stands in the base64 of a longer text that has this one in
// it, behind skip bytes modulo 3: the characters that no neighbour has a part in.
func base64Core(e *base64.Encoding, text []byte, skip int) string {
	all := e.EncodeToString(append(make([]byte, skip), text...))
	return all[(8*skip+5)/6 : 8*(skip+len(text))/6]
}

// jsonString is the text between the quotes of a JSON string.
func jsonString(text []byte, forHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(forHTML)
	if e.Encode(string(text)) != nil {
		return ""
	}
	s := strings.TrimSuffix(b.String(), "\n")
	return s[1 : len(s)-1]
}

var (
	htmlNames     = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")
	percentEscape = regexp.MustCompile(`%[0-9A-F]{2}`)
	// separators are what stands around words in the files that hold
	// credentials: .npmrc, netrc, settings.xml, pip.conf, JSON, YAML, URLs.
	separators = regexp.MustCompile("(?:\\\\[nrt]|[\\s\"'`<>=,;:@&?(){}\\[\\]|\\\\])+")
	armour     = regexp.MustCompile(`(?s)-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END [A-Z0-9 ]+-----`)
)

// escapesLower writes %2f for %2F.
func escapesLower(s string) string { return percentEscape.ReplaceAllStringFunc(s, strings.ToLower) }

// unarmour takes out of a value what is public in it: certificates and the
// like, and the lines around PEM blocks, which are the same in all of them.
func unarmour(value []byte) string {
	return armour.ReplaceAllStringFunc(string(value), func(block string) string {
		m := armour.FindStringSubmatch(block)
		if strings.Contains(m[1], "PRIVATE") {
			return m[2]
		}
		return "\n"
	})
}

// lines lists the lines of a value with several that are long enough, without
// blanks around them.
func lines(value []byte) (out [][]byte) {
	if !isText(value) || !bytes.ContainsRune(value, '\n') {
		return nil
	}
	for line := range strings.Lines(unarmour(value)) {
		if line = strings.TrimSpace(line); len(line) >= shortPart {
			out = append(out, []byte(line))
		}
	}
	return out
}

// words lists the words of a value that look like credentials. The others are
// keys, hosts and paths, which an image may well have in it.
func words(value []byte) (out [][]byte) {
	if !isText(value) {
		return nil // key stores and the like have bytes in common with others of their kind
	}
	for _, word := range separators.Split(unarmour(value), -1) {
		if word = strings.TrimRight(word, "."); telling(word) {
			out = append(out, []byte(word))
		}
	}
	return out
}

// telling says whether a word looks like one that a machine made, or a good
// password: 12 bytes or more with letters in both cases, or a symbol, and digits;
// or 20 bytes or more in which letters and digits take turns, as in
// hexadecimal. "oauth2.googleapis.com" and "auth_provider_x509_cert_url" do not.
func telling(word string) bool {
	// the rest of a URL, and how the body of every OpenSSH key begins
	if strings.HasPrefix(word, "//") || strings.HasPrefix(word, "b3BlbnNzaC1rZXktdjE") {
		return false
	}
	var lower, upper, digit, symbol bool
	turns := 0
	for i := range len(word) {
		c := word[i]
		switch {
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= 'A' && c <= 'Z':
			upper = true
		case c >= '0' && c <= '9':
			digit = true
		case !strings.ContainsRune("-_./", rune(c)):
			symbol = true
		}
		if i > 0 && isDigit(c) != isDigit(word[i-1]) {
			turns++
		}
	}
	return len(word) >= 12 && digit && (lower && upper || symbol && (lower || upper)) ||
		len(word) >= 20 && digit && (lower || upper) && turns >= 4
}

// isText says whether the value is made of characters and blanks.
func isText(value []byte) bool {
	return utf8.Valid(value) && !bytes.ContainsFunc(value, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\r", r) || r == 0x7f })
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
