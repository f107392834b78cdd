package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var pl6001 = &lint.Rule{
	Code: "PL6001", Title: "OCI labels are missing", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/opencontainers/image-spec/blob/main/annotations.md",
	Why: "Labels say what an image is, where its source lies and under which licence it is, to people and to tools such as Renovate and registries. " +
		"Those that plinth fills in need not be written.",
	Bad: "FROM debian:12",
	Good: "FROM debian:12\nLABEL org.opencontainers.image.title=\"Java\" \\\n org.opencontainers.image.description=\"A runtime for services\" \\\n" +
		" org.opencontainers.image.source=\"https://example.com/java\" \\\n org.opencontainers.image.licenses=\"MIT\"",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !s.Final || s.From == nil {
			return
		}
		labels := s.After().Labels
		var missing []string
		for _, name := range []string{"title", "description", "source", "licenses"} {
			if _, ok := labels[ociPrefix+name]; !ok && (p.Image == nil || !slices.Contains(p.Image.Labels, ociPrefix+name)) {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			p.Report(lint.At(s.ImageText), "labels %s* are missing: %s", ociPrefix, strings.Join(missing, ", "))
		}
	},
}

const ociPrefix = "org.opencontainers.image."
