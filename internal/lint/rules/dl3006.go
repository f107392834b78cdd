package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3006 = &lint.Rule{
	Code: "DL3006", Title: "FROM names no tag", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0001", "checkov:CKV_DOCKER_7"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3006",
	Why: "Without a tag the image is whatever is called `latest` on the day of the build, which may be the next major version. " +
		"A tag says which version the Dockerfile was written for. An image that is by its name in no registry, `localhost/…`, `local-…/…` or `${LOCAL_REPO}/…`, is whatever was built last.",
	Bad:  "FROM debian",
	Good: "FROM debian:12",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		name, parent := s.Resolved, s.Parent
		if p.Options.Hadolint {
			if strings.HasPrefix(s.Image, "$") {
				return
			}
			name, parent = s.Image, p.StageNamed(s.Image, s.Index) // variables are part of the name
		} else if strings.Contains(name, "$") || isLocalImage(name) || isLocalImage(s.Image) {
			return
		}
		if name == "" || name == "scratch" || parent != nil || ofCatalog(p.Doc, s.Image) || ofCatalog(p.Doc, s.Resolved) {
			return
		}
		if i := splitImage(name); i.Tag == "" && i.Digest == "" {
			p.Report(lint.At(s.ImageText), "FROM %s names no tag, and so means latest: name a version", s.Image)
		}
	},
}

// ofCatalog says whether an image is one that the catalog builds itself.
func ofCatalog(d *lint.Doc, name string) bool {
	return d.Image != nil && d.Image.Base != nil && d.Image.Base(name) != nil
}
