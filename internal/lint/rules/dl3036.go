package rules

import "github.com/plinth-build/plinth/internal/lint"

var dl3036 = &lint.Rule{
	Code: "DL3036", Title: "zypper clean is missing", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0020"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3036",
	Why: "zypper keeps repository data and packages in /var/cache/zypp. They are in the layer unless the same RUN deletes them behind the last installation, " +
		"or a mount holds them.",
	Bad:  "FROM opensuse/leap:15.6\nRUN zypper --non-interactive install httpd",
	Good: "FROM opensuse/leap:15.6\nRUN zypper --non-interactive install httpd && zypper clean --all",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !p.Options.Hadolint && !shipped(p.Doc, s) {
			return // what others only copy files from may be as large as it likes
		}
		for _, run := range s.Runs() {
			if keptOut(p.Doc, run, zypperCache) {
				continue
			}
			left, early := uncleaned(run, zypper, zypperInstalls, func(c program) bool { return cleansZypper(c) || c.removes(zypperCache) }), false
			if p.Options.Hadolint {
				left, early = uncleanedInOrder(run, zypper, zypperInstalls, cleansZypper)
			}
			if len(left) == 0 {
				continue
			}
			f := p.Report(left[0].span(), "%s leaves its cache in the image: end with zypper clean in the same RUN", left[0].title())
			if e, ok := appended(run, "zypper clean --all"); ok && !early && left[0].direct() {
				f.WithFix("add zypper clean --all", e)
			}
		}
	},
}

func cleansZypper(c program) bool { return c.name() == "zypper" && zypper.parse(c).is("clean", "cc") }

const zypperCache = "/var/cache/zypp"
