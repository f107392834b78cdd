package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3064 = &lint.Rule{
	Code: "DL3064", Title: "Secret in ARG or ENV", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"buildkit:SecretsUsedInArgOrEnv", "trivy:DS-0031", "dockle:CIS-DI-0010"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3064",
	Why: "The value of an ENV is in the image's configuration, that of an ARG in its history: who can pull the image can read both. A secret mount gives a " +
		"value to one RUN and leaves nothing behind. Names are judged by their words; names of files, addresses, durations and public keys are no secrets, " +
		"and neither is a value such as true or a path.",
	Bad:  "FROM debian:12\nARG AWS_SECRET_ACCESS_KEY\nRUN aws s3 cp s3://bucket/file .",
	Good: "FROM debian:12\nRUN --mount=type=secret,id=aws,target=/root/.aws/credentials aws s3 cp s3://bucket/file .",
	Check: func(p *lint.Pass) {
		for _, in := range p.All() {
			for ; in != nil; in = in.Inner {
				if in.Keyword != "ARG" && in.Keyword != "ENV" {
					continue
				}
				for _, pair := range in.Pairs() {
					reportSecret(p, in.Keyword, pair)
				}
			}
		}
	},
}

func reportSecret(p *lint.Pass, keyword string, pair syntax.Pair) {
	name, value := pair.Name(p.File.Escape), syntax.Unquote(pair.Value.S, p.File.Escape)
	if p.Options.Hadolint {
		if !looksSecret(name) {
			return
		}
	} else if !isSecretName(name) || isPlainValue(value) || keyword == "ENV" && value == "" {
		// an empty ENV is a place for a value that comes when the container starts
		return
	}
	if keyword == "ARG" {
		p.Report(lint.At(pair.Key), "the value of ARG %s stays in the image's history: mount it with RUN --mount=type=secret", name)
		return
	}
	p.Report(lint.At(pair.Key), "the value of ENV %s is in the image for all to read: mount it as a secret, or set it when the container starts", name)
}

// looksSecret is how hadolint judges a name: by parts of it, whatever else is in it.
func looksSecret(name string) bool {
	upper := strings.ToUpper(name)
	return isSecretName(name) || slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(upper, part) })
}

var secretParts = []string{
	"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "CREDENTIAL", "PRIVATE", "USERNAME", "API_KEY", "APIKEY", "ACCESS_KEY", "ACCESSKEY", "APP_ID",
}
