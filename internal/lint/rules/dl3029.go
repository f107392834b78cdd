package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var dl3029 = &lint.Rule{
	Code: "DL3029", Title: "FROM is for one platform only", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"buildkit:FromPlatformFlagConstDisallowed"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3029",
	Why: "A constant --platform builds for that platform whatever the build asks for: on another one the image is emulated, or does not start. Give the platform to the build, " +
		"and use $BUILDPLATFORM for a stage that compiles for others. An image that is by its name for one platform, such as arm64v8/debian, needs none, and may say so.",
	Bad:  "FROM --platform=linux/amd64 debian:12",
	Good: "FROM --platform=$BUILDPLATFORM debian:12 AS build",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if s.From == nil {
			return
		}
		if f, ok := s.From.Flag("platform"); ok && f.Value != "" && !leavesOpen(f.Value, p.Options.Hadolint) && (p.Options.Hadolint || !isOnlyFor(s.Image, f.Value)) {
			p.Report(lint.At(f.Text), "FROM is for %s whatever is built for: leave --platform to the build, or use $BUILDPLATFORM", f.Value)
		}
	},
}

// isOnlyFor says whether an image is by its name for one platform, and that is this one: the flag says what is so without it.
func isOnlyFor(image, platform string) bool {
	only, ok := imagePlatform(image)
	parts := strings.Split(platform, "/")
	return ok && len(parts) > 1 && parts[0] == only.OS && parts[1] == only.Architecture && (len(parts) == 2 || parts[2] == only.Variant)
}

// leavesOpen says whether a platform is for the build to say. As it is written, only the builder's own variables tell.
func leavesOpen(platform string, asHadolint bool) bool {
	if asHadolint {
		return strings.Contains(platform, "BUILDPLATFORM") || strings.Contains(platform, "TARGETPLATFORM")
	}
	return strings.Contains(platform, "$")
}
