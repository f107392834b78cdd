package rules

import (
	"strconv"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3011 = &lint.Rule{
	Code: "DL3011", Title: "A port is out of range", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0008"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3011",
	Why:     "Ports go from 0 to 65535. With another number the image does not build, or can't be run with its ports published.",
	Bad:     "FROM debian:12\nEXPOSE 80000",
	Good:    "FROM debian:12\nEXPOSE 8000",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachTriggered(s, func(_ int, in *syntax.Instruction) {
			for _, word := range in.Args.Fields() {
				if port := tooLarge(syntax.Unquote(word.S, p.File.Escape)); port != "" {
					p.Report(lint.At(word), "there is no port %s: they end at 65535", port)
					return
				}
			}
		}, "EXPOSE")
	},
}

// tooLarge gives the port in a word of EXPOSE that is out of range, "" if none is.
func tooLarge(word string) string {
	ports, _, _ := strings.Cut(word, "/")
	for port := range strings.SplitSeq(ports, "-") {
		port = port[strings.LastIndexByte(port, ':')+1:]
		if port == "" || strings.Trim(port, "0123456789") != "" {
			continue // a variable
		}
		if n, err := strconv.Atoi(port); err != nil || n > 65535 {
			return port
		}
	}
	return ""
}
