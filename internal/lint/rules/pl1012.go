package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1012 = &lint.Rule{
	Code: "PL1012", Title: "apt takes packages without a signature", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_8"},
	Source:  "https://manpages.debian.org/bookworm/apt/apt-secure.8.en.html",
	Why: "Without a signature apt installs whatever comes from the network under a package's name, as root. The key of a repository " +
		"belongs into a file that `signed-by` names in its sources entry.",
	Bad:  "FROM debian:12\nRUN apt-get update && apt-get install -y --allow-unauthenticated app",
	Good: "FROM debian:12\nCOPY example.gpg /etc/apt/keyrings/\nRUN echo 'deb [signed-by=/etc/apt/keyrings/example.gpg] https://example.com/debian bookworm main' > /etc/apt/sources.list.d/example.list && apt-get update && apt-get install -y app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			if !runsProgram(c, "apt-get", "apt", "aptitude", "apt-key", "mk-build-deps") {
				return
			}
			for i, w := range c.Args() {
				option := w.S
				if option == "-o" || option == "--option" {
					continue
				}
				if i > 0 && (c.Args()[i-1].S == "-o" || c.Args()[i-1].S == "--option") {
					option = "-o" + option
				}
				if isUnauthenticated(option) {
					p.Report(lint.At(w.Text), "%s %s installs packages whose signature nobody checks: add the key of the repository with signed-by", c.Base(), w.S)
				}
			}
		})
		eachWriting(s, func(w writing) {
			for _, line := range linesOf(w.Text) {
				if at, ok := trustedSource(line); ok {
					p.Report(lint.At(at), "%s makes apt take packages from this source without a signature: name its key with signed-by", at.S)
				}
			}
			names := []string{"APT::Get::AllowUnauthenticated", "Acquire::AllowInsecureRepositories"}
			if containsFold(w.Text.S, "URIs:") && !containsFold(w.Text.S, "URIs: file:") {
				names = append(names, "Trusted")
			}
			for _, name := range names {
				values, at := assignments(w.Text, name)
				for i, v := range values {
					if isTrue(v) {
						p.Report(lint.At(at[i]), "%s makes apt take packages without a signature: name the key of the repository with signed-by", name)
					}
				}
			}
		}, "trusted", "allow-insecure", "AllowUnauthenticated", "AllowInsecureRepositories")
	},
}

// isUnauthenticated says whether an option of apt-get switches the check of signatures off.
func isUnauthenticated(option string) bool {
	switch option {
	case "--allow-unauthenticated", "--allow-insecure-repositories", "--allow-untrusted":
		return true
	}
	setting, ok := strings.CutPrefix(option, "--option=")
	if !ok {
		if setting, ok = strings.CutPrefix(option, "-o"); !ok {
			return false
		}
	}
	name, value, _ := strings.Cut(setting, "=")
	name = strings.ToLower(name)
	return (name == "apt::get::allowunauthenticated" || name == "acquire::allowinsecurerepositories") && isTrue(value)
}

// trustedSource finds trusted=yes or allow-insecure=yes among the options of a source, unless the source is a folder
// of the image itself.
func trustedSource(line syntax.Text) (at syntax.Text, ok bool) {
	for _, option := range []string{"trusted=yes", "trusted=true", "allow-insecure=yes", "allow-insecure=true"} {
		i := indexFold(line.S, option)
		if i < 1 || strings.IndexByte("[ \t,", line.S[i-1]) < 0 {
			continue
		}
		_, uri, ok := strings.Cut(line.S[i:], "]")
		if !ok {
			return at, false
		}
		uri = strings.TrimLeft(uri, " \t")
		for _, local := range []string{"file:", "copy:", "cdrom:"} {
			if strings.HasPrefix(uri, local) {
				return at, false
			}
		}
		return line.Slice(i, i+len(option)), true
	}
	return at, false
}
