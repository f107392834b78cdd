package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

var pl5004 = &lint.Rule{
	Code: "PL5004", Title: "USER inherited by name", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
	Why: "Kubernetes cannot see from a name that a user is not root: with runAsNonRoot it does not start the image. The base image's USER is a name; say the number there, or here. " +
		"A name in this file is what DL3066 reports.",
	Bad:  "FROM example/base\nRUN make",
	Good: "FROM example/base\nRUN make\nUSER 1000",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		user := s.After().User
		if !s.Final || !user.Set || user.In != nil || lint.IsRoot(user.S) || strings.Contains(user.S, "$") {
			return
		}
		if name, _, _ := strings.Cut(user.S, ":"); strings.Trim(name, "0123456789") != "" {
			p.Report(lint.At(s.ImageText), "USER %s comes by name from %s: with runAsNonRoot the image does not start; say its number", user.S, s.Resolved)
		}
	},
}
