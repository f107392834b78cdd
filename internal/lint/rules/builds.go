package rules

import (
	"slices"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// buildsLater says whether whoever uses an image builds with it: it starts a tool that builds, or it starts
// nothing of its own and no step of the file needs a compiler.
func buildsLater(d *lint.Doc) bool {
	for _, s := range d.Stages {
		if s.Final {
			builds, serves := startsWork(s)
			return builds || !serves && !compiles(d)
		}
	}
	return false
}

// startsWork says whether the image's process is a tool that builds, and whether it is a program that has a
// task, which a shell or an interpreter that waits for commands has not.
func startsWork(s *lint.Stage) (builds, serves bool) {
	processCommands(s, func(_ *syntax.Instruction, c *shellscript.Command) {
		c = unwrap(c)
		switch base := c.Base(); {
		case buildPrograms[base] || saysBuild(base):
			builds = true
		case (prompts[base] || inits[base]) && len(c.Operands()) == 0, base == "sleep", base == "tail", c.HasFlag("--version", "--help"):
		default:
			serves = true
		}
	})
	return builds, serves
}

// buildPrograms are programs that compile, or that others compile with.
var buildPrograms = map[string]bool{
	"make": true, "gmake": true, "cmake": true, "ninja": true, "meson": true, "scons": true, "bazel": true, "gcc": true, "g++": true, "cc": true, "c++": true,
	"clang": true, "clang++": true, "configure": true, "autoreconf": true, "mvn": true, "gradle": true, "ant": true, "sbt": true,
	"docker-php-ext-install": true, "docker-php-ext-configure": true, "pecl": true, "phpize": true, "cpan": true, "cpanm": true, "luarocks": true,
	"cabal": true, "stack": true, "rebar3": true, "node-gyp": true, "opam": true, "dpkg-buildpackage": true, "rpmbuild": true, "abuild": true, "makepkg": true,
}

// prompts are programs that wait for commands when they are started without any.
var prompts = map[string]bool{
	"sh": true, "bash": true, "ash": true, "dash": true, "zsh": true, "fish": true, "ksh": true, "tmux": true, "irb": true, "python": true, "python2": true, "python3": true, "ipython": true,
	"R": true, "r": true, "node": true, "jshell": true, "ghci": true, "julia": true, "php": true, "perl": true, "lua": true, "iex": true, "erl": true, "sbcl": true, "guile": true,
}

// inits are programs that start what CMD names.
var inits = map[string]bool{"tini": true, "dumb-init": true, "catatonit": true}

// compiles says whether a step of the image runs something that may need a compiler or headers.
func compiles(d *lint.Doc) (yes bool) {
	for _, s := range d.Stages {
		if !shipped(d, s) {
			continue
		}
		s.Commands(func(_ *lint.Run, c *shellscript.Command) { yes = yes || mayCompile(unwrap(c)) })
	}
	return yes
}

func mayCompile(c *shellscript.Command) bool {
	sub := c.Sub()
	switch base := c.Base(); base {
	case "pip", "pip2", "pip3", "pipx", "gem", "bundle", "bundler", "poetry", "pipenv", "uv", "conda", "mamba":
		return c.Has("install", "sync", "wheel")
	case "python", "python2", "python3":
		return c.Has("install", "build", "build_ext", "bdist_wheel", "wheel")
	case "npm", "yarn", "pnpm", "bun":
		if base == "yarn" && len(c.Args()) == 0 {
			return true
		}
		return slices.Contains([]string{"ci", "install", "i", "add", "rebuild"}, sub) && !c.HasFlag("-g", "--global")
	case "go", "cargo", "swift", "mix", "zig", "dotnet":
		return slices.Contains([]string{"build", "install", "get", "compile", "publish"}, sub)
	case "R":
		return c.Has("INSTALL")
	default:
		return buildPrograms[base]
	}
}
