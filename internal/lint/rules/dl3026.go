package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3026 = &lint.Rule{
	Code: "DL3026", Title: "An image comes from a registry that is not trusted", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"docker-bench:4.2"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3026",
	Why: "Whoever can push to a registry decides what is in the images that are built on it. Where the configuration names trusted registries, " +
		"FROM, COPY --from and RUN --mount=from take images from these alone. A name without a registry means docker.io.",
	Bad:  "FROM registry.example.org/debian:12",
	Good: "FROM registry.example.com/debian:12",
	Check: func(p *lint.Pass) {
		if len(p.Options.TrustedRegistries) == 0 {
			return
		}
		for _, s := range p.Stages {
			reportUntrustedBase(p, s)
			reportUntrustedSources(p, s)
		}
	},
}

func reportUntrustedBase(p *lint.Pass, s *lint.Stage) {
	name, parent := s.Resolved, s.Parent
	if p.Options.Hadolint {
		name, parent = s.Image, p.StageNamed(s.Image, s.Index) // variables are part of the name
	}
	if s.From == nil || name == "" || parent != nil || ofCatalog(p.Doc, s.Image) || ofCatalog(p.Doc, s.Resolved) {
		return
	}
	if host, bad := untrusted(p.Options, name); bad {
		p.Report(lint.At(s.ImageText), "%s comes from %s, which is not one of the trusted registries", s.Image, host)
	}
}

// reportUntrustedSources looks at the images that a stage takes files from.
func reportUntrustedSources(p *lint.Pass, s *lint.Stage) {
	for _, in := range s.Instructions {
		for _, from := range lint.Sources(in) {
			name := from.Value
			if name == "" || onlyDigits(name) || namesItself(s, name) || p.SourceStage(s, name) != nil || ofCatalog(p.Doc, name) {
				continue
			}
			if host, bad := untrusted(p.Options, name); bad {
				p.Report(lint.At(from.Text), "%s comes from %s, which is not one of the trusted registries", name, host)
			}
		}
	}
}

// untrusted gives the registry of an image, and whether it is known not to be trusted.
func untrusted(o *lint.Options, image string) (host string, bad bool) {
	if image == "scratch" || !o.Hadolint && hidesRegistry(image) {
		return "", false
	}
	if host = splitImage(image).Registry; host == "" {
		host = "docker.io"
	}
	return host, !slices.ContainsFunc(o.TrustedRegistries, func(trusted string) bool {
		if trusted == "hub.docker.com" {
			trusted = "docker.io" // which people call so, as their browser does
		}
		ok, err := path.Match(trusted, host)
		return trusted == host || ok && err == nil
	})
}

// hidesRegistry says whether a variable of unknown value stands where the registry would.
func hidesRegistry(image string) bool {
	first, _, ok := strings.Cut(image, "/")
	if !ok {
		first, _, _ = strings.Cut(image, ":")
	}
	return strings.Contains(first, "$")
}
