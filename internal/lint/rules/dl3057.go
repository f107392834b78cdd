package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3057 = &lint.Rule{
	Code: "DL3057", Title: "HEALTHCHECK is missing", Severity: lint.Info, Family: lint.Hadolint, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0026", "checkov:CKV_DOCKER_2", "dockle:CIS-DI-0006"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3057",
	Why: "With a HEALTHCHECK, Docker and Swarm see that a service hangs though its process lives. Kubernetes ignores it, and an image that others build " +
		"on has no service yet: the rule is in no profile. One that is inherited counts, and so does HEALTHCHECK NONE, which says that there is none on purpose.",
	Bad:  "FROM nginx:1.27",
	Good: "FROM nginx:1.27\nHEALTHCHECK CMD [\"curl\", \"-f\", \"http://localhost/\"]",
	Check: func(p *lint.Pass) {
		stages := products(p.Doc)
		if p.Options.Hadolint {
			stages = unchecked(p.Doc)
		}
		for _, s := range stages {
			if !s.After().Healthcheck.Set {
				p.Report(lint.Whole(s.From), "the image has no HEALTHCHECK: add one, or HEALTHCHECK NONE")
			}
		}
	},
}

// unchecked are the stages on which none stands that has a HEALTHCHECK. To hadolint these are images, also those that
// another stage only takes files from.
func unchecked(d *lint.Doc) (out []*lint.Stage) {
	checked := map[*lint.Stage]bool{}
	for _, s := range d.Stages {
		if s.After().Healthcheck.Set {
			for up := s; up != nil; up = up.Parent {
				checked[up] = true
			}
		}
	}
	for _, s := range d.Stages {
		if s.From != nil && !checked[s] {
			out = append(out, s)
		}
	}
	return out
}
