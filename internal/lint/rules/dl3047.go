package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3047 = &lint.Rule{
	Code: "DL3047", Title: "wget fills the build log", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3047",
	Why: "wget writes a line of progress for every few kilobytes: with a large file nothing else is left to see in a build's log. `--progress=dot:giga` writes one dot for a megabyte, " +
		"`-nv` one line for a file, `-q` nothing. BusyBox's wget knows only `-q`.",
	Bad:  "FROM debian:12\nRUN wget https://example.com/app.tar",
	Good: "FROM debian:12\nRUN wget --progress=dot:giga https://example.com/app.tar",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		gnu := installsPackage(s, "wget")
		quiet := "--progress=dot:giga, -nv or -q"
		if !gnu && shIsBusybox(s) {
			quiet = "-q" // all that BusyBox knows
		}
		for _, run := range s.Runs() {
			var f *lint.Finding
			var edits []lint.Edit
			for _, c := range run.Commands() {
				c = unwrap(c)
				if c.Base() != "wget" || showsNoProgress(c, p.Options.Hadolint) {
					continue
				}
				if f == nil {
					f = p.Report(lint.At(c.Words[0].Text), "wget fills the log with its progress: add %s", quiet)
				}
				edits = append(edits, lint.InsertAfter(c.Words[0].Text, " --progress=dot:giga"))
			}
			if f != nil && gnu && !run.Exec {
				f.WithFix("add --progress=dot:giga", edits...)
			}
		}
	},
}

// showsNoProgress says whether wget is told what to show, or shows nothing. A variable may hold its flags; to hadolint it
// holds none.
func showsNoProgress(c *shellscript.Command, hadolint bool) bool {
	for _, f := range commandFlags(c, "oaeiBtOTwQPUlARDIX") {
		switch f.Name {
		case "--progress", "-q", "--quiet", "--no-verbose", "-o", "--output-file", "-a", "--append-output", "--version", "-V", "--help", "-h":
			return true
		}
	}
	return slices.ContainsFunc(c.Args(), func(w shellscript.Word) bool {
		return w.S == "-nv" || !hadolint && strings.HasPrefix(w.S, "$") && holdsFlags(w.S)
	})
}

// holdsFlags says whether a variable is meant for flags, by its name.
func holdsFlags(variable string) bool {
	name := strings.ToUpper(variable)
	return strings.Contains(name, "OPT") || strings.Contains(name, "ARG") || strings.Contains(name, "FLAG")
}

// installsPackage says whether a RUN step of a stage installs a package, whatever with.
func installsPackage(s *lint.Stage, name string) (found bool) {
	s.Commands(func(_ *lint.Run, c *shellscript.Command) {
		switch c = unwrap(c); c.Base() {
		case "apt-get", "apt", "apk", "dnf", "microdnf", "yum", "zypper":
			found = found || c.Has(name) && c.Has("install", "add", "in")
		}
	})
	return found
}
