package rules

import (
	"slices"
	"strings"
)

// isSecretName says whether a variable's name is that of a secret: one of its words is, and none of
// the words behind it says that it is about the secret and not the secret itself.
func isSecretName(name string) bool {
	words := nameWords(name)
	for i, w := range words {
		if slices.Contains(notSecret, w) {
			return false
		}
		if isSecretWord(words, i) && !slices.ContainsFunc(words[i+1:], func(w string) bool { return slices.Contains(aboutSecret, w) }) {
			return !slices.ContainsFunc(words[i+1:], func(w string) bool { return slices.Contains(notSecret, w) })
		}
	}
	return false
}

// Words that make any name one of no secret.
var notSecret = []string{"PUBLIC", "PUB", "ALLOW", "EMPTY", "MAX", "MIN", "NUM", "ENABLE", "DISABLE", "NO", "USE", "SKIP", "REQUIRE", "VERSION", "FILE"}

// Words that say behind a secret's name what of it is meant.
var aboutSecret = []string{
	"FILES", "PATH", "DIR", "DIRECTORY", "FOLDER", "LOCATION", "URL", "URI", "ENDPOINT", "HOST", "PORT", "NAME", "NAMES", "ENABLED", "DISABLED",
	"REQUIRED", "TTL", "EXPIRY", "EXPIRATION", "EXPIRES", "EXPIRE", "LIFETIME", "DURATION", "TIMEOUT", "LENGTH", "LEN", "SIZE", "COUNT", "LIMIT",
	"TYPE", "METHOD", "MODE", "MECHANISM", "PROVIDER", "PROVIDERS", "HEADER", "ALGORITHM", "ALG", "POLICY", "ISSUER", "AUDIENCE", "REALM", "CHECK",
	"VALIDATION", "STORE", "HELPER", "MANAGER", "BACKEND", "SERVICE", "SERVER", "PLUGIN", "PLUGINS", "MODULE", "MOUNT", "SOCK", "SCOPE", "SCOPES",
	"FORMAT", "PATTERN", "REGEX", "PREFIX", "SUFFIX", "ENCODING", "USER", "USERNAME", "LOGIN", "EMAIL", "DOMAIN", "GROUP", "ROLE", "DATABASE", "DB", "ENV",
}

// isSecretWord says whether the word with this index means a secret.
func isSecretWord(words []string, i int) bool {
	w := words[i]
	for _, end := range []string{"PASSWORD", "PASSWD", "PASSPHRASE", "PWORD", "SECRET", "TOKEN", "APIKEY", "ACCESSKEY", "SECRETKEY", "PRIVATEKEY", "CREDENTIAL", "CREDENTIALS"} {
		if strings.HasSuffix(w, end) {
			return true
		}
	}
	last := i == len(words)-1
	switch w {
	case "SECRETS", "PASSWORDS", "TOKENS", "PASSCODE", "CREDS", "PSW", "ROOTPASS", "DBPASS":
		return true
	case "AUTH":
		return last
	case "PAT", "PASS":
		return last && i > 0
	case "KEY":
		return i > 0 && slices.Contains(secretKeys, words[i-1])
	}
	return false
}

// Words that say before KEY that it is a secret one.
var secretKeys = []string{"API", "ACCESS", "SECRET", "PRIVATE", "ENCRYPTION", "SIGNING", "MASTER", "SSH", "DEPLOY", "AUTH", "JWT", "APP", "SESSION", "COOKIE", "LICENSE"}

// nameWords splits a name into its words, in upper case: DB_PASSWORD, db-password and dbPassword are the
// same two.
func nameWords(name string) []string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case !isAlnum(c):
			b.WriteByte(' ')
			continue
		case i > 0 && c >= 'A' && c <= 'Z' && name[i-1] >= 'a' && name[i-1] <= 'z':
			b.WriteByte(' ')
		}
		b.WriteByte(c)
	}
	return strings.Fields(strings.ToUpper(b.String()))
}

// isPlainValue says whether a value is none that anybody keeps secret: a switch, or a path.
func isPlainValue(value string) bool {
	switch strings.ToLower(value) {
	case "true", "false", "yes", "no", "on", "off":
		return true
	}
	return strings.HasPrefix(value, "/")
}
