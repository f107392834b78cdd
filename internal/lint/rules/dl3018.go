package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3018 = &lint.Rule{
	Code: "DL3018", Title: "apk add without versions", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3018",
	Why: "Without a version, the same Dockerfile installs other packages tomorrow. Alpine's archive keeps only the newest version of a release, though, so a pin " +
		"such as `curl=8.5.0-r0` stops working with the next update; `curl~=8.5` lasts longer.",
	Bad:  "FROM alpine:3.20\nRUN apk add --no-cache curl",
	Good: "FROM alpine:3.20\nRUN apk add --no-cache curl=8.9.0-r0",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		pinned := apkPinned
		if p.Options.Hadolint {
			pinned = func(name string) bool { return apkPinned(strings.TrimPrefix(name, "!")) } // it does not know !name
		}
		for _, run := range s.Runs() {
			var names []shellscript.Word
			for _, v := range apkAdds(run) {
				names = append(names, withoutVersion(s, run, v, append(v.args, v.tail...), pinned)...)
			}
			if len(names) > 0 {
				p.Report(lint.At(names[0].Text), "apk installs %s without a version", list(names))
			}
		}
	},
}

// apkPinned says whether a package has a version or a range, is a file, or is kept out (!name).
func apkPinned(s string) bool {
	return strings.ContainsAny(s, "=~<>") || strings.HasSuffix(s, ".apk") || strings.HasPrefix(s, "!")
}
