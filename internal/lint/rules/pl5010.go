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
		"runs, and its logs are somewhere inside. One image for each service; the platform starts, watches and schedules them. " +
		"An image that is there to log in to, with port 22 as its only EXPOSE, is let be.",
	Bad:  "FROM debian:12\nCMD [\"/usr/bin/supervisord\", \"-n\"]",
	Good: "FROM debian:12\nCMD [\"nginx\", \"-g\", \"daemon off;\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !s.Final {
			return
		}
		started := ""
		done := false
		processCommands(s, func(in *syntax.Instruction, c *shellscript.Command) {
			if done {
				return
			}
			c = unwrap(c)
			if name := startedService(c); name != "" {
				if started != "" && started != name {
					p.Report(commandSpan(c), "%s starts a second service: one image for each", in.Keyword)
					done = true
				}
				started = name
				return
			}
			if what := manager(c); what != "" && !(c.Base() == "sshd" && started == "" && exposesOnlySSH(s)) {
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

// exposesOnlySSH says whether logging in is what the image is for: all that it says EXPOSE for is port 22, or one that stands
// for it, such as 2222.
func exposesOnlySSH(s *lint.Stage) bool {
	ports := s.After().Expose
	return len(ports) == 1 && strings.HasSuffix(strings.TrimSuffix(ports[0], "/tcp"), "22")
}

// startedService is the name of a server that a command starts and does not wait for, "" for other commands. Servers of
// FastCGI have no name: they are one service with the web server before them.
func startedService(c *shellscript.Command) string {
	name := ""
	switch {
	case c.Base() == "service" || c.Base() == "rc-service":
		if c.Has("start", "restart") {
			name = c.Sub()
		}
	case c.Base() == "systemctl":
		if words := c.Operands(); len(words) > 1 && words[0].S == "start" {
			name = strings.TrimSuffix(words[1].S, ".service")
		}
	case strings.HasPrefix(c.Name(), "/etc/init.d/"):
		if c.Sub() == "start" || c.Sub() == "restart" {
			name = c.Base()
		}
	}
	if strings.Contains(name, "fpm") || name == "fcgiwrap" || name == "uwsgi" {
		return ""
	}
	return name
}
