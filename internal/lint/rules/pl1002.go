package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1002 = &lint.Rule{
	Code: "PL1002", Title: "package lists updated in a RUN of their own", Severity: lint.Warning, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0017", "checkov:CKV_DOCKER_5", "dockle:CIS-DI-0007", "docker-bench:4.7"},
	Source:  "https://docs.docker.com/build/building/best-practices/#apt-get",
	Why: "A step is taken from the cache as long as its own words are the same. When `apt-get update` stands alone, an install in a " +
		"later step works with the lists of the day on which the first one was cached: it installs old versions, or fails because they " +
		"are gone from the archive.",
	Bad:  "FROM debian:12\nRUN apt-get update\nRUN apt-get install -y curl",
	Good: "FROM debian:12\nRUN apt-get update && apt-get install -y curl",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			if at, name, ok := loneUpdate(p, run); ok {
				p.Report(at, "%s update alone in a RUN: later builds take its lists from the cache, however old they are, so update and install in one RUN", name)
			}
		}
	},
}

// loneUpdate finds the command that updates package lists in a step in which nothing can use them.
func loneUpdate(p *lint.Pass, run *lint.Run) (at lint.Span, name string, found bool) {
	uncertain := false
	eachScript(run.Scripts, func(script *shellscript.Script) {
		for _, c := range script.Commands {
			c = unwrap(c)
			switch {
			case isListUpdate(c):
				if !found {
					last := c.Words[len(c.Words)-1]
					at, name, found = lint.Span{From: lint.At(c.Words[0].Text).From, To: lint.At(last.Text).To}, c.Base(), true
				}
			case !leavesListsAlone(c) && !runsInner(script, c):
				uncertain = true
			}
		}
	})
	return at, name, found && !uncertain && !listsShared(p, run, name)
}

// runsInner says whether a command runs a script that is looked at by itself.
func runsInner(script *shellscript.Script, c *shellscript.Command) bool {
	return slices.ContainsFunc(c.Words, func(w shellscript.Word) bool { return isScriptWord(script, w) })
}

func isListUpdate(c *shellscript.Command) bool {
	return runsProgram(c, "apt-get", "apt", "aptitude", "apk") && packageVerb(c) == "update"
}

// packageVerb is what a package manager is told to do.
func packageVerb(c *shellscript.Command) string {
	if words := c.Operands("-t", "--target-release", "-o", "--option", "-c", "--config-file", "-X", "--repository", "-p", "--root"); len(words) > 0 {
		return words[0].S
	}
	return ""
}

// leavesListsAlone says whether a command is known to use no package lists, and to run nothing that may.
func leavesListsAlone(c *shellscript.Command) bool {
	switch c.Base() {
	case "apt-get", "apt", "aptitude":
		switch packageVerb(c) {
		case "clean", "autoclean", "autoremove", "remove", "purge", "check":
			return true
		}
		return false
	case "rm":
		// lists that are gone at the end of the step are not stale in the next one
		return !slices.ContainsFunc(c.Args(), func(w shellscript.Word) bool {
			return strings.HasPrefix(w.S, "/var/lib/apt") || strings.HasPrefix(w.S, "/var/cache/apk")
		})
	case "dpkg":
		return c.Has("--add-architecture", "--configure")
	case "echo", "printf", "mkdir", "cp", "mv", "ln", "cat", "tee", "touch", "chmod", "chown", "sed", "set", "cd", "true", ":", "test", "[",
		"useradd", "groupadd", "adduser", "addgroup", "usermod", "apt-key", "add-apt-repository", "gpg", "curl", "wget", "locale-gen", "debconf-set-selections",
		"ls", "date", "grep", "sleep", "exit", "unset", "install", "export", "dpkg-divert", "dpkg-reconfigure", "update-alternatives", "ldconfig", "head", "tail":
		return true
	}
	return false
}

// listsShared says whether the lists are in a folder that is there in other steps without being in a layer.
func listsShared(p *lint.Pass, run *lint.Run, program string) bool {
	lists := "/var/lib/apt/lists"
	if program == "apk" {
		lists = "/var/cache/apk"
	}
	if run.Mounted(lists, "cache", "tmpfs", "bind") || program == "apk" && run.Mounted("/etc/apk/cache", "cache") {
		return true
	}
	return p.Image != nil && slices.ContainsFunc(p.Image.Temp, func(t string) bool {
		t = strings.TrimSuffix(t, "/")
		return lists == t || strings.HasPrefix(lists, t+"/")
	})
}
