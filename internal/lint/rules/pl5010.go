package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl5010 = &lint.Rule{
	Code: "PL5010", Title: "Image runs several services", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/engine/containers/multi-service_container/",
	Why: "A container ends, restarts and is watched by its one process. With supervisord, systemd, cron or sshd in that place, the service behind it can be dead while the container " +
		"runs, and its logs are somewhere inside. One image for each service; the platform starts, watches and schedules them.",
	Bad:  "FROM debian:12\nCMD [\"/usr/bin/supervisord\", \"-n\"]",
	Good: "FROM debian:12\nCMD [\"nginx\", \"-g\", \"daemon off;\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !s.Final {
			return
		}
		started := 0
		done := false
		processCommands(s, func(in *syntax.Instruction, c *shellscript.Command) {
			if done {
				return
			}
			c = unwrap(c)
			if startsService(c) {
				if started++; started == 2 {
					p.Report(commandSpan(c), "%s starts a second service: one image for each", in.Keyword)
					done = true
				}
				return
			}
			if what := manager(c); what != "" {
				p.Report(lint.At(c.Words[0].Text), "the image's process is %s, %s", c.Base(), what)
				done = true
			}
		})
	},
}

// manager says what a program does that is no service of its own, "" for others.
func manager(c *shellscript.Command) string {
	switch name := c.Name(); c.Base() {
	case "supervisord":
		return "which hides whether the services that it starts run: one image for each"
	case "systemd", "runsvdir", "runsvdir-start", "s6-svscan", "circusd", "monit":
		return "which starts services of its own: one image for each"
	case "init":
		if strings.HasSuffix(name, "/sbin/init") && len(c.Words) == 1 {
			return "which starts services of its own: one image for each"
		}
	case "sshd":
		return "which lets people into the container: docker exec and kubectl exec do that without a server and keys"
	case "cron", "crond":
		return "which starts jobs that nobody watches: let the platform schedule them"
	}
	return ""
}

// startsService says whether a command starts a server and comes back.
func startsService(c *shellscript.Command) bool {
	switch {
	case c.Base() == "service" || c.Base() == "rc-service":
		return c.Has("start", "restart")
	case c.Base() == "systemctl":
		return c.Sub() == "start"
	case strings.HasPrefix(c.Name(), "/etc/init.d/"):
		return c.Sub() == "start" || c.Sub() == "restart"
	}
	return false
}
