package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var exposeInvalidFormat = &lint.Rule{
	Code: "ExposeInvalidFormat", Title: "EXPOSE with an address or a port of the host", Severity: lint.Warning, Family: lint.BuildKit,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage | lint.BuildKitProfile, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/build-checks/expose-invalid-format/",
	Why: "EXPOSE names ports of the container only. An address or a port of the host in it is left out today, and will " +
		"be an error; `docker run -p` is the place for it.",
	Bad:  "FROM debian:12\nEXPOSE 127.0.0.1:8080:80",
	Good: "FROM debian:12\nEXPOSE 80",
	Check: func(p *lint.Pass) {
		warnings(p, func(in *syntax.Instruction, _ []checks.Warning) {
			for _, port := range in.Args.Fields() {
				if i := strings.LastIndexByte(port.S, ':'); i >= 0 && !strings.Contains(port.S, "${") {
					p.Report(lint.At(port), "EXPOSE %s names a port of the host, which has no effect: EXPOSE %s", port.S, port.S[i+1:])
				}
			}
		}, "EXPOSE")
	},
}
