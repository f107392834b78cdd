package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3048 = &lint.Rule{
	Code: "DL3048", Title: "Label key against Docker's guidelines", Severity: lint.Style, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/engine/manage-resources/labels/#key-format-recommendations",
	Why: "Docker recommends keys of lower-case letters, digits, periods and hyphens that begin with a letter, and keeps com.docker.*, " +
		"io.docker.* and org.dockerproject.* for itself. Tools that read labels rely on it: a filter or a selector that does not know the key's " +
		"spelling finds nothing.",
	Bad:  "FROM debian:12\nLABEL com.docker.team=base Vendor_Name=Example",
	Good: "FROM debian:12\nLABEL com.example.team=base vendor-name=Example",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, l := range labelPairs(p, s) {
			if why := badLabelKey(l.key); why != "" {
				p.Report(lint.At(l.Key), "label key %s %s", l.key, why)
			}
		}
	},
}

// badLabelKey says what is wrong with a key, "" for nothing.
func badLabelKey(key string) string {
	for _, space := range []string{"com.docker.", "io.docker.", "org.dockerproject."} {
		if strings.HasPrefix(key, space) {
			return "is in " + space + "*, which Docker keeps for itself"
		}
	}
	for _, c := range key {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-':
		case c >= 'A' && c <= 'Z':
			return "has upper-case letters: write it in lower case"
		default:
			return "has the character " + string(c) + ": use lower-case letters, digits, periods and hyphens"
		}
	}
	switch {
	case key == "":
		return "is empty"
	case key[0] < 'a' || key[0] > 'z':
		return "does not begin with a letter"
	case strings.HasSuffix(key, ".") || strings.HasSuffix(key, "-"):
		return "ends with a period or a hyphen"
	case strings.Contains(key, ".."), strings.Contains(key, "--"):
		return "has two periods or hyphens in a row"
	}
	return ""
}
