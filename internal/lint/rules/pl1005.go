package rules

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1005 = &lint.Rule{
	Code: "PL1005", Title: "curl without a check of the certificate", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_2"},
	Source:  "https://curl.se/docs/sslcerts.html",
	Why: "With `-k` curl takes any certificate, so whoever is on the way can put something else into the image. Where a host has a " +
		"certificate of a company's own authority, `--cacert` names that, or it is added to the trusted ones of the base image.",
	Bad:  "FROM debian:12\nRUN curl -kO https://example.com/app.tar.gz",
	Good: "FROM debian:12\nRUN curl -O https://example.com/app.tar.gz",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			if runsProgram(c, "curl") {
				w, ok := insecureCurl(c)
				if ok && !onlyLocal(c) {
					p.Report(lint.At(w.Text), "curl %s takes any certificate: leave it out, or name the authority with --cacert", w.S)
				}
			}
		})
		eachWriting(s, func(w writing) {
			if base := path.Base(w.Target); base != ".curlrc" && base != "curlrc" {
				return
			}
			for _, line := range linesOf(w.Text) {
				if line.S == "insecure" || line.S == "-k" || line.S == "--insecure" {
					p.Report(lint.At(line), "%s in .curlrc makes curl take any certificate: name the authority with cacert", line.S)
				}
			}
		}, "curlrc")
	},
}

// curlValued are the letters of curl's flags that take a value.
const curlValued = "AbcCdDeEFHKmoPQrtTuUwxXyYz"

// insecureCurl finds the flag that switches the check of certificates off.
func insecureCurl(c *shellscript.Command) (shellscript.Word, bool) {
	if w, ok := c.Find("--insecure", "--proxy-insecure", "--doh-insecure"); ok {
		return w, true
	}
	return hasLetter(c, 'k', curlValued)
}

// onlyLocal says whether all URLs of a command are of the machine itself.
func onlyLocal(c *shellscript.Command) bool {
	seen := false
	for _, w := range c.Args() {
		if i := strings.Index(w.S, "://"); i >= 0 {
			if !isLocalHost(w.S[i+3:]) {
				return false
			}
			seen = true
		}
	}
	return seen
}

// isLocalHost says whether what follows the slashes of a URL begins with the machine itself.
func isLocalHost(rest string) bool {
	host := rest
	if i := strings.IndexAny(host, "/?#"); i >= 0 {
		host = host[:i]
	}
	host = host[strings.LastIndexByte(host, '@')+1:]
	if strings.HasPrefix(host, "[::1]") {
		return true
	}
	host, _, _ = strings.Cut(host, ":")
	return host == "localhost" || strings.HasPrefix(host, "127.") || host == "0.0.0.0"
}
