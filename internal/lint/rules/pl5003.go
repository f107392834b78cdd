package rules

import "github.com/plinth-build/plinth/internal/lint"

var pl5003 = &lint.Rule{
	Code: "PL5003", Title: "Root inherited from the base image", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/build/building/best-practices/#user",
	Why: "The image of the catalog that this one stands on is root at its end, and this one says no USER: it runs as root without a word of it in its file. " +
		"Say USER here, or at the end of the base image, where all that stand on it get it.",
	Bad:  "FROM example/base\nRUN make install",
	Good: "FROM example/base\nRUN make install\nUSER 65532",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		e := s.After()
		if !s.Final || !e.Known || e.User.In != nil || startsAtScratch(s) || e.User.Set && !lint.IsRoot(e.User.S) {
			return
		}
		root := s
		for root.Parent != nil {
			root = root.Parent
		}
		if root.From == nil {
			return
		}
		from := root.Resolved
		if e.User.From != "" && e.User.From != from {
			from += " (USER " + e.User.S + " comes from " + e.User.From + ")"
		}
		p.Report(lint.At(s.ImageText), "no USER here, and the base image %s is root: the image runs as root", from)
	},
}
