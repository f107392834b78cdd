package rules

import "strings"

var npm = &tool{
	names: []string{"npm"},
	valued: []string{
		"--loglevel", "--prefix", "-C", "--registry", "--cache", "--tag", "--omit", "--include", "--only", "--target", "--target_arch", "--target_platform",
		"--arch", "--platform", "--libc", "--cpu", "--os", "--script-shell", "-w", "--workspace", "--userconfig", "--globalconfig", "--fetch-timeout",
		"--fetch-retries", "--fetch-retry-mintimeout", "--fetch-retry-maxtimeout", "--fetch-retry-factor", "--maxsockets", "--python", "--proxy", "--https-proxy",
		"--noproxy", "--cafile", "--ca", "--cert", "--key", "--before", "--depth", "--install-strategy", "--save-prefix", "--scope", "--otp", "--audit-level",
		"--node-options", "--disturl", "--umask", "--lockfile-version",
	},
}

// npmPinned says whether what npm is to install has a version, a tag or a commit, or is a folder or an archive.
func npmPinned(s string) bool {
	for _, scheme := range []string{"git+ssh://", "git+http://", "git+https://", "git+file://", "git://"} {
		if strings.HasPrefix(s, scheme) {
			return strings.Contains(s, "#")
		}
	}
	for _, end := range []string{".tgz", ".tar.gz", ".tar"} {
		if strings.HasSuffix(s, end) {
			return true
		}
	}
	for _, start := range []string{"/", "./", "../", "~/", "file:"} {
		if strings.HasPrefix(s, start) {
			return true
		}
	}
	if s == "." || s == ".." || strings.Contains(s, "#") {
		return true
	}
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at+1 < len(s)
}
