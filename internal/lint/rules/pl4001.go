package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var pl4001 = &lint.Rule{
	Code: "PL4001", Title: "Base image without a digest", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Strict, Since: "0.1.0",
	Source: "https://docs.docker.com/build/building/best-practices/#pin-base-image-versions",
	Why: "A tag is moved: the same Dockerfile gives another image tomorrow. A digest says which one it is. In a catalog with a lock, `plinth.lock` has the digests, and FROM " +
		"needs none; the rule is silent there, and for images that are in no registry: `localhost/…`, `local-…/…`, and names in capitals, which stand for a build context. With `require-digest` in plinth.yaml the rule is on, as an error, also where there is a lock.",
	Bad:  "FROM debian:12",
	Good: "FROM debian:12@sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if s.Image == "" || s.Parent != nil || s.IsScratch() || strings.ContainsAny(s.Image, "$@") || isLocalImage(s.Image) ||
			p.Image != nil && (p.Image.Locked && !p.Options.RequireDigest || p.Image.Base != nil && p.Image.Base(s.Resolved) != nil) {
			return
		}
		p.Report(lint.At(s.ImageText), "%s has no digest: the tag may be another image tomorrow", s.Image)
	},
}

// isLocalImage says whether an image is by its name in no registry, where it has no digest: Podman writes localhost/ before
// what it has built, others local/ or a variable with that in its name, and capitals are not allowed in a name of a registry.
func isLocalImage(image string) bool {
	first, rest, ok := strings.Cut(image, "/")
	if strings.HasPrefix(first, "$") {
		names := lint.Variables(first)
		return len(names) > 0 && strings.Contains("_"+names[0]+"_", "_LOCAL_")
	}
	if ok && (first == "localhost" || first == "local" || strings.HasPrefix(first, "local-")) {
		return true
	}
	if !ok {
		rest = image
	}
	name, _, _ := strings.Cut(rest, ":")
	return name != strings.ToLower(name)
}
