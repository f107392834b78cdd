package rules

import (
	"bytes"
	"path"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl3002 = &lint.Rule{
	Code: "PL3002", Title: ".dockerignore lets through what does not belong in an image", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/build/concepts/context/#dockerignore-files",
	Why: "`COPY . .` takes all that .dockerignore does not name. Keys, .env files and .git do not belong in an image that others pull, and node_modules of the developer's machine " +
		"takes the place of what the build has installed. The patterns are read as BuildKit reads them.",
	Bad:  "FROM node:22\nCOPY . /app",
	Good: "FROM node:22\nCOPY package.json src/ /app/",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if p.Folder == nil || p.Folder.Dockerignore == nil || firstWhole(p.Doc) != s {
			return
		}
		patterns, err := ignorefile.ReadAll(bytes.NewReader(p.Folder.Dockerignore))
		if err != nil {
			return
		}
		matcher, err := patternmatcher.New(patterns)
		if err != nil {
			return
		}
		source, _ := wholeCopy(s)
		if names := unwanted(p.Folder, matcher, s); len(names) > 0 {
			p.Report(lint.At(source), "the whole context is copied, and %s lets %s through", p.Folder.IgnorePath, englishList(names))
		}
	},
}

// unwanted are the names in a folder that do not belong in an image and that a .dockerignore lets through.
func unwanted(f *lint.Folder, ignore *patternmatcher.PatternMatcher, s *lint.Stage) (out []string) {
	for _, name := range f.Names() {
		if !isUnwanted(name) || name == ".git" && asksGit(s) || isFrontendMode(name) && buildsFrontend(s) {
			continue
		}
		if ignore != nil {
			if all(ignore, name) {
				continue
			}
		}
		out = append(out, name)
	}
	return out
}

// all says whether a pattern hides a file, or everything in a folder, as .git/* and .git/** do.
func all(ignore *patternmatcher.PatternMatcher, name string) bool {
	hidden, err := ignore.MatchesOrParentMatches(name + "/anything")
	return err == nil && hidden
}

func isUnwanted(name string) bool {
	switch name {
	case ".git", ".hg", ".svn", "node_modules", ".env", ".ssh", ".aws", ".gnupg", ".terraform", "terraform.tfstate", ".venv", "venv", "__pycache__", ".kube", "kubeconfig":
		return true
	case ".npmrc":
		return false // often without a password, and needed to install
	}
	if rest, ok := strings.CutPrefix(name, ".env."); ok {
		switch rest {
		case "example", "sample", "dist", "template", "defaults", "test", "schema":
			return false
		}
		return true
	}
	return isSecretFile(path.Clean(name))
}

// asksGit says whether a step asks git about the repository.
func asksGit(s *lint.Stage) (yes bool) {
	s.Commands(func(_ *lint.Run, c *shellscript.Command) {
		c = unwrap(c)
		yes = yes || c.Base() == "git" && c.Sub() != "clone"
	})
	return yes
}

// isFrontendMode says whether a file has settings of a mode, which Vite, Next.js and others take from the repository and
// put into what they build; values of one machine have local in their names.
func isFrontendMode(name string) bool {
	return name == ".env.production" || name == ".env.development" || name == ".env.staging"
}

// buildsFrontend says whether a step has a bundler build something.
func buildsFrontend(s *lint.Stage) (yes bool) {
	s.Commands(func(_ *lint.Run, c *shellscript.Command) {
		c = unwrap(c)
		switch c.Base() {
		case "npm", "yarn", "pnpm", "bun", "npx", "vite", "next", "ng", "react-scripts", "vue-cli-service":
			yes = yes || c.Has("build") || c.Has("run") && strings.Contains(c.Text().S, "build")
		}
	})
	return yes
}
