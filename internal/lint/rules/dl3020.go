package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

var dl3020 = &lint.Rule{
	Code: "DL3020", Title: "ADD of plain files", Severity: lint.Error, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Aliases: []string{"trivy:DS-0005", "checkov:CKV_DOCKER_4", "dockle:CIS-DI-0009", "docker-bench:4.9"},
	Source:  "https://github.com/hadolint/hadolint/wiki/DL3020",
	Why: "ADD unpacks archives and fetches URLs, so what arrives in the image depends on what a file happens to be. " +
		"For files and folders of the build context COPY does the same and nothing else.",
	Bad:  "FROM debian:12\nADD requirements.txt /app/",
	Good: "FROM debian:12\nCOPY requirements.txt /app/",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachTriggered(s, func(i int, in *syntax.Instruction) {
			sources, _, ok := sourcesAndDestination(in)
			if _, unpack := in.Flag("unpack"); !ok || unpack {
				return
			}
			lookup := s.Before(i).Lookup
			plain, certain := 0, 0
			var first copyArgument
			for _, source := range sources {
				isPlain := isPlainFile(lint.Expand(source.Value, lookup))
				if isPlain {
					certain++
				}
				if isPlain || p.Options.Hadolint && isPlainName(source.Value) {
					if plain++; plain == 1 {
						first = source
					}
				}
			}
			if plain == 0 {
				return
			}
			f := p.Report(lint.Keyword(in), "ADD of %s: COPY does the same, and never anything else", first.Value)
			if certain == len(sources) && !hasAnyFlag(in, "checksum", "keep-git-dir") {
				f.WithFix("write COPY", lint.Edit{Span: lint.Keyword(in), Text: likeRaw(in, "COPY")})
			}
		}, "ADD")
	},
}

// isPlainName says whether a source is a plain file as hadolint reads it: a variable is a part of the name.
func isPlainName(source string) bool {
	return source != "" && !isFetched(source) && !isArchiveName(source)
}

// isPlainFile says whether ADD does nothing but copy a source. Where a variable stands at the
// beginning it may be a URL, at the end an archive.
func isPlainFile(source string) bool {
	if !isPlainName(source) || strings.HasPrefix(source, "$") {
		return false
	}
	last := source[strings.LastIndexByte(source, '/')+1:]
	if i := strings.LastIndexByte(last, '$'); i >= 0 {
		return strings.Contains(afterVariable(last[i:]), ".")
	}
	return true
}

// afterVariable is what comes behind the variable that a word begins with.
func afterVariable(word string) string {
	if strings.HasPrefix(word, "${") {
		_, rest, _ := strings.Cut(word, "}")
		return rest
	}
	return strings.TrimLeft(word, "$_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
}

func hasAnyFlag(in *syntax.Instruction, names ...string) bool {
	for _, name := range names {
		if _, ok := in.Flag(name); ok {
			return true
		}
	}
	return false
}

// likeRaw writes a keyword in the case of the instruction's own.
func likeRaw(in *syntax.Instruction, keyword string) string {
	if in.Raw == strings.ToLower(in.Raw) {
		return strings.ToLower(keyword)
	}
	return keyword
}
