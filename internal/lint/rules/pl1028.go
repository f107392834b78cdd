package rules

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var pl1028 = &lint.Rule{
	Code: "PL1028", Title: "download without TLS that is run, unpacked or kept", Severity: lint.Warning, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/dockerfile/#add---checksum",
	Why: "What comes over http:// may be changed by anybody on its way. When it is run or unpacked, that is code in the image that " +
		"nobody has looked at. Nearly all hosts have https://; where one has not, a checksum tells that the file is the right one " +
		"(`ADD --checksum`, `sha256sum -c`).",
	Bad:  "FROM debian:12\nRUN curl http://example.com/app.tar.gz | tar xz",
	Good: "FROM debian:12\nRUN curl https://example.com/app.tar.gz | tar xz",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		downloads := plainDownloads(s)
		for _, d := range downloads {
			p.Report(lint.At(d.word.Text), "%s without TLS, and %s: take https://, or check its sum", plainURL(d.url), d.use)
		}
		eachInner(s, func(in *syntax.Instruction) {
			if _, ok := in.Flag("checksum"); ok {
				return
			}
			for _, source := range copySources(in) {
				url := source.S
				if strings.HasPrefix(url, "$") {
					url = lint.Expand(url, s.Before(indexOf(s, in)).Lookup)
				}
				if isPlainURL(url) && !checkedLater(s, in, path.Base(url)) {
					p.Report(lint.At(source), "ADD of %s without TLS: take https://, or say what it has to be with --checksum", plainURL(url))
				}
			}
		}, "ADD")
	},
}

// isPlainURL says whether a word is a URL without TLS, of another machine.
func isPlainURL(s string) bool {
	rest, ok := strings.CutPrefix(s, "http://")
	return ok && rest != "" && rest[0] != '$' && !isLocalHost(rest)
}

// plainURL is a URL for a message: without what is in it behind a question mark.
func plainURL(s string) string {
	s, _, _ = strings.Cut(s, "?")
	return s
}

// checkedLater says whether a step behind an instruction compares a file with its checksum.
func checkedLater(s *lint.Stage, in *syntax.Instruction, name string) bool {
	for _, run := range s.Runs() {
		if run.In.Start > in.Start && strings.Contains(run.In.Text.S, name) && checksSums(run) {
			return true
		}
	}
	return false
}
