package rules

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// download is a file that a step fetches without TLS and that is run or unpacked.
type download struct {
	word shellscript.Word // the URL
	use  string           // what happens to it
}

// plainDownloads finds what the steps of a stage fetch without TLS, where something is done with it that makes
// code of it.
func plainDownloads(s *lint.Stage) (out []download) {
	type fetched struct {
		word shellscript.Word
		file string
	}
	var open []fetched
	s.Commands(func(run *lint.Run, outer *shellscript.Command) {
		c := unwrap(outer)
		if use := consumes(c); use != "" {
			left := open[:0:0]
			for _, f := range open {
				if readsFile(c, f.file) {
					if !checksSums(run) {
						out = append(out, download{f.word, use})
					}
					continue
				}
				left = append(left, f)
			}
			open = left
		}
		if w, ok := installsURL(c); ok {
			out = append(out, download{w, c.Base() + " installs it"})
		}
		w, ok := plainFetch(c)
		if !ok || checksSums(run) {
			return
		}
		if file := fetchedFile(c, w.S); file != "" {
			open = append(open, fetched{w, file})
			return
		}
		if next := pipedInto(outer); next != nil {
			if use := consumes(next); use != "" {
				out = append(out, download{w, use})
			}
		}
	})
	return out
}

// plainFetch finds the URL without TLS that a command fetches.
func plainFetch(c *shellscript.Command) (shellscript.Word, bool) {
	if !runsProgram(c, "curl", "wget", "wget2", "aria2c") {
		return shellscript.Word{}, false
	}
	args := c.Args()
	for i, w := range args {
		if isPlainURL(w.S) && (i == 0 || !takesURL(args[i-1].S)) {
			return w, true
		}
	}
	return shellscript.Word{}, false
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
	case "yum", "dnf", "microdnf", "zypper", "pip", "pip3", "npm", "gem":
		if !c.Has("install", "localinstall", "in", "i") {
			return shellscript.Word{}, false
		}
	case "apt-key":
	default:
		return shellscript.Word{}, false
	}
	args := c.Args()
	for i, w := range args {
		// the address of an index is no package
		if isPlainURL(w.S) && (i == 0 || !strings.HasPrefix(args[i-1].S, "-") || c.Base() == "rpm" || args[i-1].S == "--fetch-keys" || args[i-1].S == "-y" || args[i-1].S == "-g") {
			return w, true
		}
	}
	return shellscript.Word{}, false
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
func readsFile(c *shellscript.Command, file string) bool {
	for _, w := range c.Words {
		base := path.Base(w.S)
		if base == file {
			return true
		}
		if strings.ContainsAny(base, "*?[") {
			if ok, err := path.Match(base, file); ok && err == nil {
				return true
			}
		}
	}
	return false
}

// consumes says what a command makes of a file that it reads, "" when that is nothing that has to be trusted.
func consumes(c *shellscript.Command) string {
	base := c.Base()
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

// pipedInto is the command that reads what another one writes, nil for none.
func pipedInto(c *shellscript.Command) *shellscript.Command {
	if c.Stmt == nil {
		return nil
	}
	end := lineEnd(c)
	rest := strings.TrimLeft(c.Script.Text.S[min(end, len(c.Script.Text.S)):], " \t\n")
	if !strings.HasPrefix(rest, "|") || strings.HasPrefix(rest, "||") {
		return nil
	}
	for _, next := range c.Script.Commands {
		if next.Call != nil && int(next.Call.Pos().Offset()) >= end {
			return unwrap(next)
		}
	}
	return nil
}

// lineEnd is the place behind a command on its line, before a document that it reads.
func lineEnd(c *shellscript.Command) int {
	end, document := 0, false
	for _, r := range c.Stmt.Redirs {
		document = document || r.Hdoc != nil
		if r.Word != nil {
			end = max(end, int(r.Word.End().Offset()))
		}
	}
	if !document {
		return int(c.Stmt.End().Offset())
	}
	if c.Call != nil {
		end = max(end, int(c.Call.End().Offset()))
	}
	return end
}
