package rules

import (
	"net/url"
	"strings"
	"time"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var pl6002 = &lint.Rule{
	Code: "PL6002", Title: "OCI label is not valid", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/opencontainers/image-spec/blob/main/annotations.md",
	Why: "The labels below org.opencontainers.image. are defined: which there are, and what they hold. Tools read them, and skip a time that is not as RFC 3339 writes it, " +
		"a link that is none, and a name that is not in the list.",
	Bad:  "FROM debian:12\nLABEL org.opencontainers.image.created=\"yesterday\"",
	Good: "FROM debian:12\nLABEL org.opencontainers.image.created=\"2026-01-31T10:00:00Z\"",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for i, in := range s.Instructions {
			if in.Keyword != "LABEL" {
				continue
			}
			for _, pair := range in.Pairs() {
				name, ok := strings.CutPrefix(pair.Name(p.File.Escape), ociPrefix)
				if !ok || strings.Contains(name, "$") {
					continue
				}
				value := lint.Expand(syntax.Unquote(pair.Value.S, p.File.Escape), s.Before(i).Lookup)
				if problem := ociProblem(name, value); problem != "" {
					p.Report(lint.At(pair.Key), "%s%s %s", ociPrefix, name, problem)
				}
			}
		}
	},
}

// ociKeys are the names that are defined below org.opencontainers.image.
var ociKeys = map[string]bool{
	"created": true, "authors": true, "url": true, "documentation": true, "source": true, "version": true, "revision": true, "vendor": true,
	"licenses": true, "ref.name": true, "title": true, "description": true, "base.digest": true, "base.name": true,
}

// ociProblem says what is wrong with a label, "" if nothing is, or nothing is known.
func ociProblem(name, value string) string {
	if !ociKeys[name] {
		if ociKeys[name+"s"] {
			return "is not defined: the name is " + ociPrefix + name + "s"
		}
		return "is not defined by OCI: use a prefix of your own"
	}
	if value == "" || strings.Contains(value, "$") {
		return ""
	}
	switch name {
	case "created":
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			return "is " + value + ", which is no time as RFC 3339 writes it (2026-01-31T10:00:00Z)"
		}
	case "url", "documentation", "source":
		if u, err := url.Parse(value); err != nil || u.Scheme == "" {
			return "is " + value + ", which is no URL"
		}
	case "base.digest":
		if algorithm, hex, ok := strings.Cut(value, ":"); !ok || algorithm == "" || strings.Trim(hex, "0123456789abcdef") != "" || len(hex) < 64 {
			return "is " + value + ", which is no digest"
		}
	}
	return ""
}
