package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/shellscript"
)

// unpinned gives the packages that a command installs without a version, of a distribution or of a language.
func unpinned(c *shellscript.Command) (tool string, out []shellscript.Word) {
	tool, packages, ok := systemInstall(c)
	pinned := func(w string) bool { return strings.ContainsAny(w, "=<>~") }
	switch {
	case ok && (tool == "yum" || tool == "dnf" || tool == "microdnf" || tool == "tdnf"):
		pinned = versionBehindDash
	case ok:
	default:
		tool, packages, pinned = languageInstall(c)
	}
	for _, w := range packages {
		file := strings.ContainsAny(w.S, "/*") || strings.HasPrefix(w.S, ".") || strings.HasPrefix(w.S, "@") && tool != "npm" || strings.HasSuffix(w.S, ".whl") || strings.HasSuffix(w.S, ".deb") ||
			strings.HasSuffix(w.S, ".rpm") || strings.HasSuffix(w.S, ".tgz") || strings.HasSuffix(w.S, ".gem")
		if tool == "npm" && strings.HasPrefix(w.S, "@") {
			file = false
		}
		if w.Literal && !file && !pinned(w.S) {
			out = append(out, w)
		}
	}
	return tool, out
}

// languageInstall gives the packages that pip, npm or gem are told to install, and whether one is pinned.
func languageInstall(c *shellscript.Command) (tool string, packages []shellscript.Word, pinned func(string) bool) {
	switch base := c.Base(); base {
	case "pip", "pip2", "pip3":
		if c.Sub() != "install" || c.HasFlag("-r", "--requirement", "-c", "--constraint", "-e", "--editable") {
			return "", nil, nil
		}
		packages = c.Operands("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "-t", "--target", "--trusted-host", "--prefix", "--root", "--timeout", "--retries", "--proxy", "--platform", "--python-version")
		return "pip", packages[min(1, len(packages)):], func(w string) bool { return strings.Contains(w, "==") || strings.Contains(w, "@") }
	case "npm":
		if sub := c.Sub(); sub != "install" && sub != "i" && sub != "add" {
			return "", nil, nil
		}
		packages = c.Operands("--prefix", "--registry", "--loglevel", "-C", "--cache", "--userconfig", "--omit")
		return "npm", packages[min(1, len(packages)):], func(w string) bool {
			_, version, ok := strings.Cut(strings.TrimPrefix(w, "@"), "@")
			return ok && version != "latest" && version != "next"
		}
	case "gem":
		if c.Sub() != "install" || c.HasFlag("-v", "--version") {
			return "", nil, nil
		}
		packages = c.Operands("-i", "--install-dir", "-n", "--bindir", "--source", "-P")
		return "gem", packages[min(1, len(packages)):], func(w string) bool { return strings.Contains(w, ":") }
	}
	return "", nil, nil
}

// versionBehindDash says whether a name such as curl-7.76.1 has a version at its end.
func versionBehindDash(w string) bool {
	for i := 0; i+1 < len(w); i++ {
		if w[i] == '-' && w[i+1] >= '0' && w[i+1] <= '9' && strings.Contains(w[i:], ".") {
			return true
		}
	}
	return false
}
