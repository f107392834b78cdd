package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3019 = &lint.Rule{
	Code: "DL3019", Title: "apk add without --no-cache", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0025", "dockle:DKL-DI-0004"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3019",
	Why: "With --no-cache, apk fetches its index for one call and leaves nothing of it in the layer. Without it, an index has to be fetched before (`apk update`, " +
		"`--update`) and deleted behind, in the same RUN.",
	Bad:  "FROM alpine:3.20\nRUN apk update && apk add curl",
	Good: "FROM alpine:3.20\nRUN apk add --no-cache curl",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			if keptOut(p.Doc, run, "/var/cache/apk") || keptOut(p.Doc, run, "/etc/apk/cache") {
				continue
			}
			caching := keep(apkAdds(run), func(v *invocation) bool {
				return !v.has("--no-cache") && (p.Options.Hadolint || !v.unknown && !v.has("--no-network") && !onlyFiles(v)) // hadolint asks for the one flag
			})
			if len(caching) == 0 {
				continue
			}
			message := "apk add leaves its index in the image: add --no-cache"
			if deletesIndex(run) {
				message = "apk add without --no-cache: with it there is no index to fetch before and to delete behind"
			}
			f := p.Report(caching[0].span(), "%s", message)
			addFlag(f, caching, "--no-cache")
		}
	},
}

// onlyFiles says whether apk add is given packages as files and nothing else: it fetches no index for them.
func onlyFiles(v *invocation) bool {
	return len(v.args) > 0 && !slices.ContainsFunc(v.args, func(w shellscript.Word) bool { return !strings.HasSuffix(w.S, ".apk") })
}

func deletesIndex(run *lint.Run) bool {
	for c := range programs(run) {
		if c.removes("/var/cache/apk") {
			return true
		}
	}
	return false
}
