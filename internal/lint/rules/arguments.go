package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

// byDefault says that a rule counts for everybody.
const byDefault = lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage

// triggered is what an instruction does in the end: what ONBUILD triggers, or itself.
func triggered(in *syntax.Instruction) *syntax.Instruction {
	for in.Inner != nil {
		in = in.Inner
	}
	return in
}

// eachTriggered calls fn for the instructions of a stage with one of these keywords, those that ONBUILD
// triggers included. The index is that of the instruction in the stage.
func eachTriggered(s *lint.Stage, fn func(i int, in *syntax.Instruction), keywords ...string) {
	for i, in := range s.Instructions {
		if in = triggered(in); slices.Contains(keywords, in.Keyword) {
			fn(i, in)
		}
	}
}

// copyArgument is a word of COPY or ADD.
type copyArgument struct {
	Value string      // without quotes
	Text  syntax.Text // as it is written, in JSON form without the quotes around
}

// copyArguments are the words of COPY or ADD, in either form.
func copyArguments(in *syntax.Instruction) (out []copyArgument) {
	if values, ok := in.JSONValues(); ok {
		texts, _ := in.JSON()
		for i, v := range values {
			out = append(out, copyArgument{v, texts[i]})
		}
		return out
	}
	for _, t := range in.Args.Fields() {
		out = append(out, copyArgument{syntax.Unquote(t.S, in.File().Escape), t})
	}
	return out
}

// sourcesAndDestination splits the words of COPY or ADD; there is at least one source if it is ok.
func sourcesAndDestination(in *syntax.Instruction) (sources []copyArgument, destination copyArgument, ok bool) {
	args := copyArguments(in)
	if len(args) < 2 {
		return nil, copyArgument{}, false
	}
	return args[:len(args)-1], args[len(args)-1], true
}

// isAbsolute says whether a path in an image is absolute, on Linux or on Windows.
func isAbsolute(dir string, escape byte) bool {
	return strings.HasPrefix(dir, "/") || isWindowsPath(dir) || escape == '`' && strings.HasPrefix(dir, `\`)
}

// isWindowsPath says whether a path begins with a drive.
func isWindowsPath(s string) bool {
	return len(s) > 1 && s[1] == ':' && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z')
}

// isFetched says whether ADD fetches a source from elsewhere: over HTTP or with git.
func isFetched(source string) bool {
	for _, prefix := range []string{"http://", "https://", "ftp://", "git://", "ssh://", "git@"} {
		if strings.HasPrefix(source, prefix) {
			return true
		}
	}
	return false
}

// isArchiveName says by its name whether a file is one that ADD unpacks, or that people take for one.
// A zip file is not.
func isArchiveName(name string) bool {
	for _, suffix := range []string{
		".tar", ".gz", ".tgz", ".taz", ".bz2", ".tb2", ".tbz", ".tbz2", ".tz2", ".xz", ".txz", ".zst", ".tzst",
		".lz", ".tlz", ".lzma", ".tpz", ".Z", ".tZ", ".taZ",
	} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// oneLine says whether a text stands on one line of the file.
func oneLine(t syntax.Text) bool { return t.Offset(len(t.S))-t.Offset(0) == len(t.S) }
