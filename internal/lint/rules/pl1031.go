package rules

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1031 = &lint.Rule{
	Code: "PL1031", Title: "trusted certificate from an unchecked download", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://manpages.debian.org/bookworm/ca-certificates/update-ca-certificates.8.en.html",
	Why: "A certificate that is added to the trusted ones speaks for all hosts there are. When it comes over http://, or with the check " +
		"of certificates off, whoever is on the way can give his own, and read and change everything from then on. It belongs into the " +
		"build context (`COPY`), or comes with a checksum.",
	Bad:  "FROM debian:12\nRUN curl -k https://ca.example.com/ca.crt -o /usr/local/share/ca-certificates/ca.crt && update-ca-certificates",
	Good: "FROM debian:12\nCOPY ca.crt /usr/local/share/ca-certificates/\nRUN update-ca-certificates",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !trustsCertificates(s) {
			return
		}
		eachUnwrapped(s, func(run *lint.Run, c *shellscript.Command) {
			if !runsProgram(c, "curl", "wget", "wget2") || checksSums(run) {
				return
			}
			_, k := insecureCurl(c)
			_, noCheck := insecureWget(c)
			insecure := runsProgram(c, "curl") && k || noCheck
			for _, w := range c.Args() {
				if (isPlainURL(w.S) || insecure && isForeignHTTPS(w.S)) && (isCertificate(w.S) || savesCertificate(c)) {
					p.Report(lint.At(w.Text), "%s becomes a trusted certificate, and nobody has checked where it comes from: COPY it, or check its sum", plainURL(w.S))
				}
			}
		})
		eachInner(s, func(in *syntax.Instruction) {
			if _, ok := in.Flag("checksum"); ok {
				return
			}
			for _, source := range copySources(in) {
				if isPlainURL(source.S) && (isCertificate(source.S) || isTrustFolder(copyTarget(in))) {
					p.Report(lint.At(source), "%s becomes a trusted certificate, and nobody has checked where it comes from: COPY it, or add --checksum", plainURL(source.S))
				}
			}
		}, "ADD")
	},
}

// trustsCertificates says whether a stage adds certificates to the trusted ones.
func trustsCertificates(s *lint.Stage) bool {
	found := false
	eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
		found = found || runsProgram(c, "update-ca-certificates", "update-ca-trust") || runsProgram(c, "keytool") && c.Has("-import", "-importcert") || runsProgram(c, "trust") && c.Has("anchor")
	})
	return found
}

// isCertificate says whether a file or a URL is named as certificates are.
func isCertificate(name string) bool {
	name, _, _ = strings.Cut(name, "?")
	switch path.Ext(name) {
	case ".crt", ".cer", ".pem", ".der":
		return true
	}
	return false
}

func isTrustFolder(dir string) bool {
	return strings.Contains(dir, "/ca-certificates") || strings.Contains(dir, "/ca-trust/") || strings.Contains(dir, "/anchors")
}

// savesCertificate says whether a download is kept as a certificate.
func savesCertificate(c *shellscript.Command) bool {
	target := outputFile(c)
	if isCertificate(target) || isTrustFolder(target) {
		return true
	}
	args := c.Args()
	for i, w := range args {
		if i > 0 && isOwnCertificate(args[i-1].S) {
			continue
		}
		if !strings.Contains(w.S, "://") && !strings.HasPrefix(w.S, "--c") && (isCertificate(w.S) || isTrustFolder(w.S)) {
			return true
		}
	}
	return false
}

// isOwnCertificate says whether the word behind a flag is a certificate that the download itself uses.
func isOwnCertificate(flag string) bool {
	switch flag {
	case "--cacert", "--capath", "--cert", "-E", "--ca-certificate", "--ca-directory", "--certificate":
		return true
	}
	return false
}

// isForeignHTTPS says whether a word is a URL with TLS of another machine.
func isForeignHTTPS(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	return ok && !isLocalHost(rest)
}
