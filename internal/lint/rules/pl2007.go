package rules

import (
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl2007 = &lint.Rule{
	Code: "PL2007", Title: "Secret deleted in a later step stays in the image", Severity: lint.Error, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/build/building/secrets/",
	Why: "What one step has put into a layer stays there: whoever can pull the image can read the key that a later step deletes. `RUN --mount=type=secret` shows it to " +
		"one step and keeps it out of all layers. A key that has been in an image is to be replaced.",
	Bad:  "FROM debian:12\nCOPY id_rsa /root/.ssh/id_rsa\nRUN git clone git@example.com:app.git\nRUN rm /root/.ssh/id_rsa",
	Good: "FROM debian:12\nRUN --mount=type=secret,id=key,target=/root/.ssh/id_rsa git clone git@example.com:app.git",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		deletedLater(p, s, func(m made, d deletion) {
			if isSecretFile(m.path) && !trustedKeys(s)[m.path] {
				p.Report(lint.At(d.word.Text), "%s is in the layer of the %s in line %d: everybody who has the image can read it; use RUN --mount=type=secret", m.path, m.st.in.Keyword, m.st.in.Line)
			}
		})
	},
}

// trustedKeys are the files that are imported as keys of package archives: those are public.
func trustedKeys(s *lint.Stage) map[string]bool {
	out := map[string]bool{}
	for _, steps := range sequences(s) {
		for _, st := range steps {
			if st.run == nil {
				continue
			}
			st.run.Each(func(c *shellscript.Command) {
				switch unwrap(c).Base() {
				case "apt-key", "rpm", "gpg", "update-ca-certificates", "rpmkeys":
					for _, w := range c.Args() {
						if name := runPath(s, st, w); name != "" {
							out[name] = true
						}
					}
				}
			})
		}
	}
	return out
}
