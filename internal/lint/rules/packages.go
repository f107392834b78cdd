package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/shellscript"
)

// systemInstallers are the commands that install packages of a distribution, with the words that
// say so; systemRemovers are those that remove them.
var (
	systemInstallers = map[string][]string{
		"apt-get": {"install"}, "apt": {"install"}, "aptitude": {"install"}, "apk": {"add"}, "yum": {"install", "groupinstall"},
		"dnf": {"install", "groupinstall"}, "microdnf": {"install"}, "tdnf": {"install"}, "zypper": {"install", "in"},
	}
	systemRemovers = map[string][]string{
		"apt-get": {"remove", "purge", "autoremove"}, "apt": {"remove", "purge", "autoremove"}, "aptitude": {"remove", "purge"}, "apk": {"del"},
		"yum": {"remove", "erase", "autoremove", "history"}, "dnf": {"remove", "erase", "autoremove", "history"}, "microdnf": {"remove"},
		"tdnf": {"remove", "autoremove"}, "zypper": {"remove", "rm"}, "dpkg": {"-r", "-P", "--purge"}, "rpm": {"-e"},
	}
)

// systemInstall gives the packages that a command installs from a distribution, and its tool.
// ok is false for other commands.
func systemInstall(c *shellscript.Command) (tool string, packages []shellscript.Word, ok bool) {
	return systemPackages(c, systemInstallers)
}

// systemRemove is the same for removals.
func systemRemove(c *shellscript.Command) (tool string, packages []shellscript.Word, ok bool) {
	return systemPackages(c, systemRemovers)
}

func systemPackages(c *shellscript.Command, subs map[string][]string) (tool string, packages []shellscript.Word, ok bool) {
	tool = c.Base()
	names, ok := subs[tool]
	if !ok {
		return "", nil, false
	}
	sub, ok := c.Find(names...)
	if !ok {
		return "", nil, false
	}
	for _, w := range c.Operands("-t", "--virtual", "--target-release", "-o", "--option", "-c", "--config-file", "-a", "-X", "--repository",
		"--enablerepo", "--disablerepo", "--releasever", "--setopt", "--installroot") {
		if w.S != sub.S {
			packages = append(packages, w)
		}
	}
	return tool, packages, true
}

// packageName is the name in a word such as curl=7.88, g++:arm64 or curl@edge.
func packageName(word string) string {
	if i := strings.IndexAny(word, "=<>~:@/"); i > 0 {
		return word[:i]
	}
	return word
}

// literalOnly says whether all words are known and none is a file or a URL.
func literalOnly(words []shellscript.Word) bool {
	return !slices.ContainsFunc(words, func(w shellscript.Word) bool {
		return !w.Literal || strings.ContainsAny(w.S, "/*") || strings.HasSuffix(w.S, ".deb") || strings.HasSuffix(w.S, ".rpm") || strings.HasSuffix(w.S, ".apk")
	})
}
