package rules

import (
	"path"
	"strings"
)

// isSecretFile says whether a path is by its name a private key or a file of passwords.
func isSecretFile(name string) bool {
	base := strings.ToLower(path.Base(name))
	switch base {
	case "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", "_netrc", ".git-credentials", ".npmrc", ".pypirc", ".pgpass", ".htpasswd", ".vault-token", ".dockercfg":
		return true
	case "credentials":
		return path.Base(path.Dir(name)) == ".aws"
	case "config.json":
		return path.Base(path.Dir(name)) == ".docker"
	}
	switch path.Ext(base) {
	case ".pem", ".key", ".p12", ".pfx", ".ppk":
		for _, public := range []string{"cert", "crt", "ca.", "ca-", "-ca", "_ca", "chain", "pub", "root", "bundle", "apt", "gpg", "archive", "release", "repo", "sign"} {
			if strings.Contains(base, public) {
				return false
			}
		}
		return true
	}
	return false
}
