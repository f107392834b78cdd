package rules

import (
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/lint"
)

// TestAdvice checks what rules say where their advice depends on the file.
func TestAdvice(t *testing.T) {
	for _, c := range []struct {
		rule       *lint.Rule
		file, want string
		options    []string
	}{
		{pl1025, "RUN chmod 777 /tmp", "1777 is the mode of a folder that all share", nil},
		{pl1025, "RUN chmod 777 /var/tmp /dev/shm/ /run/lock /var/lock", "1777 is the mode of a folder that all share", nil},
		{pl1025, "RUN chmod -R 777 /tmp", "give it to its user with chown, or to a group", nil},
		{pl1025, "RUN mkdir -m 777 /x", "or 1777 where all share it", nil},
		{pl1008, "ENV UV_INSECURE_HOST=a.b", "makes uv take packages from a.b without a check of its certificate: name the authority with SSL_CERT_FILE", nil},
		{pl1008, "ENV PIP_TRUSTED_HOST=a.b", "makes pip take packages from a.b without a check of its certificate: name the authority with PIP_CERT", nil},
		{pl1025, "RUN mkdir -pm 777 /x", "mkdir 777 on /x: ", nil},
		{pl1025, "RUN install -dm 777 /x", "install 777 on /x: everybody may change it, give it to its user with chown, or to a group, or 1777", nil},
		{pl1025, "RUN chmod 777 /tmp /x", "give it to its user with chown, or to a group", nil},
		{pl1025, "RUN mkdir /x && chmod 777 /x", "or 1777 where all share it", nil},
		{pl1028, "RUN gpg --fetch-keys http://a.b/k", "gpg trusts it", nil},
		{pl1028, "RUN apt-key adv --fetch-keys http://a.b/k", "apt-key trusts it", nil},
		{pl1028, "RUN rpm -i http://a.b/k", "rpm installs it", nil},
		{pl2005, "COPY . /app\nRUN chown -R app /app", "; write COPY --chown there", nil},
		{pl2005, "COPY . /app\nRUN useradd app && chown -R app /app", "make the user before it", nil},
		{pl2005, "COPY . /app\nRUN addgroup app\nRUN chown -R app /app", "make the user before it", nil},
		{pl2005, "RUN adduser app\nCOPY . /app\nRUN chown -R app /app", "; write COPY --chown there", nil},
		{pl2005, "COPY . /app\nRUN chown -R app /app\nRUN groupadd app", "; write COPY --chown there", nil},
		{pl2005, "COPY . /app\nRUN useradd app && chmod -R 755 /app", "; write COPY --chmod there", nil},
		{pl2005, "COPY --chown=app . /app\nRUN chown -R app /app", "it says --chown itself", nil},
		{pl2005, "COPY --chown=app . /app\nRUN chmod -R 755 /app", "; write COPY --chmod there", nil},
		{pl2006, "ADD https://example.com/x /x\nRUN rm /x", "download it in the RUN that needs it", nil},
		{pl2006, "ADD https://example.com/x /tmp/\nRUN rm /tmp/x", "download it in the RUN that needs it", nil},
		{pl2006, "ADD x /x\nRUN rm /x", "mount it with RUN --mount=type=bind", nil},
		{pl2006, "ADD x /tmp/\nRUN rm /tmp/x", "mount it with RUN --mount=type=bind", nil},
		{pl2006, "RUN wget https://example.com/x -O /x\nRUN rm /x", "delete it in that RUN", nil},
		{pl5002, "CMD x", "say it, with a number", nil},
		{pl5002, "FROM mcr.microsoft.com/windows/nanoserver:ltsc2025\nCMD x", "ContainerUser", nil},
		{pl5003, "", "the base image debian:12 (USER root comes from base) is root", []string{"base-user root"}},
		{pl2001, "COPY . .\nRUN bundle install && npm ci", "copied before bundle install", nil},
		{pl2004, "COPY . /a\nCOPY . /b\nRUN apk add c", "after the whole context was copied (line 2)", nil},
		{pl2004, "COPY src lib /a/\nRUN apk add c", "after src was copied (line 2)", nil},
		{pl2004, "COPY --from=x . /a/\nCOPY src /a/\nRUN apk add c", "after src was copied (line 3)", nil},
		{pl2011, "RUN apt-get update\nRUN apt-get update\nRUN apt-get clean", "in line 2", nil},
		{pl5003, "FROM base\nCMD x", "the base image base is root", []string{"base-user root"}},
		{pl5003, "", "the base image debian:12 is root", []string{"base-env A=b"}},
		{pl6002, "LABEL org.opencontainers.image.license=x", "the name is org.opencontainers.image.licenses", nil},
		{pl6002, "LABEL org.opencontainers.image.name=x", "use a prefix of your own", nil},
	} {
		s := &sample{options: c.options}
		findings := c.rule.Findings(s.doc(t, "FROM debian:12\n"+c.file+"\n"))
		if len(findings) != 1 || !strings.Contains(findings[0].Message, c.want) {
			t.Errorf("%s: %q: no %q in\n%s", c.rule.Code, c.file, c.want, describe(findings))
		}
	}
}

// TestMessages checks what rules advise where that depends on the image or the program.
func TestMessages(t *testing.T) {
	for _, test := range []struct {
		rule       *lint.Rule
		data, want string
	}{
		{dl3038, "FROM fedora:41\nRUN dnf install httpd", "dnf install asks"},
		{dl3038, "FROM fedora:41\nRUN microdnf install httpd", "microdnf install asks"},
		{dl3047, "FROM debian:12\nRUN wget a", "add --progress=dot:giga, -nv or -q"},
		{dl3047, "FROM alpine:3.20\nRUN wget a", "add -q"},
		{dl3047, "FROM php:8.4-fpm-alpine AS a\nFROM a\nRUN wget a", "add -q"},
		{dl3047, "FROM busybox:1\nRUN wget a", "add -q"},
		{dl3047, "FROM alpine:3.20\nRUN apk add wget && wget a", "add --progress=dot:giga, -nv or -q"},
	} {
		findings := test.rule.Findings((&sample{}).doc(t, test.data))
		if len(findings) != 1 || !strings.Contains(findings[0].Message, test.want) {
			t.Errorf("%s of %q: %v, want one with %q", test.rule.Code, test.data, findings, test.want)
		}
	}
}
