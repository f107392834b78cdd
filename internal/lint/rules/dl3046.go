package rules

import (
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3046 = &lint.Rule{
	Code: "DL3046", Title: "useradd with a high UID writes large files", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3046",
	Why: "useradd enters users into /var/log/lastlog and faillog, at a place that their UID gives. The hole before it takes no room on a disk, but it does in a layer: " +
		"megabytes with six digits, gigabytes with more. With -l nothing is entered.",
	Bad:  "FROM debian:12\nRUN useradd -u 123456 app",
	Good: "FROM debian:12\nRUN useradd -l -u 123456 app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, run := range s.Runs() {
			var f *lint.Finding
			var edits []lint.Edit
			for _, c := range run.Commands() {
				c = unwrap(c)
				if c.Base() != "useradd" {
					continue
				}
				uid, logs := useradd(c)
				// hadolint counts the letters of a variable's name too
				if !logs || len(uid) <= 5 || !onlyDigits(uid) && !p.Options.Hadolint {
					continue
				}
				if f == nil {
					f = p.Report(lint.At(c.Words[0].Text), "useradd with the UID %s writes large files to /var/log: add -l", uid)
				}
				edits = append(edits, lint.InsertAfter(c.Words[0].Text, " -l"))
			}
			if f != nil && !run.Exec {
				f.WithFix("add -l", edits...)
			}
		}
	},
}

// useradd reads its flags: the UID, and whether the user is entered into the logs.
func useradd(c *shellscript.Command) (uid string, logs bool) {
	logs = true
	for _, f := range commandFlags(c, "bcdefgGkKpPRsuZ") {
		switch f.Name {
		case "-u":
			uid = f.Value
		case "--uid":
			if uid = f.Value; uid == "" {
				uid = f.Next
			}
		case "-l", "--no-log-init":
			logs = false
		}
	}
	return uid, logs
}
