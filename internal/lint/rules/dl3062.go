package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3062 = &lint.Rule{
	Code: "DL3062", Title: "go install without a version", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3062",
	Why: "Without a version, or with @latest, go takes the newest release: the same Dockerfile builds other programs tomorrow. Packages of the module " +
		"that is being built, named by a path in the file system, have their versions in go.mod.",
	Bad:  "FROM golang:1.26\nRUN go install golang.org/x/tools/cmd/stringer@latest",
	Good: "FROM golang:1.26\nRUN go install golang.org/x/tools/cmd/stringer@v0.49.0",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		s.Commands(func(run *lint.Run, c *shellscript.Command) {
			verb, packages := goPackages(unwrap(c), p.Options.Hadolint)
			for _, w := range packages {
				if inSourceTree(s, run, w.S) {
					continue
				}
				name, version, _ := strings.Cut(w.S, "@")
				if version == "" {
					how := ""
					if verb == "get" {
						how = "go install " // which is what go get was once for
					}
					p.Report(lint.At(w.Text), "go %s %s has no version: write %s%s@<version>", verb, name, how, name)
				} else {
					p.Report(lint.At(w.Text), "go %s %s@%s takes whatever is there on the day: write a version", verb, name, version)
				}
			}
		})
	},
}

// goPackages are the packages that a go command fetches in no fixed version, and the command's verb. A variable may
// have a version in it; hadolint takes it for a package without one.
func goPackages(c *shellscript.Command, literally bool) (verb string, out []shellscript.Word) {
	if c.Base() != "go" {
		return "", nil
	}
	words := c.Operands("-C", "-tags", "-ldflags", "-gcflags", "-asmflags", "-gccgoflags", "-mod", "-modfile", "-overlay", "-o", "-p", "-pkgdir",
		"-toolexec", "-exec", "-installsuffix", "-buildmode", "-compiler", "-pgo", "-vet", "-covermode", "-coverpkg")
	if len(words) < 2 {
		return "", nil
	}
	verb, words = words[0].S, words[1:]
	switch verb {
	case "install", "get":
	case "run":
		words = words[:1] // the rest is for the program
	default:
		return "", nil
	}
	for _, w := range words {
		_, version, pinned := strings.Cut(w.S, "@")
		switch {
		case pinned && !floats(version), !pinned && (!w.Literal && !literally || isLocalPackage(w.S)):
		default:
			out = append(out, w)
		}
	}
	return verb, out
}

// floats says whether a version is one that moves.
func floats(version string) bool {
	switch version {
	case "", "latest", "upgrade", "patch", "master", "main", "HEAD":
		return true
	}
	return false
}

// isLocalPackage says whether a package is a path, a file, or one of go's words for the packages of a module.
func isLocalPackage(name string) bool {
	switch name {
	case "tool", "std", "cmd", "all", "work":
		return true
	}
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "/") || strings.HasSuffix(name, ".go") || isWindowsPath(name)
}

// inSourceTree says whether a package is below the src of a GOPATH where the stage works, or where it has
// put files.
func inSourceTree(s *lint.Stage, run *lint.Run, name string) bool {
	for _, in := range s.Instructions {
		if in.Start >= run.In.Start {
			break
		}
		var to string
		switch in.Keyword {
		case "WORKDIR":
			to = syntax.Unquote(in.Args.S, in.File().Escape)
		case "COPY", "ADD":
			if words := copyWords(in); len(words) > 1 {
				to = words[len(words)-1]
			}
		}
		_, dir, ok := strings.Cut(to, "/src/")
		dir = strings.TrimSuffix(dir, "/")
		if ok && dir != "" && (name == dir || strings.HasPrefix(name, dir+"/")) {
			return true
		}
	}
	return false
}
