package dockerfile

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/version"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/ociref"
)

const byteOrderMark = "\xEF\xBB\xBF"

const frontend = "docker.io/docker/dockerfile"

// FrontendVersion is the version of the Dockerfile language that Parse reads,
// major.minor, as BuildKit's module states it.
func FrontendVersion() string {
	parts := strings.SplitN(version.Version(), ".", 3)
	if len(parts) < 2 {
		return "1"
	}
	return parts[0] + "." + parts[1]
}

// checkSyntaxLine refuses a "# syntax=" that names a front end which is not
// ours: building the file as something else would be silently wrong.
func checkSyntaxLine(path string, data []byte) *diag.Error {
	start := bytes.TrimSpace(bytes.TrimPrefix(data, []byte(byteOrderMark)))
	if len(start) == 0 || !bytes.ContainsRune([]byte("#/{"), rune(start[0])) {
		return nil // most files begin with an instruction: no form of the directive can follow
	}
	name, _, loc, ok := parser.DetectSyntax(data)
	if !ok {
		return nil
	}
	pos := position(path, loc)
	if pos.Line == 0 {
		pos.Line = 1 // the JSON form of the directive has no line
	}
	own := FrontendVersion()
	fail := func(why string) *diag.Error {
		return diag.Errorf(pos, "cannot build with front end %s: %s", name, why).
			Hint("plinth reads Dockerfiles itself, as docker/dockerfile:%s does: write `# syntax=docker/dockerfile:1` or remove the line", own)
	}
	ref, err := ociref.Parse(name)
	if err != nil {
		return fail(err.Error())
	}
	if ref.Repository() != frontend {
		return fail("it is not docker/dockerfile")
	}
	switch {
	case ref.Tag() == "":
		return fail("it does not say which version it needs")
	case strings.HasSuffix(ref.Tag(), "labs"):
		return fail("it asks for experimental instructions")
	}
	need, ok := versionNumbers(ref.Tag())
	have, _ := versionNumbers(own)
	switch {
	case !ok:
		return fail("its tag is not a version")
	case need[0] != have[0]:
		return fail("it is another major version than " + own)
	case len(need) > 1 && need[1] > have[1]:
		return fail("it is newer than " + own)
	}
	return nil
}

// versionNumbers reads 1, 1.7 or 1.7.1.
func versionNumbers(tag string) ([]int, bool) {
	parts := strings.Split(tag, ".")
	if len(parts) > 3 {
		return nil, false
	}
	numbers := make([]int, len(parts))
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 31)
		if err != nil {
			return nil, false
		}
		numbers[i] = int(n)
	}
	return numbers, true
}

// checkDirectives finds the errors that BuildKit reports with the number of the
// line before: a directive given twice, and an escape character that is none.
func checkDirectives(path string, data []byte) *diag.Error {
	var p parser.DirectiveParser
	n := 0
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte(byteOrderMark))) {
		n++
		line = bytes.TrimSpace(line)
		d, err := p.ParseLine(line)
		if err != nil {
			return diag.Errorf(diag.Position{File: path, Line: n}, "cannot parse Dockerfile: %w", err).
				Hint("remove one of the two lines")
		}
		if d == nil {
			return nil // directives end at the first line that is none
		}
		if d.Name == "escape" && d.Value != "`" && d.Value != `\` {
			return diag.Errorf(diag.Position{File: path, Line: n}, "cannot parse Dockerfile: invalid escape token %q", d.Value).
				Hint("write # escape=` or # escape=\\")
		}
	}
	return nil
}
