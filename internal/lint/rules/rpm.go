package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var yum = &tool{names: []string{"yum"}, valued: rpmValued}

var dnf = &tool{names: []string{"dnf", "dnf5", "microdnf"}, valued: rpmValued}

var rpmValued = []string{
	"-c", "--config", "-d", "--debuglevel", "-e", "--errorlevel", "-R", "--randomwait", "-x", "--exclude", "--excludepkgs", "--installroot",
	"--enablerepo", "--enable-repo", "--disablerepo", "--disable-repo", "--repo", "--repoid", "--setopt", "--releasever", "--disableexcludes",
	"--disableexcludepkgs", "--disableplugin", "--enableplugin", "--downloaddir", "--destdir", "--color", "--rpmverbosity", "--comment", "--advisory",
	"--bugzilla", "--cve", "--sec-severity", "--forcearch", "--repofrompath", "--transformdb",
}

// rpmInstalls says whether a call of yum or dnf installs packages, groups or modules.
func rpmInstalls(v *invocation) bool {
	if v.is("install", "in", "localinstall", "groupinstall", "reinstall") {
		return true
	}
	return v.is("module", "group", "groups") && len(v.args) > 0 && v.args[0].S == "install"
}

// rpmAsks says whether a call waits for an answer.
func rpmAsks(v *invocation) bool {
	if v.has("-y", "--assumeyes", "--assumeno", "--downloadonly") {
		return false
	}
	return !slices.ContainsFunc(v.values("--setopt"), func(w shellscript.Word) bool {
		name, value, _ := strings.Cut(w.S, "=")
		return name == "assumeyes" && slices.Contains(aptTrue, strings.ToLower(value))
	})
}

// reportAsking reports the first call of a step that waits for an answer, and adds -y to all. hadolint looks at the
// call alone: neither at what a variable may hold, nor at who answers.
func reportAsking(p *lint.Pass, s *lint.Stage, t *tool) {
	for _, run := range s.Runs() {
		asking := keep(t.calls(run), func(v *invocation) bool {
			return rpmInstalls(v) && rpmAsks(v) && (p.Options.Hadolint || !v.unknown && !alwaysAssumesYes(s, v))
		})
		if len(asking) == 0 || !p.Options.Hadolint && answered(run) {
			continue
		}
		f := p.Report(asking[0].span(), "%s asks before it goes on: add -y", asking[0].title())
		addFlag(f, asking, "-y")
	}
}

// alwaysAssumesYes says whether a call is one of the microdnf that never asks; that of dnf5, which Fedora has, does.
func alwaysAssumesYes(s *lint.Stage, v *invocation) bool {
	return programBase(v.name) == "microdnf" && !strings.Contains(s.Resolved, "fedora")
}

// unpinnedRPM are the packages and modules that the calls of a step install without a version.
func unpinnedRPM(s *lint.Stage, run *lint.Run, t *tool) (out []shellscript.Word) {
	for _, v := range t.calls(run) {
		switch {
		case !rpmInstalls(v) || v.is("group", "groups", "groupinstall"):
		case v.is("module"):
			out = append(out, withoutVersion(s, run, v, v.args[1:], func(s string) bool { return strings.Contains(s, ":") })...)
		case s.Options().Hadolint: // it takes variables for what they are, but with dnf those that the file sets
			out = append(out, slices.DeleteFunc(slices.Concat(v.args, v.tail, v.opaque), func(w shellscript.Word) bool {
				return rpmPinnedToHadolint(w.S) || t == dnf && setBefore(s.Doc(), run, lint.Variables(w.S))
			})...)
		default:
			out = append(out, withoutVersion(s, run, v, append(v.args, v.tail...), rpmPinned)...)
		}
	}
	return out
}

// setBefore says whether an ARG or ENV before a step, in whatever stage, sets one of these variables.
func setBefore(d *lint.Doc, run *lint.Run, names []string) bool {
	return slices.ContainsFunc(d.File.Instructions, func(in *syntax.Instruction) bool {
		return in.Start < run.In.Start && (in.Keyword == "ARG" || in.Keyword == "ENV") && slices.ContainsFunc(in.Pairs(), func(p syntax.Pair) bool {
			return slices.Contains(names, p.Key.S)
		})
	})
}

// rpmPinned says whether a package has a version. Files, groups and capabilities have none to give.
func rpmPinned(s string) bool {
	return strings.ContainsAny(s, "/=<>(") || rpmPinnedToHadolint(s)
}

// rpmPinnedToHadolint says whether hadolint takes a package for one with a version: a part behind a hyphen begins with
// a digit.
func rpmPinnedToHadolint(s string) bool {
	if strings.Contains(s, "/") || strings.HasPrefix(s, "@") || strings.HasSuffix(s, ".rpm") {
		return true
	}
	for i := 1; i+1 < len(s); i++ {
		if s[i] == '-' && s[i+1] >= '0' && s[i+1] <= '9' {
			return true
		}
	}
	return false
}

// cleansRPM says whether a program empties the cache of yum or dnf.
func cleansRPM(c program) bool {
	if hasName(yum, c) || hasName(dnf, c) {
		v := dnf.parse(c)
		return v.is("clean") && slices.ContainsFunc(v.args, func(w shellscript.Word) bool { return w.S == "all" })
	}
	return slices.ContainsFunc(rpmCaches, c.removes) || c.removesBelow(rpmCaches)
}

// cleansToHadolint says whether hadolint takes a program for one that empties a tool's cache: it asks for one of the
// words of `dnf clean all` or of `rm -rf /var/cache/libdnf5`, not for all of them.
func cleansToHadolint(t *tool, c program) bool {
	if c.name() == "rm" {
		return slices.ContainsFunc(c.words[1:], func(w shellscript.Word) bool { return w.S == "-rf" }) || cleansRPM(c)
	}
	return hasName(t, c) && t.parse(c).is("clean")
}

var rpmCaches = []string{"/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5"}

// removesBelow says whether a program deletes one of these folders in another root.
func (p program) removesBelow(dirs []string) bool {
	if p.name() != "rm" || !p.recursive() {
		return false
	}
	return slices.ContainsFunc(p.words[1:], func(w shellscript.Word) bool {
		i := strings.Index(w.S, "/var/cache")
		return i > 0 && slices.ContainsFunc(dirs, func(dir string) bool { return covers(w.S[i:], dir) })
	})
}

// rpmCacheMounted says whether a mount holds the cache of a step.
func rpmCacheMounted(d *lint.Doc, run *lint.Run) bool {
	return slices.ContainsFunc(rpmCaches, func(dir string) bool { return keptOut(d, run, dir) })
}

// reportUncleaned reports the first call of a step after which the cache stays.
func reportUncleaned(p *lint.Pass, s *lint.Stage, t *tool, fills func(*invocation) bool) {
	if !p.Options.Hadolint && !shipped(p.Doc, s) {
		return // what others only copy files from may be as large as it likes
	}
	for _, run := range s.Runs() {
		left, early := uncleaned(run, t, fills, cleansRPM), false
		if p.Options.Hadolint {
			left, early = uncleanedInOrder(run, t, fills, func(c program) bool { return cleansToHadolint(t, c) })
		}
		if len(left) == 0 || rpmCacheMounted(p.Doc, run) {
			continue
		}
		last := left[len(left)-1]
		clean := programBase(last.name) + " clean all"
		f := p.Report(left[0].span(), "%s leaves its cache in the image: end with %s in the same RUN", left[0].title(), clean)
		if e, ok := appended(run, clean); ok && !early && last.name.Text.S == programBase(last.name) && last.direct() && !last.has("--installroot") {
			f.WithFix("add "+clean, e)
		}
	}
}
