package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pip = &tool{
	valued: []string{
		"-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-t", "--target", "-i", "--index-url", "--extra-index-url", "-f", "--find-links",
		"--prefix", "--root", "--src", "-b", "--build", "--proxy", "--timeout", "--default-timeout", "--retries", "--trusted-host", "--cert", "--client-cert",
		"--cache-dir", "--log", "--log-file", "--local-log", "--exists-action", "--no-binary", "--only-binary", "--platform", "--python-version", "--implementation",
		"--abi", "--upgrade-strategy", "--global-option", "--install-option", "-C", "--config-settings", "--config-setting", "--progress-bar", "--report", "--python",
		"--root-user-action", "--use-feature", "--use-deprecated", "--keyring-provider", "--group", "--resume-retries",
		"--pip-args", "--suffix", "--preinstall", "--extra-pip-args", "--categories", // of pipx and pipenv
	},
}

// pipInstalls are the calls of pip install in a step, by its own name or as a module of Python.
func pipInstalls(run *lint.Run) (out []*invocation) {
	for p := range programs(run) {
		name := p.name()
		switch {
		case isVersioned(name, "pip"):
		case isVersioned(name, "python") || isVersioned(name, "pypy"):
			i := slices.IndexFunc(p.words, func(w shellscript.Word) bool { return w.S == "-m" })
			if i < 0 || i+1 >= len(p.words) || p.words[i+1].S != "pip" {
				continue
			}
			p.words = p.words[i+1:]
		default:
			continue
		}
		if v := pip.parse(p); v.is("install") {
			out = append(out, v)
		}
	}
	return out
}

// pipWrapperInstalls are the calls in a step of programs that call pip install.
func pipWrapperInstalls(run *lint.Run) []*invocation {
	return keep(pipWrappers.calls(run), func(v *invocation) bool { return v.is("install") })
}

var pipWrappers = &tool{names: []string{"pipx", "pipenv"}, valued: pip.valued}

// isVersioned says whether a name is that of a program, or that with a version: pip, pip3, pip3.11.
func isVersioned(name, program string) bool {
	rest, ok := strings.CutPrefix(name, program)
	return ok && strings.Trim(rest, "0123456789.") == ""
}

// pipPinned says whether what pip is to install has a version or a commit, or is a folder or a local archive.
func pipPinned(s string) bool {
	if strings.Contains(s, "://") {
		return pipURLPinned(s)
	}
	if strings.ContainsAny(s, "=<>~!/") || slices.ContainsFunc(pipArchives, func(end string) bool { return strings.HasSuffix(s, end) }) {
		return true
	}
	s, _, _ = strings.Cut(s, "[")
	return s == "." || s == ".."
}

// pipPinnedAsHadolint is the same as hadolint has it: what stands behind @ in a URL may be a user's name before a host.
func pipPinnedAsHadolint(s string) bool {
	return pipPinned(s) || strings.Contains(s, "://") && strings.Contains(s, "@")
}

var pipArchives = []string{".whl", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip", ".egg"}

// pipURLPinned says whether a URL, which may stand behind "name @", names a commit or a tag where it has to: a file that is
// not in a repository is whatever it is.
func pipURLPinned(url string) bool {
	scheme, rest, _ := strings.Cut(url, "://")
	if !strings.Contains(scheme, "+") || strings.HasSuffix(scheme, "file") {
		return true
	}
	rest, _, _ = strings.Cut(rest, "#")
	i := strings.IndexByte(rest, '/')
	return i >= 0 && strings.Contains(rest[i:], "@")
}
