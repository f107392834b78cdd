package rules

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// ecosystem is where a program's dependencies come from: what lists them, and what of it is copied
// before they are installed.
type ecosystem struct {
	manifests []string // patterns of path.Match
	hint      string
}

var ecosystems = map[string]ecosystem{
	"node":   {[]string{"package*.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock*"}, "package.json and its lock file"},
	"python": {[]string{"*requirements*.txt", "Pipfile*", "pyproject.toml", "poetry.lock", "uv.lock"}, "the file that lists them"},
	"maven":  {[]string{"pom.xml"}, "pom.xml"},
	"gradle": {[]string{"*.gradle", "*.gradle.kts"}, "build.gradle and settings.gradle"},
	"go":     {[]string{"go.mod", "go.sum", "go.*"}, "go.mod and go.sum"},
	"ruby":   {[]string{"Gemfile*", "*.gemspec"}, "Gemfile and Gemfile.lock"},
	"php":    {[]string{"composer.*"}, "composer.json and composer.lock"},
	"rust":   {[]string{"Cargo.*"}, "Cargo.toml and Cargo.lock"},
	"dotnet": {[]string{"*.csproj", "*.fsproj", "*.vbproj", "*.sln"}, "the project files"},
	"elixir": {[]string{"mix.*"}, "mix.exs and mix.lock"},
	"sbt":    {[]string{"build.sbt"}, "build.sbt and project/"},
}

// manifestOf is the ecosystem of a file that lists dependencies, "" for another.
func manifestOf(source string) string {
	base := path.Base(path.Clean(source))
	for name, e := range ecosystems {
		for _, pattern := range e.manifests {
			if ok, _ := path.Match(pattern, base); ok {
				return name
			}
		}
	}
	return ""
}

// dependencies is the ecosystem that a command installs a program's dependencies of, "" if it does
// something else, and the words that say so.
func dependencies(c *shellscript.Command) (name, words string) {
	tool := c.Base()
	sub := c.Sub()
	if c.HasFlag("--offline", "--no-index") {
		return "", "" // nothing is downloaded
	}
	says := func(eco string) (string, string) {
		if sub == "" {
			return eco, tool
		}
		return eco, tool + " " + sub
	}
	switch tool {
	case "npm", "pnpm", "bun":
		if (sub == "ci" || sub == "clean-install") && tool == "npm" || (sub == "install" || sub == "i") && namesNothing(c) {
			return says("node")
		}
	case "yarn":
		if (sub == "install" || sub == "" && !c.HasFlag("--version", "-v", "--help")) && namesNothing(c) {
			return says("node")
		}
	case "pip", "pip2", "pip3":
		if sub == "install" && readsRequirements(c) {
			return "python", tool + " install -r"
		}
	case "python", "python2", "python3":
		if m, ok := c.FlagValue("-m"); ok && m.S == "pip" && c.Has("install") && readsRequirements(c) {
			return "python", "pip install -r"
		}
	case "pipenv":
		if sub == "sync" || sub == "install" && namesNothing(c) {
			return says("python")
		}
	case "poetry":
		if sub == "install" {
			return says("python")
		}
	case "uv":
		if sub == "sync" || sub == "pip" && c.Has("install") && readsRequirements(c) {
			return says("python")
		}
	case "mvn", "mvnw":
		if sub != "" && !c.Has("-v", "--version", "-o") {
			return "maven", tool
		}
	case "gradle", "gradlew":
		if sub != "" && sub != "wrapper" && sub != "clean" && sub != "init" && !c.HasFlag("-v", "--version") {
			return "gradle", tool
		}
	case "go":
		return goDependencies(c)
	case "bundle":
		if sub == "install" {
			return says("ruby")
		}
	case "composer":
		if sub == "install" {
			return says("php")
		}
	case "cargo":
		if sub == "build" || sub == "fetch" || sub == "chef" && c.Has("cook") {
			return says("rust")
		}
	case "dotnet":
		if sub == "restore" || (sub == "build" || sub == "publish") && !c.HasFlag("--no-restore") {
			return says("dotnet")
		}
	case "mix":
		if sub == "deps.get" {
			return says("elixir")
		}
	case "sbt":
		if sub != "" {
			return "sbt", tool
		}
	}
	return "", ""
}

func goDependencies(c *shellscript.Command) (name, words string) {
	switch {
	case c.Has("-mod=vendor"):
	case c.Sub() == "build":
		return "go", "go build"
	case c.Sub() == "mod" && c.Has("download"):
		return "go", "go mod download"
	}
	return "", ""
}

// namesNothing says whether a command installs what is listed, not what it names.
func namesNothing(c *shellscript.Command) bool {
	if c.HasFlag("-g", "--global", "--location=global") {
		return false
	}
	return len(c.Operands("--prefix", "--registry", "--loglevel", "-C", "--cwd", "--cache", "--cache-folder", "--userconfig",
		"--network-timeout", "--omit", "--only", "--dir", "--filter", "--network-concurrency", "--modules-folder", "--mutex", "--python",
		"--fetch-timeout", "--fetch-retries", "--maxsockets", "--store-dir", "--legacy-bundling", "--include")) <= 1
}

func readsRequirements(c *shellscript.Command) bool {
	file, ok := c.FlagValue("-r", "--requirement", "--requirements")
	return ok && !isURL(file.S)
}

// fetchedBy gives the ecosystems whose dependencies the stages below a stage have installed.
func fetchedBy(s *lint.Stage) map[string]bool {
	fetched := map[string]bool{}
	for p := s.Parent; p != nil; p = p.Parent {
		p.Commands(func(_ *lint.Run, c *shellscript.Command) {
			if name, _ := dependencies(unwrap(c)); name != "" {
				fetched[name] = true
			}
		})
	}
	return fetched
}

// bringsDependencies says whether a COPY takes installed dependencies from another stage.
func bringsDependencies(c copied) bool {
	if c.from == "" {
		return false
	}
	for _, t := range append(c.sources[:len(c.sources):len(c.sources)], c.dest) {
		for _, part := range strings.Split(t.S, "/") {
			switch part {
			case "node_modules", "vendor", ".m2", ".gradle", "site-packages", "dist-packages", "venv", ".venv", ".cargo", "pkg", "wheels", "wheelhouse", "bundle", "deps", ".nuget", "target":
				return true
			}
		}
	}
	return false
}
