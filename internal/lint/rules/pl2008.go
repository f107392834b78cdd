package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl2008 = &lint.Rule{
	Code: "PL2008", Title: "Compilers and headers left in the image", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/build/building/multi-stage/",
	Why: "Compilers and -dev packages are needed to build, not to run: they make the image large, bring findings of scanners, and help whoever breaks in. Build in a stage " +
		"of its own and copy the result, or remove them in the RUN that installed them. The rule is silent for images that others build with: by their name, because they start " +
		"a tool that builds, or because no step compiles anything and the image starts nothing or a shell.",
	Bad: "FROM python:3.13-slim\nRUN apt-get update && apt-get install -y gcc libpq-dev && pip install psycopg2",
	Good: "FROM python:3.13-slim AS build\nRUN apt-get update && apt-get install -y gcc libpq-dev && pip wheel -w /wheels psycopg2\n" +
		"FROM python:3.13-slim\nRUN --mount=type=bind,from=build,source=/wheels,target=/wheels pip install /wheels/*",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !shipped(p.Doc, s) {
			return
		}
		for _, r := range s.Runs() {
			if r.In.Onbuild == nil {
				compilersLeft(p, r)
			}
		}
	},
}

func compilersLeft(p *lint.Pass, r *lint.Run) {
	gone := map[string]bool{}
	all := false
	r.Each(func(c *shellscript.Command) {
		if _, packages, ok := systemRemove(unwrap(c)); ok {
			all = all || len(packages) == 0 || !literalOnly(packages) || c.Has("history")
			for _, w := range packages {
				gone[packageName(w.S)] = true
			}
		}
	})
	if all {
		return
	}
	for _, c := range r.Commands() {
		c = unwrap(c)
		tool, packages, ok := systemInstall(c)
		if !ok {
			continue
		}
		if group, ok := c.FlagValue("-t", "--virtual"); tool == "apk" && ok && (gone[group.S] || !group.Literal) {
			continue
		}
		var left []shellscript.Word
		for _, w := range packages {
			if name := packageName(w.S); w.Literal && forBuild(name) && !gone[name] {
				left = append(left, w)
			}
		}
		if len(left) > 0 && !forBuilding(p.Doc) && !buildsLater(p.Doc) {
			p.Report(lint.At(left[0].Text), "left in the image: %s; build in a stage of its own, or remove what only the build needs in this RUN", list(left))
		}
	}
}

// buildPackages are compilers and what only builds need.
var buildPackages = map[string]bool{
	"build-essential": true, "build-base": true, "gcc": true, "g++": true, "gcc-c++": true, "clang": true, "make": true, "cmake": true,
	"autoconf": true, "automake": true, "libtool": true, "linux-headers": true, "gfortran": true, "gcc-gfortran": true, "ninja-build": true,
	"alpine-sdk": true, "base-devel": true,
}

func forBuild(name string) bool {
	return buildPackages[name] || strings.HasSuffix(name, "-dev") || strings.HasSuffix(name, "-devel") ||
		strings.HasPrefix(name, "gcc-") && strings.Trim(name[4:], "0123456789.") == "" || strings.HasPrefix(name, "g++-") ||
		strings.HasPrefix(name, "clang-") && strings.Trim(name[6:], "0123456789.") == ""
}

// forBuilding says whether an image is there to build or to develop with, by its names or by
// what it stands on.
func forBuilding(d *lint.Doc) bool {
	names := []string{d.Path}
	if d.Image != nil {
		names = append(names, d.Image.Targets...)
	}
	for _, s := range d.Stages {
		if !shipped(d, s) {
			continue
		}
		names = append(names, s.Name, s.Image, s.Resolved, s.After().Labels["org.opencontainers.image.title"])
	}
	return slices.ContainsFunc(names, saysBuild)
}

// buildWords are parts of names of images that have compilers for a purpose.
var buildWords = map[string]bool{
	"build": true, "builder": true, "builders": true, "sdk": true, "jdk": true, "dev": true, "devel": true, "development": true, "develop": true,
	"devcontainer": true, "devcontainers": true, "buildpack": true, "buildpacks": true, "golang": true, "rust": true, "gcc": true, "maven": true, "gradle": true,
	"compiler": true, "toolchain": true, "toolchains": true, "tools": true, "ci": true, "test": true, "tests": true, "testing": true, "runner": true, "jenkins": true,
	"agent": true, "crossbuild": true, "cross": true, "compile": true, "compilers": true, "clang": true, "llvm": true, "notebook": true, "buildenv": true, "emsdk": true,
	"openjdk": true, "fuzz": true, "fuzzer": true, "lint": true, "linter": true, "fuzzbench": true, "fuzzers": true,
}

func saysBuild(name string) bool {
	return slices.ContainsFunc(nameParts(name), func(part string) bool {
		return buildWords[part] || strings.HasSuffix(part, "jdk") || strings.HasPrefix(part, "jdk") || strings.HasSuffix(part, "sdk") || strings.HasSuffix(part, "builder")
	})
}
