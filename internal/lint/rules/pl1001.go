package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var pl1001 = &lint.Rule{
	Code: "PL1001", Title: "EXPOSE of the ssh port", Severity: lint.Warning, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0004", "checkov:CKV_DOCKER_1"},
	Source:  "https://docs.docker.com/reference/dockerfile/#expose",
	Why: "A container that runs an ssh server has keys and passwords of its own to look after, and a second way in. `docker exec` and " +
		"the orchestrator's own means give a shell without one.",
	Bad:  "FROM debian:12\nEXPOSE 22",
	Good: "FROM debian:12\nEXPOSE 8080",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for i, in := range s.Instructions {
			for in.Inner != nil {
				in = in.Inner
			}
			if in.Keyword != "EXPOSE" {
				continue
			}
			for _, f := range in.Args.Fields() {
				// a variable may hold several ports
				ports := strings.Fields(lint.Expand(syntax.Unquote(f.S, p.File.Escape), s.Before(i).Lookup))
				if slices.ContainsFunc(ports, isSSHPort) {
					p.Report(lint.At(f), "port %s is for ssh: a container needs no ssh server, docker exec gives a shell", f.S)
				}
			}
		}
	},
}

// isSSHPort says whether what EXPOSE names is TCP port 22, or a range that has it.
func isSSHPort(port string) bool {
	port, protocol, ok := strings.Cut(port, "/")
	if ok && !strings.EqualFold(protocol, "tcp") {
		return false
	}
	first, last, isRange := strings.Cut(port, "-")
	from, err := strconv.Atoi(first)
	if err != nil {
		return false
	}
	to := from
	if isRange {
		if to, err = strconv.Atoi(last); err != nil {
			return false
		}
	}
	return from <= 22 && 22 <= to
}
