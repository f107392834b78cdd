package rules

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl4004 = &lint.Rule{
	Code: "PL4004", Title: "Download run by a shell unseen", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/dockerfile/#add---checksum",
	Why: "`curl … | sh` runs whatever the server gives on that day, as root mostly, and half of it when the connection breaks. Download the script, " +
		"compare it with a checksum, and run it then; or install a package instead.",
	Bad: "FROM debian:12\nRUN curl -fsSL https://example.com/install.sh | sh",
	Good: "FROM debian:12\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/install.sh /tmp/install.sh\n" +
		"RUN sh /tmp/install.sh",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		s.Commands(func(_ *lint.Run, c *shellscript.Command) {
			plain := unwrap(c)
			if c.Call == nil || plain.Base() != "curl" && plain.Base() != "wget" {
				return
			}
			url, ok := downloadURL(plain)
			if !ok {
				if len(plain.Operands()) == 0 {
					return
				}
				url = plain.Args()[len(plain.Args())-1]
			}
			shell := ""
			for _, r := range readers(c) {
				if r = unwrap(r); shell == "" && readsScript(r) {
					shell = r.Base()
				}
			}
			if shell == "" {
				shell = substitutedInto(c)
			}
			if shell != "" {
				p.Report(commandSpan(plain), "%s runs what %s takes from %s, whatever that is on the day; download it, compare it with a checksum, run it then", shell, plain.Base(), url.S)
			}
		})
	},
}

// pipeInterpreters are programs that run a script.
var pipeInterpreters = []string{"sh", "bash", "ash", "dash", "ksh", "zsh", "python", "python2", "python3", "perl", "php", "ruby", "node"}

// readsScript says whether a command runs what it reads from its input.
func readsScript(c *shellscript.Command) bool {
	if !slices.Contains(pipeInterpreters, c.Base()) || c.HasFlag("-c") {
		return false
	}
	if strings.HasSuffix(c.Base(), "sh") {
		words := c.Operands("-o", "-O")
		return len(words) == 0 || c.HasFlag("-s") || words[0].S == "-" || words[0].S == "/dev/stdin"
	}
	words := c.Operands()
	return !c.HasFlag("-e", "-r", "-n", "-p", "-m") && (len(words) == 0 || words[0].S == "-" || c.Args()[0].S == "--")
}

// pipesIntoShell says whether one of the readers of a pipe runs what it reads.
func pipesIntoShell(pipe []*shellscript.Command) bool {
	return slices.ContainsFunc(pipe, func(c *shellscript.Command) bool { return readsScript(unwrap(c)) })
}

// substitutedInto is the shell that gets a command's output as its script: sh -c "$(curl …)",
// bash <(curl …), eval "$(curl …)". It is "" for none.
func substitutedInto(c *shellscript.Command) string {
	for _, outer := range c.Script.Commands {
		if !contains(outer.Call, c.Call) {
			continue
		}
		plain := unwrap(outer)
		base := plain.Base()
		shell := slices.Contains(pipeInterpreters, base)
		if base != "eval" && base != "source" && base != "." && !shell {
			continue
		}
		for i, w := range plain.Args() {
			if w.Tree == nil || !contains(w.Tree, c.Call) {
				continue
			}
			before := plain.Args()[:i]
			script := !slices.ContainsFunc(before, func(w shellscript.Word) bool { return !strings.HasPrefix(w.S, "-") })
			if base == "eval" || script && processSubstitution(w.Tree) || shell && i > 0 && before[i-1].S == "-c" {
				return base
			}
		}
	}
	return ""
}

// processSubstitution says whether a word is <(…).
func processSubstitution(w *syntax.Word) bool {
	if len(w.Parts) == 0 {
		return false
	}
	_, ok := w.Parts[0].(*syntax.ProcSubst)
	return ok
}
