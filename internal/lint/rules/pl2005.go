package rules

import (
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl2005 = &lint.Rule{
	Code: "PL2005", Title: "Owner or mode of copied files changed by a RUN", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/dockerfile/#copy---chown---chmod",
	Why: "A layer holds whole files: chown -R or chmod -R in a RUN stores all files of the COPY before it a second time, unless layers are squashed. " +
		"`COPY --chown` and `COPY --chmod` store them once. A folder that was there before keeps its owner then: give it to the user before the files are in it.",
	Bad:  "FROM node:22\nCOPY . /app\nRUN chown -R node:node /app",
	Good: "FROM node:22\nCOPY --chown=node:node . /app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !shipped(p.Doc, s) {
			return
		}
		for _, steps := range sequences(s) {
			ownerAfterCopy(p, s, steps)
		}
	},
}

func ownerAfterCopy(p *lint.Pass, s *lint.Stage, steps []step) {
	var copies []made
	for _, st := range steps {
		copies = append(copies, madeByCopy(s, st)...)
		if st.run == nil || len(copies) == 0 {
			continue
		}
		st.run.Each(func(c *shellscript.Command) {
			c = unwrap(c)
			if c.Base() != "chown" && c.Base() != "chmod" || !c.HasFlag("-R", "--recursive") {
				return
			}
			words := c.Operands()
			for _, w := range words[min(1, len(words)):] {
				name := runPath(s, st, w)
				if name == "" || inTemp(p.Doc, name) || st.run.Mounted(name, "cache", "bind", "tmpfs") {
					continue
				}
				for _, m := range copies {
					if within(m.path, name) {
						p.Report(commandSpan(c), "%s -R stores the files of the %s in line %d a second time; %s", c.Base(), m.what, m.st.in.Line, ownerAdvice(m, c, st, steps))
						return
					}
				}
			}
		})
	}
}

// ownerAdvice says what to do: the user has to be there before COPY can name it, and a COPY that says an owner itself needs
// no other word.
func ownerAdvice(m made, c *shellscript.Command, now step, steps []step) string {
	if _, ok := m.st.in.Flag(c.Base()); ok {
		return "it says --" + c.Base() + " itself: change the other files alone"
	}
	advice := "write " + m.what + " --" + c.Base() + " there"
	for _, st := range steps {
		if c.Base() == "chown" && st.run != nil && st.index > m.st.index && st.index <= now.index && addsUser(st.run) {
			return "make the user before it, and " + advice
		}
	}
	return advice
}

func addsUser(r *lint.Run) (yes bool) {
	r.Each(func(c *shellscript.Command) {
		switch unwrap(c).Base() {
		case "useradd", "adduser", "groupadd", "addgroup":
			yes = true
		}
	})
	return yes
}
