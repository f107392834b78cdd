package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var exposeProtoCasing = &lint.Rule{
	Code: "ExposeProtoCasing", Title: "Protocol in upper case", Severity: lint.Style, Family: lint.BuildKit,
	Profiles: lint.Strict | lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/expose-proto-casing/",
	Why:    "The builder writes the protocol in lower case, and so do all tools that show it.",
	Bad:    "FROM debian:12\nEXPOSE 53/UDP",
	Good:   "FROM debian:12\nEXPOSE 53/udp",
	Check: func(p *lint.Pass) {
		warnings(p, func(in *syntax.Instruction, _ []checks.Warning) {
			for _, port := range in.Args.Fields() {
				i := strings.LastIndexByte(port.S, '/') + 1
				proto := port.Slice(i, len(port.S))
				if want := strings.ToLower(proto.S); i > 0 && proto.S != want && !strings.Contains(proto.S, "$") {
					p.Report(lint.At(proto), "protocol %s is in upper case", proto.S).WithFix("write it in lower case", lint.Replace(proto, want))
				}
			}
		}, "EXPOSE")
	},
}
