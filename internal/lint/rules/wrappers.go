package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// wrappers are commands that run the one behind them, with those of their flags that have a value in
// the next word.
var wrappers = map[string][]string{
	"sudo":      {"-u", "--user", "-g", "--group", "-h", "--host", "-p", "--prompt", "-C", "-D", "-R", "-T"},
	"env":       {"-u", "--unset", "-C", "--chdir", "-S", "--split-string"},
	"exec":      {"-a"},
	"command":   nil,
	"nice":      {"-n", "--adjustment"},
	"nohup":     nil,
	"time":      {"-f", "--format", "-o", "--output"},
	"eatmydata": nil,
}

// behindWrapper is what a command runs in the end: itself, or the command behind sudo, env and the like.
func behindWrapper(c *shellscript.Command) *shellscript.Command {
	for {
		valued, ok := wrappers[c.Base()]
		if !ok || c.Base() == "command" && c.HasFlag("-v", "-V") {
			return c
		}
		i := 1
		for i < len(c.Words) {
			w := c.Words[i].S
			if !strings.HasPrefix(w, "-") && !(strings.Contains(w, "=") && c.Base() != "nice") {
				break
			}
			for _, f := range valued {
				if w == f {
					i++
				}
			}
			i++
		}
		if i >= len(c.Words) {
			return c
		}
		inner := *c
		inner.Words = c.Words[i:]
		c = &inner
	}
}

// commandSpan is the place of a command from its name to its last word.
func commandSpan(c *shellscript.Command) lint.Span {
	return lint.Span{From: lint.At(c.Words[0].Text).From, To: lint.At(c.Words[len(c.Words)-1].Text).To}
}
