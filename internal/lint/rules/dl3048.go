package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3048 = &lint.Rule{
	Code: "DL3048", Title: "Label key that is not valid", Severity: lint.Style, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3048",
	Why: "Docker's guidelines for label keys: lower-case letters, digits, single periods and hyphens, a letter at the start, no period or hyphen " +
		"at the end, and the namespaces com.docker, io.docker and org.dockerproject are Docker's own. Tools that select by " +
		"label may not find others.",
	Bad:  "FROM debian:12\nLABEL Build_Team=web",
	Good: "FROM debian:12\nLABEL example.acme.build-team=web",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for i, in := range s.Instructions {
			if in.Keyword != "LABEL" {
				continue
			}
			for _, pair := range in.Pairs() {
				key := lint.Word(pair.Key.S, p.File.Escape, s.Before(i).Lookup)
				if wrong := labelKeyFault(key); wrong != "" {
					p.Report(lint.At(pair.Key), "the label key %s %s", key, wrong)
					break
				}
			}
		}
	},
}

// reservedLabels are the namespaces that Docker keeps for itself:
// https://docs.docker.com/engine/manage-resources/labels/#key-format-recommendations
var reservedLabels = []string{"com.docker.", "io.docker.", "org.dockerproject."}

// labelKeyFault says what of Docker's guidelines a key does not follow, "" if it follows them or is
// not known.
func labelKeyFault(key string) string {
	if key == "" || strings.Contains(key, "$") {
		return ""
	}
	for _, prefix := range reservedLabels {
		if strings.HasPrefix(key, prefix) {
			return "is in a namespace that Docker keeps for itself"
		}
	}
	for i := range len(key) {
		c := key[i]
		switch {
		case c >= 'a' && c <= 'z':
		case c >= '0' && c <= '9':
			if i == 0 {
				return "begins with a digit"
			}
		case c == '.' || c == '-':
			if i == 0 || i == len(key)-1 {
				return "begins or ends with a period or a hyphen"
			}
			if key[i-1] == c {
				return "has two of one separator in a row"
			}
		case c >= 'A' && c <= 'Z':
			return "has capital letters"
		default:
			return "has characters other than letters, digits, periods and hyphens"
		}
	}
	return ""
}
