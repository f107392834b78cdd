package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var secretsUsedInArgOrEnv = &lint.Rule{
	Code: "SecretsUsedInArgOrEnv", Title: "ARG or ENV that looks like a secret", Severity: lint.Warning, Family: lint.BuildKit,
	Profiles: lint.BuildKitProfile, Since: "0.1.0",
	Aliases: []string{"hadolint:DL3064"},
	Source:  "https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env/",
	Why: "The value of an ARG can be read in the history of the image, that of ENV in its configuration, by all who can " +
		"pull it. `RUN --mount=type=secret` leaves nothing behind.",
	Bad:  "FROM debian:12\nARG API_TOKEN\nRUN curl -H \"$API_TOKEN\" https://example.org",
	Good: "FROM debian:12\nRUN --mount=type=secret,id=api,env=API_KEY curl -H \"$API_KEY\" https://example.org",
	Check: func(p *lint.Pass) {
		warnings(p, func(in *syntax.Instruction, here []checks.Warning) {
			for _, pair := range in.Pairs() {
				name := pair.Name(p.File.Escape)
				if isPublic(name, in.Keyword, pair, p.File.Escape) {
					continue
				}
				for _, w := range here {
					if quoted(w.Message, `"`) == name {
						p.Report(lint.At(pair.Key), "%s %s looks like a secret, which would be in the image: use RUN --mount=type=secret", in.Keyword, name)
						break
					}
				}
			}
		}, "ARG", "ENV")
	},
}

// isPublic says whether a name or its value tells that it is no secret: the fingerprint of a key, the path of a
// socket, an ENV that says nothing, true or a path, a name in the .NET way whose last part is Key.
func isPublic(name, keyword string, pair lint.Pair, escape byte) bool {
	value := syntax.Unquote(pair.Value.S, escape)
	switch {
	case keyword == "ENV" && (value == "" || isPlainValue(value)), strings.HasSuffix(name, "_SOCK"), strings.HasSuffix(name, "__Key"):
		return true
	}
	hex := strings.ReplaceAll(value, " ", "")
	return strings.Contains(name, "KEY") && len(hex) >= 16 && strings.Trim(strings.TrimPrefix(hex, "0x"), "0123456789ABCDEF") == ""
}
