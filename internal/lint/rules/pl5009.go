package rules

import (
	"strconv"
	"strings"
	"time"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl5009 = &lint.Rule{
	Code: "PL5009", Title: "HEALTHCHECK gives a slow starter no time", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/dockerfile/#healthcheck",
	Why: "Checks count from the first one on. A Java server takes half a minute and more to answer, and may be unhealthy, or killed, before that. With --start-period, " +
		"failures in that time do not count. The rule is silent where it takes three minutes of failures anyway.",
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
		if waitsLong(in) {
			return
		}
		starter := ""
		processCommands(s, func(_ *syntax.Instruction, c *shellscript.Command) {
			if name := unwrap(c).Base(); starter == "" && isSlow(name) {
				starter = name
			}
		})
		if starter != "" {
			p.Report(lint.Keyword(in), "HEALTHCHECK has no --start-period, and %s takes its time to start: checks that fail until it answers count", starter)
		}
	},
}

// waitsLong says whether a service is unhealthy only after some minutes of failed checks.
func waitsLong(in *syntax.Instruction) bool {
	interval, said, ok := duration(in, "interval")
	switch {
	case said.HasValue && !ok:
		return true // a variable
	case interval == 0:
		interval = 30 * time.Second
	}
	retries := 3
	if f, ok := in.Flag("retries"); ok {
		n, err := strconv.Atoi(f.Value)
		if err != nil {
			return true
		}
		if n > 0 {
			retries = n
		}
	}
	return interval*time.Duration(retries) >= 3*time.Minute
}

// isSlow says whether a program starts a Java server.
func isSlow(name string) bool {
	switch name {
	case "java", "catalina.sh", "standalone.sh", "mvn", "gradle", "elasticsearch", "sonar.sh":
		return true
	}
	return strings.HasSuffix(name, "mvnw") || strings.HasSuffix(name, "gradlew")
}
