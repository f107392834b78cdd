package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/shellscript"
)

// runnerFlags says whether a command is one that runs the command behind it, with the flags of theirs that have a
// value in the next word.
func runnerFlags(name string) (valued []string, ok bool) {
	switch name {
	case "sudo":
		return []string{"-u", "--user", "-g", "--group", "-h", "-p", "-C", "-D", "-r", "-t", "-T", "-U"}, true
	case "env":
		return []string{"-u", "--unset", "-C", "--chdir"}, true
	case "nice":
		return []string{"-n", "--adjustment"}, true
	case "exec":
		return []string{"-a"}, true
	case "command", "nohup", "time", "eatmydata", "builtin":
		return nil, true
	}
	return nil, false
}

// ranCommand gives the command that is run in the end: wget in "sudo -u app env A=b wget". It is c itself
// where nothing stands before it.
func ranCommand(c *shellscript.Command) *shellscript.Command {
	for {
		valued, ok := runnerFlags(c.Base())
		if !ok {
			return c
		}
		i := 1
		for i < len(c.Words) {
			w := c.Words[i].S
			if slices.Contains(valued, w) {
				i++
			} else if !strings.HasPrefix(w, "-") && !strings.Contains(w, "=") {
				break
			}
			i++
		}
		if i >= len(c.Words) {
			return c
		}
		behind := *c
		behind.Words = c.Words[i:]
		c = &behind
	}
}
