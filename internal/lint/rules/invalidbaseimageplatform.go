package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var invalidBaseImagePlatform = &lint.Rule{
	Code: "InvalidBaseImagePlatform", Title: "Base image for another platform", Severity: lint.Warning, Family: lint.BuildKit,
	Profiles: lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/",
	Why: "An image for one platform that is taken for a build for another one runs emulated, or not at all. The " +
		"repositories that are named after an architecture, such as `arm64v8/debian`, have images of that one only. A " +
		"file all of whose stages are for one of them is meant to be; what is reported is a `--platform` that says " +
		"another one, and stages for two of them.",
	Bad:  "FROM --platform=linux/amd64 arm64v8/debian:12",
	Good: "FROM --platform=linux/amd64 debian:12",
	Check: func(p *lint.Pass) {
		for _, s := range p.Stages {
			is, ok := imagePlatform(s.Resolved)
			if !ok || s.From == nil || s.Parent != nil || strings.Contains(s.Platform, "$") {
				continue
			}
			_, name, _ := strings.Cut(hubName(s.Resolved), "/")
			if s.Platform != "" {
				if os, arch, _ := strings.Cut(s.Platform, "/"); os == is.OS && (arch == is.Architecture || strings.HasPrefix(arch, is.Architecture+"/")) {
					continue
				}
				p.Report(lint.At(s.ImageText), "%s is for linux/%s only, and not for %s: %s has all platforms", s.Image, is.Architecture, s.Platform, name)
				continue
			}
			if is.Architecture == usualPlatform.Architecture {
				continue
			}
			for _, other := range p.Stages {
				if o, ok := imagePlatform(other.Resolved); ok && o.Architecture != is.Architecture {
					p.Report(lint.At(s.ImageText), "%s is for linux/%s only, and %s for linux/%s", s.Image, is.Architecture, other.Image, o.Architecture)
					break
				}
			}
		}
	},
}
