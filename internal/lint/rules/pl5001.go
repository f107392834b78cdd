package rules

import "github.com/plinth-build/plinth/internal/lint"

var pl5001 = &lint.Rule{
	Code: "PL5001", Title: "No USER: the image runs as root", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/build/building/best-practices/#user",
	Why: "Nothing says USER from scratch up, so what the image runs is root in its container: a hole in it is a hole with all rights there, and Kubernetes refuses it " +
		"where runAsNonRoot is set. A number needs no /etc/passwd.",
	Bad:  "FROM scratch\nCOPY app /app\nENTRYPOINT [\"/app\"]",
	Good: "FROM scratch\nCOPY app /app\nUSER 65532:65532\nENTRYPOINT [\"/app\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		e := s.After()
		if !s.Final || e.User.Set || !startsAtScratch(s) || !e.Cmd.Set && !e.Entrypoint.Set {
			return
		}
		p.Report(lint.At(s.ImageText), "no USER is said from scratch up: the image runs as root; say USER with a number")
	},
}

// startsAtScratch says whether a stage and those below it stand on nothing.
func startsAtScratch(s *lint.Stage) bool {
	for s.Parent != nil {
		s = s.Parent
	}
	return s.IsScratch()
}
