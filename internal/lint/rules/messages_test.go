package rules

import (
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/lint"
)

// What a finding advises depends on the image or the program.
func TestMessages(t *testing.T) {
	for _, test := range []struct {
		rule       *lint.Rule
		data, want string
	}{
		{dl3038, "FROM fedora:41\nRUN dnf install httpd", "dnf install asks"},
		{dl3038, "FROM fedora:41\nRUN microdnf install httpd", "microdnf install may ask"},
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
