package rules

import (
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl4005 = &lint.Rule{
	Code: "DL4005", Title: "ln in the place of SHELL", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL4005",
	Why: "SHELL says which shell reads the RUN steps that follow. A link in the place of /bin/sh changes it for every program in the image as well, " +
		"maintainer scripts included, which are written for the system's own.",
	Bad:  "FROM debian:12\nRUN ln -sfv /bin/bash /bin/sh",
	Good: "FROM debian:12\nSHELL [\"/bin/bash\", \"-c\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		s.Commands(func(_ *lint.Run, c *shellscript.Command) {
			c = unwrap(c)
			if c.Base() != "ln" {
				return
			}
			if p.Options.Hadolint && c.Has("/bin/sh") {
				p.Report(commandSpan(c), "ln links /bin/sh: use SHELL to change the shell of RUN steps")
				return
			}
			ops := c.Operands("-S", "--suffix", "-t", "--target-directory")
			if len(ops) < 2 || p.Options.Hadolint {
				return
			}
			if to := ops[len(ops)-1]; to.S == "/bin/sh" || to.S == "/usr/bin/sh" {
				p.Report(commandSpan(c), "ln changes %s for the whole image: use SHELL [\"%s\", \"-c\"]", to.S, ops[0].S)
			}
		})
	},
}
