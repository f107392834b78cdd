package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3043 = &lint.Rule{
	Code: "DL3043", Title: "ONBUILD triggers what it may not", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3043",
	Why:    "The builder does not take ONBUILD, FROM and MAINTAINER behind ONBUILD: the Dockerfile does not build.",
	Bad:    "FROM debian:12\nONBUILD FROM debian:12",
	Good:   "FROM debian:12\nONBUILD COPY . /app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, in := range s.Find("ONBUILD") {
			if in.Inner == nil {
				continue
			}
			switch in.Inner.Keyword {
			case "ONBUILD", "FROM", "MAINTAINER":
				p.Report(lint.Keyword(in.Inner), "ONBUILD can't trigger %s", in.Inner.Keyword)
			}
		}
	},
}
