// Package dockerfile reads Dockerfiles with BuildKit's own parser and finds
// every image that one of them needs.
//
//	f, err := dockerfile.Parse("0100-java17/Dockerfile", data)
//	refs, err := f.References(args, "", ociref.Host())
//
// References are found as BuildKit v0.33.1 finds them: ARG defaults, build
// arguments and ${x:-y} go through its shell lexer, names of stages and stage
// numbers are recognised as it recognises them, and only what the target stage
// reaches counts. Nothing is built and nothing is looked up: that a reference
// is listed says nothing about whether the image exists.
package dockerfile

import (
	"bytes"
	"errors"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/plinth-build/plinth/internal/diag"
)

// File is a parsed Dockerfile. It does not change after Parse, and it may be
// used by several goroutines at once.
type File struct {
	Path   string // as given to Parse; every position names it
	Data   []byte // as given to Parse
	Escape rune   // the escape character: \ unless a directive says `
	Stages []Stage

	stages   []instructions.Stage
	metaArgs []instructions.ArgCommand

	secrets, agents []string // see Asked
}

// Stage is one FROM and what follows it.
type Stage struct {
	Name     string // after AS, in lower case; "" when it has none
	From     string // what FROM names, before expansion
	Platform string // the value of --platform, before expansion
	Pos      diag.Position
}

// Parse reads a Dockerfile. The path is only used in positions. The error
// holds every problem that was found as *diag.Error: one when the file does
// not split into instructions, otherwise one for each bad instruction, and
// one when the file asks for a front end other than ours.
func Parse(path string, data []byte) (*File, error) {
	var problems diag.List
	problems.Add(checkSyntaxLine(path, data))

	if e := checkDirectives(path, data); e != nil {
		problems.Add(e)
		return nil, problems.Err()
	}
	tree, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		problems.Add(syntaxError(path, err, data))
		return nil, problems.Err()
	}
	f := &File{Path: path, Data: data, Escape: tree.EscapeToken}
	f.readInstructions(tree.AST, &problems)
	if len(f.stages) == 0 && problems.Len() == 0 {
		problems.Add(diag.Errorf(diag.Position{File: path, Line: 1}, "cannot parse Dockerfile: no stage to build").
			Hint("write a FROM that names the image to start with"))
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	f.findAsked()
	return f, nil
}

// readInstructions types the nodes one by one: BuildKit's own loop stops at the first bad one.
func (f *File) readInstructions(root *parser.Node, problems *diag.List) {
	lint := linter.New(&linter.Config{}) // a nil linter panics at a "# check=" comment
	for _, node := range root.Children {
		v, err := instructions.ParseInstructionWithLinter(node, lint)
		if err != nil {
			problems.Add(syntaxError(f.Path, err, nil))
			// a broken FROM still opens a stage, otherwise all that follows it is reported too
			if strings.EqualFold(node.Value, "FROM") {
				f.stages = append(f.stages, instructions.Stage{})
			}
			continue // v is a typed nil
		}
		switch cmd := v.(type) {
		case *instructions.Stage:
			f.stages = append(f.stages, *cmd)
			f.Stages = append(f.Stages, Stage{
				Name: cmd.Name, From: cmd.BaseName, Platform: cmd.Platform, Pos: f.pos(cmd.Location),
			})
		case *instructions.ArgCommand:
			if len(f.stages) == 0 {
				f.metaArgs = append(f.metaArgs, *cmd)
				continue
			}
			f.addCommand(cmd)
		case instructions.Command:
			if len(f.stages) == 0 {
				problems.Add(diag.Errorf(f.pos(cmd.Location()), "cannot parse Dockerfile: %s stands before the first FROM",
					strings.ToUpper(cmd.Name())).Hint("only ARG may come before the first FROM: move the line below it"))
				continue
			}
			f.addCommand(cmd)
		}
	}
}

func (f *File) addCommand(cmd instructions.Command) {
	last := &f.stages[len(f.stages)-1]
	last.Commands = append(last.Commands, cmd)
}

// pos is the first line of a location.
func (f *File) pos(loc []parser.Range) diag.Position {
	return position(f.Path, loc)
}

func position(path string, loc []parser.Range) diag.Position {
	p := diag.Position{File: path}
	for _, r := range loc {
		if p.Line == 0 || r.Start.Line < p.Line {
			p.Line = r.Start.Line
		}
	}
	return p
}

// syntaxError says what BuildKit says, with its line and with its suggestion as
// a hint. data is given for errors of the line splitter only, which reports the
// last good line when a line is too long.
func syntaxError(path string, err error, data []byte) *diag.Error {
	pos := diag.Position{File: path}
	var located *parser.LocationError
	if errors.As(err, &located) && len(located.Locations) > 0 {
		pos = position(path, located.Locations[0])
	}
	if data != nil {
		if line := tooLongLine(data); line != 0 && line == pos.Line+1 {
			pos.Line = line
		}
	}
	reason, suggestion := splitSuggestion(err)
	e := diag.Errorf(pos, "cannot parse Dockerfile: %s", reason)
	if suggestion != "" {
		e.Hint("did you mean %s?", suggestion)
	}
	return e
}

// splitSuggestion takes BuildKit's "(did you mean X?)" off the message. The
// error type that adds it is not exported, but it says exactly what it wraps.
func splitSuggestion(err error) (reason, suggestion string) {
	const before, after = " (did you mean ", "?)"
	reason = err.Error()
	for e := err; e != nil; e = errors.Unwrap(e) {
		inner := errors.Unwrap(e)
		if inner == nil {
			break
		}
		tail, found := strings.CutPrefix(e.Error(), inner.Error()+before)
		if word, ok := strings.CutSuffix(tail, after); found && ok {
			return strings.Replace(reason, before+word+after, "", 1), word
		}
	}
	return reason, ""
}

// tooLongLine is the number of the first line that does not fit BuildKit's
// line buffer, 0 when all do.
func tooLongLine(data []byte) int {
	const limit = 64 * 1024 // bufio.MaxScanTokenSize, the line break included
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if len(line) >= limit {
			return n
		}
	}
	return 0
}
