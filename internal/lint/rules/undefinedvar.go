package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var undefinedVar = &lint.Rule{
	Code: "UndefinedVar", Title: "Variable that nothing sets", Severity: lint.Warning, Family: lint.BuildKit,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage | lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/undefined-var/",
	Why: "A variable that no ARG or ENV before it sets is empty, and the path or name that it is in becomes another one. " +
		"What the image below brings counts: of the catalog's images and of plain distributions that is known. On other images a variable " +
		"is reported only where it is certain that they don't bring it: an ARG of the platform or from before FROM that the stage does not declare, " +
		"a variable of the shell, a slip of the pen. `${NAME:-word}` and `${NAME:+word}` are meant for variables that may not be set.",
	Bad:  "ARG VERSION=1\nFROM debian:12\nLABEL version=$VERSION",
	Good: "ARG VERSION=1\nFROM debian:12\nARG VERSION\nLABEL version=$VERSION",
	Check: func(p *lint.Pass) {
		warnings(p, func(in *syntax.Instruction, here []checks.Warning) {
			s := p.Stages[max(stageIndex(p.Doc, in), 0)]
			var names []string
			for _, w := range here {
				names = append(names, strings.TrimPrefix(quoted(w.Message, "'"), "$"))
			}
			slices.Sort(names)
			for _, name := range slices.Compact(names) {
				at, ok := unguarded(p.File, in, name)
				if !ok {
					continue
				}
				if what := undefined(p.Doc, s, in, name); what != "" {
					p.Report(lint.At(at), "$%s %s", name, what)
				}
			}
		})
	},
}

// stageIndex is the index of the stage that an instruction is in.
func stageIndex(d *lint.Doc, in *syntax.Instruction) int {
	return slices.IndexFunc(d.Stages, func(s *lint.Stage) bool { return slices.Contains(s.Instructions, in) })
}

// unguarded finds the first place where an instruction uses a variable without saying what to take
// if it is not set.
func unguarded(f *syntax.File, in *syntax.Instruction, name string) (syntax.Text, bool) {
	used := variables(in.Text, f.Escape, true)
	for _, h := range in.Heredocs {
		if !h.Quoted {
			used = append(used, variables(h.Body, '\\', false)...)
		}
	}
	for _, v := range used {
		if v.Name == name && !v.Guarded {
			return v.Text, true
		}
	}
	return syntax.Text{}, false
}

// undefined says what is wrong with a variable that BuildKit does not know, "" if the image below may
// bring it.
func undefined(d *lint.Doc, s *lint.Stage, in *syntax.Instruction, name string) string {
	if in.Keyword == "ENV" || in.Keyword == "ARG" {
		for _, pair := range in.Pairs() {
			if pair.Name(d.File.Escape) != name {
				continue
			}
			if in.Keyword == "ENV" && len(in.Pairs()) > 1 || slices.Contains(searchPaths, name) {
				return "" // DL3044 has the one; the other is appended to, and that is meant
			}
		}
	}
	switch {
	case slices.Contains(platformArgs, name):
		return "is empty without ARG " + name + " in the stage"
	case slices.Contains(metaNames(d), name) && !isUpstreamOf(s, name):
		return "is empty here: the ARG before FROM counts for FROM only, so repeat ARG " + name + " in the stage"
	case slices.Contains(shellVariables, name):
		return "is a variable of the shell: the builder does not have it, so it is empty"
	}
	if knownBase(s) {
		if other := similar(name, names(s, in)); other != "" {
			return "is not set: is $" + other + " meant?"
		}
		return "is not set: it is empty"
	}
	if isUpstream(name) {
		return ""
	}
	if other := slip(name, names(s, in)); other != "" {
		return "is not set: is $" + other + " meant?"
	}
	if strings.ToLower(name) == name && !strings.HasSuffix(name, "_proxy") && !strings.HasPrefix(name, "npm_") && name != "container" {
		return "is not set: it is empty"
	}
	return ""
}

// platformArgs are what the builder sets, for stages that declare them.
var platformArgs = []string{
	"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT",
}

// shellVariables are what a shell sets for itself.
var shellVariables = []string{"PWD", "OLDPWD", "RANDOM", "HOSTNAME", "UID", "EUID", "PPID", "SECONDS", "LINENO"}

// searchPaths are variables that something is appended to whether they are set or not.
var searchPaths = []string{
	"PATH", "LD_LIBRARY_PATH", "LIBRARY_PATH", "CPATH", "MANPATH", "INFOPATH", "PYTHONPATH", "PKG_CONFIG_PATH", "CLASSPATH", "NODE_PATH",
	"PERL5LIB", "XDG_DATA_DIRS", "GOFLAGS", "CFLAGS", "CXXFLAGS", "LDFLAGS", "JAVA_OPTS", "CMAKE_PREFIX_PATH", "ACLOCAL_PATH",
}

// knownBase says whether all variables of the image that a stage stands on are known.
func knownBase(s *lint.Stage) bool {
	for s.Parent != nil {
		s = s.Parent
	}
	if s.Before(0).Known {
		return true
	}
	_, ok := distributionEnv(s.Resolved)
	return ok
}

// isUpstreamOf says whether the image below may bring a variable of that name.
func isUpstreamOf(s *lint.Stage, name string) bool { return !knownBase(s) && isUpstream(name) }

// names are the variables that are set where an instruction stands.
func names(s *lint.Stage, in *syntax.Instruction) (out []string) {
	e := s.Before(max(slices.Index(s.Instructions, in), 0))
	for name := range e.Env {
		out = append(out, name)
	}
	for name := range e.Args {
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
