package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl5009 = &lint.Rule{
	Code: "PL5009", Title: "HEALTHCHECK gives a slow starter no time", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/dockerfile/#healthcheck",
	Why: "Checks count from the first second on. A Java server takes half a minute and more to answer, and is unhealthy, or killed, before that. With --start-period, " +
		"failures in that time do not count.",
	Bad:  "FROM eclipse-temurin:21-jre\nHEALTHCHECK --timeout=3s CMD [\"/check\"]\nCMD [\"java\", \"-jar\", \"/app.jar\"]",
	Good: "FROM eclipse-temurin:21-jre\nHEALTHCHECK --timeout=3s --start-period=60s CMD [\"/check\"]\nCMD [\"java\", \"-jar\", \"/app.jar\"]",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		in, ok := healthcheck(s)
		if !ok {
			return
		}
		if period, said, known := duration(in, "start-period"); said.HasValue && (!known || period > 0) {
			return
		}
		starter := ""
		processCommands(s, func(_ *syntax.Instruction, c *shellscript.Command) {
			if name := unwrap(c).Base(); starter == "" && isSlow(name) {
				starter = name
			}
		})
		if starter != "" {
			p.Report(lint.Keyword(in), "HEALTHCHECK has no --start-period, and %s takes its time to start: it counts as unhealthy before it answers", starter)
		}
	},
}

// isSlow says whether a program starts a Java server.
func isSlow(name string) bool {
	switch name {
	case "java", "catalina.sh", "standalone.sh", "mvn", "gradle", "elasticsearch", "sonar.sh":
		return true
	}
	return strings.HasSuffix(name, "mvnw") || strings.HasSuffix(name, "gradlew")
}
