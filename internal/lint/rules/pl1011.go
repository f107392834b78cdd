package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1011 = &lint.Rule{
	Code: "PL1011", Title: "apk takes packages without a signature", Severity: lint.Warning, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_7"},
	Source:  "https://man.archlinux.org/man/apk.8.en",
	Why: "`--allow-untrusted` makes apk install what nobody has signed with a key that the image knows, so whoever is on the way can " +
		"put something else into it. The key of the repository belongs into `/etc/apk/keys`.",
	Bad:  "FROM alpine:3.20\nRUN apk add --allow-untrusted --repository http://example.com/repo app",
	Good: "FROM alpine:3.20\nCOPY example.rsa.pub /etc/apk/keys/\nRUN apk add --repository http://example.com/repo app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		var checked []string // files whose signature or checksum was checked
		eachUnwrapped(s, func(run *lint.Run, c *shellscript.Command) {
			checked = append(checked, checkedFiles(c)...)
			if !runsProgram(c, "apk") || packageVerb(c) == "del" {
				return
			}
			w, ok := c.Find("--allow-untrusted")
			if ok && !allChecked(s, run, c, checked) && !checksSums(run) {
				p.Report(lint.At(w.Text), "apk %s installs packages whose signature nobody checks: put the key of the repository into /etc/apk/keys", w.S)
			}
		})
	},
}

// checkedFiles are the names of the files whose signature a command checks.
func checkedFiles(c *shellscript.Command) (names []string) {
	verifies := runsProgram(c, "gpg", "gpg2") && c.Has("--verify") || runsProgram(c, "openssl") && c.Has("-verify", "-CAfile") || runsProgram(c, "gpgv", "minisign", "cosign", "signify")
	if !verifies {
		return nil
	}
	for _, w := range c.Operands() {
		names = append(names, path.Base(w.S))
	}
	return names
}

// allChecked says whether all files that apk installs are among those that were checked, and
// nothing else is installed.
func allChecked(s *lint.Stage, run *lint.Run, c *shellscript.Command, checked []string) bool {
	files := 0
	for _, w := range c.Operands("-t", "--virtual", "-X", "--repository", "-p", "--root") {
		if w.S == "add" {
			continue
		}
		name := path.Base(w.S)
		if !strings.HasSuffix(name, ".apk") || !slices.Contains(checked, name) && !checkedBefore(s, run, name) {
			return false
		}
		files++
	}
	return files > 0
}

// checksSums says whether a step compares files with checksums or signatures.
func checksSums(run *lint.Run) bool {
	for _, c := range run.Commands() {
		c = unwrap(c)
		base := c.Base()
		switch {
		case strings.HasSuffix(base, "sum") && c.HasFlag("-c", "--check"),
			base == "shasum" && c.HasFlag("-c", "--check"), len(checkedFiles(c)) > 0, comparesSum(c):
			return true
		}
	}
	return false
}

// comparesSum says whether a step does something with the checksum that a command computes: [ "$(sha256sum x)" = … ].
func comparesSum(c *shellscript.Command) bool {
	base := c.Base()
	if c.Call == nil || !strings.HasSuffix(base, "sum") && (base != "openssl" || !c.Has("dgst", "sha256", "sha512", "-sha256", "-sha512")) {
		return false
	}
	before := strings.TrimRight(c.Script.Text.S[:c.Call.Pos().Offset()], " \t")
	return strings.HasSuffix(before, "$(") || strings.HasSuffix(before, "`") || slices.ContainsFunc(readers(c), func(r *shellscript.Command) bool {
		return runsProgram(unwrap(r), "grep", "cmp", "diff")
	})
}

// checkedBefore says whether an instruction before a step compares a file with its checksum.
func checkedBefore(s *lint.Stage, run *lint.Run, name string) bool {
	for _, earlier := range s.Runs() {
		if earlier.In.Start < run.In.Start && checksSums(earlier) && namesFile(earlier, name) {
			return true
		}
	}
	found := false
	eachInner(s, func(in *syntax.Instruction) {
		_, ok := in.Flag("checksum")
		found = found || ok && in.Start < run.In.Start && strings.Contains(in.Args.S, name)
	}, "ADD")
	return found
}

// namesFile says whether a step does something with a file but fetch it.
func namesFile(run *lint.Run, name string) bool {
	return slices.ContainsFunc(run.Commands(), func(c *shellscript.Command) bool {
		c = unwrap(c)
		return !runsProgram(c, "curl", "wget", "aria2c") && slices.ContainsFunc(c.Args(), func(w shellscript.Word) bool { return strings.Contains(w.S, name) })
	})
}
