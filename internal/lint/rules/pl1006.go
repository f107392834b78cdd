package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1006 = &lint.Rule{
	Code: "PL1006", Title: "wget without a check of the certificate", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"checkov:CKV2_DOCKER_3"},
	Source:  "https://www.gnu.org/software/wget/manual/html_node/HTTPS-_0028SSL_002fTLS_0029-Options.html",
	Why: "With `--no-check-certificate` wget takes any certificate, so whoever is on the way can put something else into the image. " +
		"Mostly the package `ca-certificates` is what is missing.",
	Bad:  "FROM debian:12\nRUN wget --no-check-certificate https://example.com/app.tar.gz",
	Good: "FROM debian:12\nRUN apt-get update && apt-get install -y ca-certificates wget && wget https://example.com/app.tar.gz",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			w, ok := insecureWget(c)
			if ok && !onlyLocal(c) {
				p.Report(lint.At(w.Text), "%s %s takes any certificate: install ca-certificates, or name the authority with --ca-certificate", c.Base(), w.S)
			}
		})
		eachWriting(s, func(w writing) {
			for _, name := range []string{"check_certificate", "check-certificate"} {
				values, at := assignments(w.Text, name)
				for i, v := range values {
					if isFalse(v) || v == "quiet" {
						p.Report(lint.At(at[i]), "%s = %s in a configuration makes wget take any certificate", name, v)
					}
				}
			}
		}, "check_certificate", "check-certificate")
	},
}

// insecureWget finds the flag of a program that switches the check of certificates off. GNU programs take
// the beginning of a long flag as well.
func insecureWget(c *shellscript.Command) (shellscript.Word, bool) {
	for i, w := range c.Args() {
		switch {
		case runsProgram(c, "wget", "wget2"):
			if strings.HasPrefix(w.S, "--no-check") && strings.HasPrefix("--no-check-certificate", w.S) { //nolint:gocritic // wget takes any beginning of the name
				return w, true
			}
			if value, ok := strings.CutPrefix(w.S, "--check-certificate="); ok && (isFalse(value) || value == "quiet") {
				return w, true
			}
			line, long := strings.CutPrefix(w.S, "--execute=")
			if !long {
				line, long = strings.CutPrefix(w.S, "-e")
			}
			if (long || i > 0 && (c.Args()[i-1].S == "-e" || c.Args()[i-1].S == "--execute")) && wgetrcOff(line) {
				return w, true
			}
		case runsProgram(c, "aria2c"):
			if w.S == "--check-certificate=false" {
				return w, true
			}
		}
	}
	return shellscript.Word{}, false
}

// wgetrcOff says whether a line of wget's configuration switches the check off.
func wgetrcOff(line string) bool {
	name, value, _ := strings.Cut(line, "=")
	return strings.EqualFold(strings.TrimSpace(name), "check_certificate") && isFalse(strings.TrimSpace(value))
}
