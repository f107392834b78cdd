package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3026 = &lint.Rule{
	Code: "DL3026", Title: "An image comes from a registry that is not trusted", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"docker-bench:4.2"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3026",
	Why: "An image is somebody else's code. Where the configuration lists the registries that a company trusts, everything that FROM, COPY --from and RUN --mount name has to come from " +
		"them. `*` stands for anything, docker.io for names without a registry; with a path behind it, as in `gcr.io/distroless`, only what is below is trusted.",
	Bad:  "FROM example.com/debian:12",
	Good: "FROM debian:12",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if len(p.Options.TrustedRegistries) == 0 {
			return
		}
		if s.Image != "" && s.Parent == nil {
			untrusted(p, s.Resolved, s.ImageText)
		}
		for _, in := range s.Instructions {
			for _, source := range lint.Sources(in) {
				if p.SourceStage(s, source.Value) == nil && !namesItself(s, source.Value) && !onlyDigits(source.Value) &&
					untrusted(p, source.Value, source.Text) {
					break
				}
			}
		}
	},
}

// untrusted reports an image that no trusted registry has. One that begins with a variable is not known.
func untrusted(p *lint.Pass, name string, at syntax.Text) bool {
	if name == "" || name == "scratch" || strings.HasPrefix(name, "$") {
		return false
	}
	i := splitImage(name)
	registries := []string{i.Registry}
	if i.Registry == "" {
		registries = []string{"docker.io", "index.docker.io", "hub.docker.com"}
	}
	if strings.Contains(registries[0], "$") {
		return false
	}
	for _, trusted := range p.Options.TrustedRegistries {
		for _, registry := range registries {
			if matchRegistry(trusted, registry, i.Path) {
				return false
			}
		}
	}
	p.Report(lint.At(at), "%s comes from %s, which is no trusted registry", name, registries[0])
	return true
}

// matchRegistry says whether a trusted registry is one, or a part of one.
func matchRegistry(trusted, registry, path string) bool {
	host, below, hasPath := strings.Cut(strings.TrimSuffix(trusted, "/"), "/")
	if !matchStars(host, registry) {
		return false
	}
	return !hasPath || path == below || strings.HasPrefix(path, below+"/") || matchStars(below, path)
}

// matchStars compares a text with a pattern in which * stands for anything.
func matchStars(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
