package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// download is a file that a step fetches without TLS and that is run or unpacked.
type download struct {
	word shellscript.Word // the URL, as it is written
	use  string           // what happens to it
	url  string           // what the URL is, without its variables as far as they are known
}

// plainDownloads finds what the steps of a stage fetch without TLS, where something is done with it that makes
// code of it.
func plainDownloads(s *lint.Stage) (out []download) {
	type fetched struct {
		download
		files []string // the names of the file: as they are written, and without variables
		in    *syntax.Instruction
		kept  bool // something takes the file from where it is
	}
	var open []fetched
	s.Commands(func(run *lint.Run, outer *shellscript.Command) {
		c := unwrap(outer)
		if use := consumes(c); use != "" {
			left := open[:0:0]
			for _, f := range open {
				if readsFile(c, f.files...) {
					if !checksSums(run) {
						f.use = use
						out = append(out, f.download)
					}
					continue
				}
				left = append(left, f)
			}
			open = left
		}
		if runsProgram(c, "rm") {
			open = slices.DeleteFunc(open, func(f fetched) bool { return readsFile(c, f.files...) })
		}
		if w, ok := installsURL(c); ok {
			use := c.Base() + " installs it"
			if runsProgram(c, "gpg", "apt-key") {
				use = c.Base() + " trusts it"
			}
			out = append(out, download{w, use, w.S})
		}
		if w, ok := clonesURL(c); ok && !namesCommit(s, run) {
			out = append(out, download{w, "git clones it", w.S})
		}
		d, ok := plainFetch(s, run, c)
		if !ok || checksSums(run) {
			return
		}
		if file := fetchedFile(c, d.url); file != "" {
			open = append(open, fetched{d, []string{file, fetchedFile(c, d.word.S)}, run.In, isProgramFile(file) || savesTrusted(c)})
			return
		}
		if d.use = passedTo(outer); d.use != "" {
			out = append(out, d)
		}
	})
	for _, f := range open {
		if f.kept && !checkedLater(s, f.in, f.files[0]) {
			f.use = "it stays in the image"
			out = append(out, f.download)
		}
	}
	return out
}

// isProgramFile says whether a file is by its name code that something runs later.
func isProgramFile(name string) bool {
	switch path.Ext(name) {
	case ".jar", ".war", ".ear", ".so", ".sh", ".py", ".rb", ".pl", ".js", ".php", ".phar", ".exe", ".AppImage", ".whl":
		return true
	}
	return false
}

// savesTrusted says whether a command writes to a folder with keys or sources of a package manager.
func savesTrusted(c *shellscript.Command) bool {
	return isTrusted(redirectTarget(c)) || slices.ContainsFunc(c.Args(), func(w shellscript.Word) bool { return isTrusted(w.S) })
}

func isTrusted(file string) bool {
	for _, folder := range []string{"/etc/apt/", "/usr/share/keyrings/", "/etc/apk/keys/", "/etc/yum.repos.d/", "/etc/zypp/repos.d/", "/etc/pki/rpm-gpg/"} {
		if strings.HasPrefix(file, folder) {
			return true
		}
	}
	return false
}

// plainFetch finds the URL without TLS that a command fetches.
func plainFetch(s *lint.Stage, run *lint.Run, c *shellscript.Command) (download, bool) {
	if !runsProgram(c, "curl", "wget", "wget2", "aria2c") {
		return download{}, false
	}
	args := c.Args()
	for i, w := range args {
		if i > 0 && takesURL(args[i-1].S) {
			continue
		}
		url := w.S
		if strings.HasPrefix(url, "$") {
			if words := fields(s, run, c.Script, w); len(words) == 1 {
				url = words[0].S
			}
		}
		if isPlainURL(url) {
			return download{word: w, url: url}, true
		}
	}
	return download{}, false
}

// takesURL says whether a flag has a URL as its value that is not fetched.
func takesURL(flag string) bool {
	switch flag {
	case "-x", "--proxy", "-e", "--referer", "-H", "--header", "-d", "--data", "--preproxy", "--socks5":
		return true
	}
	return false
}

// installsURL finds the URL without TLS that a package manager takes a package or a key from.
func installsURL(c *shellscript.Command) (shellscript.Word, bool) {
	switch c.Base() {
	case "rpm":
		if c.HasFlag("-q", "--query", "-e", "--erase") {
			return shellscript.Word{}, false
		}
	case "easy_install":
	case "yum", "dnf", "microdnf", "zypper", "pip", "pip3", "npm", "gem", "luarocks":
		if !c.Has("install", "localinstall", "in", "i") {
			return shellscript.Word{}, false
		}
	case "apt-key":
	case "gpg":
		if !c.Has("--fetch-keys") {
			return shellscript.Word{}, false
		}
	default:
		return shellscript.Word{}, false
	}
	args := c.Args()
	for i, w := range args {
		if isPlainURL(w.S) && (i == 0 || c.Base() == "rpm" && len(args[i-1].S) == 2 || !takesIndex(args[i-1].S)) {
			return w, true
		}
	}
	return shellscript.Word{}, false
}

// takesIndex says whether a flag of a package manager has the address of an index as its value, which is no package.
func takesIndex(flag string) bool {
	switch flag {
	case "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--proxy", "--httpproxy", "--registry", "-s", "--source",
		"--repofrompath", "--plus-repo", "--setopt", "--http-proxy", "-p", "--keyserver":
		return true
	}
	return false
}

// clonesURL finds the URL without TLS that git clones.
func clonesURL(c *shellscript.Command) (shellscript.Word, bool) {
	if !runsProgram(c, "git") || !c.Has("clone") {
		return shellscript.Word{}, false
	}
	for _, w := range c.Operands("-c", "-C", "-b", "--branch", "--depth", "-o", "--origin", "--reference") {
		rest, isGit := strings.CutPrefix(w.S, "git://")
		if isPlainURL(w.S) || isGit && rest != "" && rest[0] != '$' && !isLocalHost(rest) {
			return w, true
		}
	}
	return shellscript.Word{}, false
}

// namesCommit says whether a step checks what git has fetched: the hash of a commit is a checksum of all that is in it.
func namesCommit(s *lint.Stage, run *lint.Run) bool {
	lookup := s.Before(indexOf(s, run.In)).Lookup
	isHash := func(w shellscript.Word) bool { return isCommitHash(lint.Expand(w.S, lookup)) }
	for _, c := range run.Commands() {
		if c = unwrap(c); runsProgram(c, "git") && (c.Has("verify-tag", "verify-commit") || slices.ContainsFunc(c.Args(), isHash)) {
			return true
		}
	}
	return false
}

func isCommitHash(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// fetchedFile is the name of the file that a command fetches into, without folders; "" when it goes to
// the standard output.
func fetchedFile(c *shellscript.Command, url string) string {
	if to := redirectTarget(c); to != "" && to != "/dev/null" {
		return path.Base(to)
	}
	remote, _, _ := strings.Cut(url, "?")
	if runsProgram(c, "curl") {
		if _, w, ok := letterFlag(c, 'o', curlValued); ok {
			return outputName(w.S)
		}
		if w, ok := c.FlagValue("--output"); ok {
			return outputName(w.S)
		}
		if _, ok := hasLetter(c, 'O', curlValued); ok || c.Has("--remote-name", "--remote-name-all") {
			return path.Base(remote)
		}
		return ""
	}
	if _, w, ok := letterFlag(c, 'O', wgetValued); ok {
		return outputName(w.S)
	}
	if w, ok := c.FlagValue("--output-document"); ok {
		return outputName(w.S)
	}
	return path.Base(remote)
}

// wgetValued are the letters of wget's flags that take a value.
const wgetValued = "aoeitOTwQPUBlARDIXn"

func outputName(file string) string {
	if file == "-" || file == "/dev/stdout" || file == "/dev/null" {
		return ""
	}
	return path.Base(file)
}

// readsFile says whether a command names a file, or runs it.
func readsFile(c *shellscript.Command, names ...string) bool {
	for _, w := range c.Words {
		base := path.Base(w.S)
		for _, name := range names {
			if ok, err := path.Match(base, name); base == name || ok && err == nil {
				return true
			}
		}
	}
	return false
}

// consumes says what a command makes of a file that it reads, "" when that is nothing that has to be trusted.
func consumes(c *shellscript.Command) string {
	base := c.Base()
	if c.Name() == "" {
		return "" // not known, and the base of that is the dot that reads scripts
	}
	switch base {
	case "tar", "bsdtar", "unzip", "cpio", "gunzip", "zcat", "xz", "unxz", "bunzip2", "7z", "7za", "jar":
		if base == "jar" && !strings.Contains(c.Sub(), "x") {
			return ""
		}
		return base + " unpacks it"
	case "gzip", "bzip2", "zstd":
		if c.HasFlag("-d", "--decompress") {
			return base + " unpacks it"
		}
		return ""
	case "sh", "bash", "dash", "ash", "zsh", "perl", "ruby", "node", "php", "java", "source", ".":
		return base + " runs it"
	case "apt-key":
		return "apt-key trusts it"
	case "gpg":
		if c.Has("--import", "--dearmor") {
			return "gpg trusts it"
		}
		return ""
	case "rpm":
		if c.HasFlag("-q", "--query", "-e", "--erase") {
			return ""
		}
		return "rpm installs it"
	case "apk", "apt-get", "apt", "yum", "dnf", "pip", "pip3":
		if !c.Has("install", "add", "localinstall", "reinstall") {
			return ""
		}
		return base + " installs it"
	case "dpkg", "gdebi":
		return base + " installs it"
	case "chmod":
		if w, ok := commandMode(c); ok && (strings.Contains(w.Written, "x") || strings.ContainsAny(w.Written, "157")) {
			return "it is made a program"
		}
		return ""
	}
	if strings.HasPrefix(base, "python") {
		return base + " runs it"
	}
	if strings.HasPrefix(c.Name(), "./") || strings.HasPrefix(c.Name(), "/tmp/") {
		return "it is run"
	}
	return ""
}

// passedTo says what the commands that get another one's output make of it.
func passedTo(c *shellscript.Command) string {
	if c.Call == nil {
		return ""
	}
	if shell := substitutedInto(c); shell != "" {
		return shell + " runs it"
	}
	for _, r := range readers(c) {
		if runsProgram(r, "read", "xargs") {
			return "" // it is a list of what to work on
		}
		r = unwrap(r)
		if runsProgram(r, "tee") && savesTrusted(r) {
			return "it stays in the image"
		}
		if slices.Contains(pipeInterpreters, r.Base()) && !readsScript(r) {
			continue // it has a script of its own
		}
		if use := consumes(r); use != "" {
			return use
		}
	}
	return ""
}
