package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3008 = &lint.Rule{
	Code: "DL3008", Title: "apt-get install without versions", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3008",
	Why: "Without a version, the same Dockerfile installs other packages tomorrow. Debian's archive drops superseded versions, though, so a pinned version " +
		"stops working within weeks. Where an image says `refresh: never`, PL4101 asks for pins instead.",
	Bad:  "FROM debian:12\nRUN apt-get update && apt-get install -y curl",
	Good: "FROM debian:12\nRUN apt-get update && apt-get install -y curl=7.88.1-10+deb12u12",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			if names := unpinnedApt(run); len(names) > 0 {
				p.Report(lint.At(names[0].Text), "apt-get installs %s without a version", list(names))
			}
		}
	},
}

func unpinnedApt(run *lint.Run) (out []shellscript.Word) {
	run.Each(func(c *shellscript.Command) {
		if c.Name() != "apt-get" || !c.Has("install") {
			return
		}
		for _, w := range aptPackages(c) {
			if !strings.ContainsAny(w.S, "=/") && !strings.HasSuffix(w.S, ".deb") && w.Literal {
				out = append(out, w)
			}
		}
	})
	return out
}

// aptPackages are the packages that a command of apt-get or apt names.
func aptPackages(c *shellscript.Command) (out []shellscript.Word) {
	if c.HasFlag("--print-uris") {
		return nil
	}
	for _, w := range c.Operands("-t", "--target-release", "-o", "--option", "-c", "--config-file", "-a", "--host-architecture") {
		if w.S != "install" {
			out = append(out, w)
		}
	}
	return out
}
