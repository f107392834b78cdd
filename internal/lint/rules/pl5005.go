package rules

import "github.com/plinth-build/plinth/internal/lint"

var pl5005 = &lint.Rule{
	Code: "PL5005", Title: "Service without HEALTHCHECK", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/dockerfile/#healthcheck",
	Why: "An image with EXPOSE is a service. A process that runs and answers nothing looks healthy without a HEALTHCHECK. Kubernetes has probes of its own: where the image runs " +
		"only there, `HEALTHCHECK NONE` says so. A check that the base image brings counts.",
	Bad:  "FROM debian:12\nEXPOSE 8080\nCMD [\"/app\"]",
	Good: "FROM debian:12\nEXPOSE 8080\nHEALTHCHECK --timeout=3s CMD [\"/app\", \"health\"]\nCMD [\"/app\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if e := s.After(); !s.Final || e.Healthcheck.Set || len(e.Expose) == 0 {
			return
		}
		for f := s; f != nil; f = f.Parent {
			if exposed := f.Find("EXPOSE"); len(exposed) > 0 {
				port := exposed[len(exposed)-1]
				if f == s {
					p.Report(lint.At(port.Args), "EXPOSE %s, and no HEALTHCHECK says whether something answers there; HEALTHCHECK NONE says that it is checked elsewhere", port.Args.S)
					return
				}
			}
		}
		if s.From != nil {
			p.Report(lint.At(s.ImageText), "the stage below says EXPOSE %s, and no HEALTHCHECK says whether something answers there", s.After().Expose[0])
		}
	},
}
