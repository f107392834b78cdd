package rules

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// toolCache is where a tool leaves what it has downloaded or made.
type toolCache struct {
	folder string   // below the home folder, or absolute
	parts  []string // parts of a path that say it is this cache
	env    []string // variables that move it or switch it off
	flags  []string // flags that do
	needed bool     // the tool needs it when the image runs it
}

var toolCaches = map[string]toolCache{
	"npm":      {folder: "~/.npm", parts: []string{".npm", "npm-cache"}, env: []string{"npm_config_cache", "NPM_CONFIG_CACHE"}, flags: []string{"--cache"}},
	"mvn":      {folder: "~/.m2", parts: []string{".m2"}, env: []string{"MAVEN_OPTS", "MAVEN_ARGS", "MAVEN_CONFIG"}, flags: []string{"-Dmaven.repo.local", "-s", "--settings", "-gs"}, needed: true},
	"gradle":   {folder: "~/.gradle", parts: []string{".gradle"}, env: []string{"GRADLE_USER_HOME", "GRADLE_OPTS"}, flags: []string{"-g", "--gradle-user-home"}, needed: true},
	"go":       {folder: "~/.cache/go-build", parts: []string{"go-build", ".cache"}, env: []string{"GOCACHE", "XDG_CACHE_HOME"}, needed: true},
	"cargo":    {folder: "~/.cargo/registry", parts: []string{"cargo"}, env: []string{"CARGO_HOME"}, needed: true},
	"composer": {folder: "~/.cache/composer", parts: []string{"composer", ".cache"}, env: []string{"COMPOSER_CACHE_DIR", "COMPOSER_HOME", "COMPOSER_NO_CACHE"}, flags: []string{"--no-cache"}},
}

// fillsCache is the tool whose cache a command fills, "" for none.
func fillsCache(c *shellscript.Command) string {
	sub := c.Sub()
	switch base := c.Base(); base {
	case "npm":
		if slices.Contains([]string{"ci", "install", "i", "clean-install", "add"}, sub) {
			return base
		}
	case "mvn", "mvnw":
		if name, _ := dependencies(c); name != "" {
			return "mvn"
		}
	case "gradle", "gradlew":
		if name, _ := dependencies(c); name != "" {
			return "gradle"
		}
	case "go":
		if sub == "build" || sub == "install" {
			return base
		}
	case "cargo":
		if sub == "build" || sub == "install" {
			return base
		}
	case "composer":
		if sub == "install" || sub == "require" || sub == "update" || sub == "create-project" {
			return base
		}
	}
	return ""
}

// clears says whether a step removes a tool's cache, or has a mount in its place.
func (t toolCache) clears(d *lint.Doc, tool string, r *lint.Run) (yes bool) {
	isIt := func(name string) bool {
		return slices.ContainsFunc(t.parts, func(part string) bool { return strings.Contains(name, part) }) || name == "/root" || name == "/root/"
	}
	for _, f := range r.Mounts() {
		yes = yes || isIt(lint.MountTarget(f)) || lint.MountType(f) == "cache"
	}
	if d.Image != nil {
		yes = yes || slices.ContainsFunc(d.Image.Temp, isIt)
	}
	r.Each(func(c *shellscript.Command) {
		c = unwrap(c)
		switch c.Base() {
		case tool:
			yes = yes || emptiesCache(tool, c)
		case "rm", "find":
			for _, w := range c.Args() {
				yes = yes || isIt(w.S) || strings.HasPrefix(w.S, "/root/.") || strings.HasPrefix(w.S, "~/.") || strings.HasPrefix(w.S, "/root/*") || strings.Contains(w.S, "$HOME")
			}
		}
	})
	return yes
}

// emptiesCache says whether a tool's own command empties its cache; mvn clean and cargo clean delete what was built.
func emptiesCache(tool string, c *shellscript.Command) bool {
	switch sub := c.Sub(); sub {
	case "cache":
		return c.Has("clean", "rm")
	case "clean":
		return tool == "go" && c.Has("-cache", "-modcache")
	case "clear-cache", "clearcache", "cc":
		return tool == "composer"
	}
	return false
}

// moved says whether something says that a tool's cache is elsewhere.
func (t toolCache) moved(before *lint.Effective, c *shellscript.Command) bool {
	if slices.ContainsFunc(t.env, func(name string) bool { _, ok := before.Env[name]; return ok }) {
		return true
	}
	return c.HasFlag(t.flags...) || c.Call != nil && t.assigned(c)
}

// assigned says whether one of a tool's variables has a value for a command: before its name, with env, or
// by an export or an assignment in the same script.
func (t toolCache) assigned(c *shellscript.Command) (yes bool) {
	syntax.Walk(c.Script.Tree, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && call != c.Call && len(call.Args) > 0 {
			return false // what another command gets
		}
		if a, ok := n.(*syntax.Assign); ok && a.Name != nil {
			yes = yes || slices.Contains(t.env, a.Name.Value)
		}
		return !yes
	})
	return yes
}
