package rules

import (
	"path"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1030 = &lint.Rule{
	Code: "PL1030", Title: "socket of Docker, or a volume over the system", Severity: lint.Warning, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"dockle:DKL-DI-0002"},
	Source:  "https://docs.docker.com/engine/security/#docker-daemon-attack-surface",
	Why: "Who can write to `docker.sock` is root on the machine. An image that opens the socket to everybody, or makes a volume of it " +
		"or of one of the system's folders, asks to be run with the machine's own.",
	Bad:  "FROM docker:27\nVOLUME /var/run/docker.sock",
	Good: "FROM docker:27\nVOLUME /var/lib/docker",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachInner(s, func(in *syntax.Instruction) {
			words, ok := in.JSON()
			if !ok {
				words = in.Args.Fields()
			}
			for _, w := range words {
				dir := path.Clean(lint.Expand(syntax.Unquote(w.S, p.File.Escape), s.Before(indexOf(s, in)).Lookup))
				switch {
				case isEngineSocket(dir):
					p.Report(lint.At(w), "%s of %s: whoever runs this image with it gives it root on the machine", in.Keyword, path.Base(dir))
				case in.Keyword == "VOLUME" && isSensitiveVolume(dir):
					p.Report(lint.At(w), "VOLUME %s puts another folder over one of the system's: use one of the application's own", dir)
				}
			}
		}, "VOLUME", "COPY", "ADD")
		eachUnwrapped(s, func(_ *lint.Run, c *shellscript.Command) {
			if !runsProgram(c, "chmod", "chown", "chgrp", "setfacl") {
				return
			}
			for _, w := range c.Args() {
				if isEngineSocket(w.S) {
					p.Report(lint.At(w.Text), "%s of %s: whoever may write to it is root on the machine", c.Base(), path.Base(w.S))
				}
			}
		})
	},
}

// isEngineSocket says whether a file is the socket of a program that runs containers.
func isEngineSocket(file string) bool {
	switch path.Base(file) {
	case "docker.sock", "containerd.sock", "podman.sock", "crio.sock":
		return true
	}
	return false
}

// isSensitiveVolume says whether a folder is one of those that a system can't do without.
func isSensitiveVolume(dir string) bool {
	switch dir {
	case "/", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr", "/bin", "/sbin", "/lib64":
		return true
	}
	return false
}
