package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3009 = &lint.Rule{
	Code: "DL3009", Title: "apt lists are left in the image", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"dockle:DKL-DI-0005"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3009",
	Why: "`apt-get update` fetches some twenty megabytes of package lists. They are in the layer unless the same RUN deletes them, or " +
		"a mount holds them; a later RUN only hides them. They are also out of date by the time somebody could use them.",
	Bad:  "FROM debian:12\nRUN apt-get update && apt-get install -y curl",
	Good: "FROM debian:12\nRUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !shipped(p.Doc, s) && !(p.Options.Hadolint && stands(p, s)) {
			return
		}
		for _, run := range s.Runs() {
			if keptOut(p.Doc, run, aptLists) {
				continue
			}
			deletes := deletesLists
			if p.Options.Hadolint {
				deletes = deletesEachList
			}
			left := uncleaned(run, anyApt, func(v *invocation) bool { return v.is("update") }, deletes)
			if len(left) == 0 {
				continue
			}
			f := p.Report(left[0].span(), "%s leaves its lists in the image: delete %s/* in the same RUN", left[0].title(), aptLists)
			if e, ok := appended(run, "rm -rf "+aptLists+"/*"); ok && s.Final && left[0].direct() && !listsNeeded(s, run) {
				f.WithFix("delete the lists", e)
			}
		}
	},
}

const aptLists = "/var/lib/apt/lists"

func deletesLists(c program) bool {
	switch c.name() {
	case "apt-get", "apt":
		return aptGet.parse(c).is("distclean", "dist-clean")
	}
	return deletesEachList(c) || c.removes(aptLists)
}

// deletesEachList says whether a program is rm with the pattern for all lists, which is all that hadolint takes
// for their deletion. They are plain files: -r is not needed for them.
func deletesEachList(c program) bool {
	return c.name() == "rm" && slices.ContainsFunc(c.words[1:], func(w shellscript.Word) bool { return strings.HasPrefix(w.S, aptLists+"/*") })
}

// stands says whether a stage is the image, or another one stands on it, which is what hadolint asks.
func stands(p *lint.Pass, s *lint.Stage) bool {
	if s.Final {
		return true
	}
	for _, other := range p.Stages {
		if other.Parent == s {
			return true
		}
	}
	return false
}

// listsNeeded says whether a later step may still need the lists: one that calls apt without fetching them itself,
// or runs a script that nobody knows here. A step that does nothing but fetch them is there for that.
func listsNeeded(s *lint.Stage, run *lint.Run) bool {
	if run.In.Onbuild != nil || !slices.ContainsFunc(anyApt.calls(run), func(v *invocation) bool { return v.is("install") }) {
		return true
	}
	for _, later := range s.Runs() {
		if later.In.Start <= run.In.Start {
			continue
		}
		fetched := false
		for c := range programs(later) {
			switch name := c.name(); {
			case name == "" || strings.Contains(c.words[0].S, "/") || slices.Contains(scriptRunners, name):
				return true
			case hasName(anyApt, c):
				fetched = fetched || anyApt.parse(c).is("update")
				if !fetched {
					return true
				}
			}
		}
	}
	return false
}

var scriptRunners = []string{"sh", "bash", "ash", "dash", "ksh", "zsh", "source", ".", "eval", "python", "python3", "perl", "ruby", "make", "ansible-playbook"}
