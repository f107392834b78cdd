package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl4003 = &lint.Rule{
	Code: "PL4003", Title: "Program downloaded without a checksum", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/dockerfile/#add---checksum",
	Why: "What a URL gives today may be something else tomorrow: a release that was replaced, or a server that was broken into. A checksum beside the URL, or a signature, makes " +
		"the build fail then, and `ADD --checksum` does so without curl in the image.",
	Bad:  "FROM debian:12\nRUN curl -fsSLo /usr/local/bin/tool https://example.com/tool && chmod +x /usr/local/bin/tool",
	Good: "FROM debian:12\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d --chmod=755 https://example.com/tool /usr/local/bin/tool",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, steps := range sequences(s) {
			for i, st := range steps {
				switch {
				case st.in.Keyword == "ADD":
					addWithoutChecksum(p, st, steps[i+1:])
				case st.run != nil:
					runWithoutChecksum(p, st.run, steps[i+1:])
				}
			}
		}
	},
}

func addWithoutChecksum(p *lint.Pass, st step, later []step) {
	c, ok := copyOf(st.in)
	if !ok {
		return
	}
	if _, ok := st.in.Flag("checksum"); ok {
		return
	}
	for _, source := range c.sources {
		if !isURL(source.S) || strings.Contains(source.S, ".git#") || strings.HasSuffix(source.S, ".git") {
			continue
		}
		name := path.Base(strings.TrimSuffix(c.dest.S, "/"))
		if strings.HasSuffix(c.dest.S, "/") || c.dest.S == "." {
			name = urlFile(source.S)
		}
		used := isBinary(name) || isBinary(urlFile(source.S)) || underBin(c.dest.S) && !isData(name)
		for _, l := range later {
			if l.run == nil {
				continue
			}
			if verifies(l.run) {
				return
			}
			used = used || usesProgram(l.run.Commands(), name)
		}
		if used {
			p.Report(lint.At(source), "ADD takes %s without --checksum: nothing says that it is the same file tomorrow", source.S)
		}
	}
}

func runWithoutChecksum(p *lint.Pass, r *lint.Run, later []step) {
	var found []*shellscript.Command
	r.Each(func(c *shellscript.Command) {
		if b := unwrap(c).Base(); b == "curl" || b == "wget" {
			found = append(found, c)
		}
	})
	if len(found) == 0 || verifies(r) {
		return
	}
	for _, c := range found {
		url, ok := downloadURL(c)
		if !ok {
			continue
		}
		pipe := readers(c)
		if pipesIntoShell(pipe) {
			continue // PL4004 says it
		}
		plain := unwrap(c)
		target := downloadTarget(plain)
		name := path.Base(target.S)
		used := unpacks(pipe)
		if target.S != "" && target.S != "-" && target.S != "/dev/null" {
			commands := r.Commands()
			for _, l := range later {
				if l.run != nil && verifiesName(l.run, name) {
					commands = nil
					break
				}
			}
			used = used || commands != nil && (underBin(target.S) && !isData(name) || usesProgram(commands, name))
		}
		if used {
			p.Report(commandSpan(plain), "%s takes %s, which is run or unpacked, without a checksum: verify it with sha256sum -c, or use ADD --checksum", plain.Base(), url.S)
		}
	}
}

// urlFile is the name of the file in a URL.
func urlFile(url string) string {
	url, _, _ = strings.Cut(url, "?")
	url, _, _ = strings.Cut(url, "#")
	return path.Base(url)
}

// isBinary says whether a file is by its name something to run, to unpack or to install.
func isBinary(name string) bool {
	switch path.Ext(name) {
	case ".deb", ".rpm", ".jar", ".phar", ".sh", ".whl", ".run", ".AppImage", ".so":
		return true
	}
	return isArchive(name)
}

// isData says whether a file is by its name one that nothing runs.
func isData(name string) bool {
	switch path.Ext(name) {
	case ".json", ".yaml", ".yml", ".toml", ".xml", ".ini", ".conf", ".cfg", ".properties", ".txt", ".md", ".html", ".css", ".csv", ".pem", ".crt", ".asc", ".sig", ".sha256":
		return true
	}
	return false
}

// underBin says whether a path is in a folder of programs.
func underBin(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "bin" || part == "sbin" {
			return true
		}
	}
	return false
}

// checkers are commands that compare a file with a checksum or a signature.
var checkers = map[string]bool{
	"sha256sum": true, "sha512sum": true, "sha1sum": true, "sha384sum": true, "sha224sum": true, "md5sum": true, "b2sum": true, "shasum": true,
	"cosign": true, "minisign": true, "signify": true, "gpgv": true, "sq": true, "sqv": true, "slsa-verifier": true, "jarsigner": true, "sha3sum": true, "cksum": true,
}

func isChecker(c *shellscript.Command) bool {
	switch base := c.Base(); base {
	case "gpg", "gpg2":
		return c.HasFlag("--verify")
	case "openssl":
		return c.Sub() == "dgst" || strings.HasPrefix(c.Sub(), "sha")
	case "rpm", "rpmkeys":
		return c.HasFlag("-K", "--checksig")
	case "busybox":
		return checkers[c.Sub()]
	default:
		return checkers[base]
	}
}

// verifies says whether a step compares a file with a checksum or a signature. A command whose
// name says so, such as verify.sh, counts.
func verifies(r *lint.Run) (yes bool) {
	r.Each(func(c *shellscript.Command) {
		c = unwrap(c)
		yes = yes || isChecker(c) || hashes(c) || strings.Contains(c.Base(), "verify") || strings.Contains(c.Base(), "checksum") || strings.Contains(c.Base(), "sha256")
	})
	return yes
}

// hashes says whether an interpreter is given a script that works out a checksum.
func hashes(c *shellscript.Command) bool {
	if !c.HasFlag("-r", "-c", "-e") {
		return false
	}
	for _, w := range c.Args() {
		for _, word := range []string{"hash_file", "hashlib", "Digest::", "createHash", "digest/sha"} {
			if strings.Contains(w.S, word) {
				return true
			}
		}
	}
	return false
}

// verifiesName says whether a step verifies a file of that name: it stands in the step, or the names stand in a list
// of checksums.
func verifiesName(r *lint.Run, name string) (yes bool) {
	if !verifies(r) {
		return false
	}
	r.Each(func(c *shellscript.Command) {
		c = unwrap(c)
		words := c.Operands()
		yes = yes || checkers[c.Base()] && c.HasFlag("-c", "--check") && len(words) > 0 && words[0].S != "-" && words[0].S != "/dev/stdin"
	})
	return yes || standsIn(r.In.Text.S, name) || slices.ContainsFunc(r.In.Heredocs, func(h syntax.Heredoc) bool { return standsIn(h.Body.S, name) })
}

// standsIn says whether a text has a name in it that is not a part of a longer one.
func standsIn(text, name string) bool {
	inName := func(b byte) bool {
		return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '.' || b == '-' || b == '_'
	}
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(name)
		if (i == 0 || !inName(text[i-1])) && (end == len(text) || !inName(text[end])) {
			return true
		}
		from = i + 1
	}
}

// unpacks says whether one of the commands that read a download unpacks or installs it.
func unpacks(pipe []*shellscript.Command) bool {
	for _, c := range pipe {
		switch unwrap(c).Base() {
		case "tar", "bsdtar", "cpio", "unzip", "dpkg", "rpm2cpio":
			return true
		}
	}
	return false
}

// usesProgram says whether one of the commands runs, unpacks or installs a file of that name.
func usesProgram(commands []*shellscript.Command, name string) bool {
	if name == "" || name == "." || name == "/" {
		return false
	}
	named := func(w shellscript.Word) bool { return path.Base(w.S) == name }
	for _, c := range commands {
		c = unwrap(c)
		if named(c.Words[0]) && strings.Contains(c.Words[0].S, "/") {
			return true
		}
		switch c.Base() {
		case "tar", "bsdtar", "unzip", "gunzip", "gzip", "unxz", "xz", "bunzip2", "zstd", "7z", "7za", "dpkg", "rpm", "apt-get", "apt", "apk", "yum", "dnf",
			"microdnf", "zypper", "pip", "pip3", "gem", "sh", "bash", "ash", "dash", "ksh", "zsh", "python", "python2", "python3", "perl", "php", "ruby", "node", "java", "chmod",
			"install", "gdebi", "source", ".", "cpio", "ar":
		default:
			continue
		}
		for _, w := range c.Args() {
			if named(w) && (c.Base() != "chmod" || makesExecutable(c)) {
				return true
			}
		}
	}
	return false
}

// makesExecutable says whether chmod lets somebody run the file.
func makesExecutable(c *shellscript.Command) bool {
	words := c.Operands()
	if len(words) < 2 {
		return false // also for -x, which is no operand
	}
	mode := words[0].S
	if strings.Contains(mode, "x") {
		return !strings.Contains(mode, "-x")
	}
	return len(mode) >= 3 && strings.Trim(mode, "01234567") == "" && strings.ContainsAny(mode[len(mode)-3:], "1357")
}
