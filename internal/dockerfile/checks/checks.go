// Package checks asks BuildKit v0.33.1 what it says about a Dockerfile, as docker build --check
// does, without a daemon and without the network.
//
//	r := checks.Run(syntax.Parse("Dockerfile", data), checks.Options{Args: args, Resolve: configs})
//	for _, w := range r.Warnings {
//		fmt.Println(w.Line, w.Rule, w.Message)
//	}
//
// Nothing is built. What an image brings that FROM names is asked of Options.Resolve;
// an image that this does not know counts as one that says nothing but its platform.
//
// BuildKit's check of what .dockerignore leaves out needs a client that answers it from other
// goroutines; Ignore does the same.
package checks

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

// Options say how the Dockerfile would be built.
type Options struct {
	Args     map[string]string // build arguments
	Target   string            // the stage to build, "" for all of them
	Platform ocispecs.Platform // to build for; the zero value is the host's

	// Experimental switches on the rules that BuildKit calls experimental.
	Experimental bool
	// Resolve gives the configuration of an image for a platform as JSON, nil if it is not known.
	// The reference is whole: docker.io/library/debian:12. It may be called by several
	// goroutines at once.
	Resolve func(ref string, p ocispecs.Platform) []byte
}

// Result is what BuildKit says. It stops at the first thing that it can't build; the warnings
// are those that it came to before.
type Result struct {
	Warnings []Warning // by line, rule, message
	Err      *Error    // nil when it could be built so far
	// NeedsArgs says that Err would not be there if ARGs before the first FROM had values.
	NeedsArgs bool
	// Refused says that a check directive (error=true) makes an error of the warnings.
	Refused bool
}

// Warning is one finding of a rule.
type Warning struct {
	Rule    string
	Message string
	Line    int // from 1, 0 if BuildKit does not say
	EndLine int
}

// Error is why BuildKit would not build it. Line is 0 if BuildKit does not say where.
type Error struct {
	Message string
	Line    int
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

// Run checks a Dockerfile.
func Run(f *syntax.File, o Options) *Result {
	text := condense(f, o.Experimental)
	r := ask(text.data, o)
	if r.Err != nil {
		// a FROM whose ARG has no value stops it long before the rest is looked at
		if args := withPlaceholders(f, o.Args); len(args) > len(o.Args) {
			more := o
			more.Args = args
			with := ask(text.data, more)
			r.Warnings, r.NeedsArgs = with.Warnings, with.Err == nil
		}
	}
	for i := range r.Warnings {
		w := &r.Warnings[i]
		w.Line, w.EndLine = text.first(w.Line), text.last(w.EndLine)
	}
	if r.Err != nil {
		// the message may name a line, and part of what it quotes may be left out
		r.Err = ask(f.Data, o).orElse(r.Err)
	}
	slices.SortStableFunc(r.Warnings, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	r.Refused = text.errors && len(r.Warnings) > 0
	return r
}

// withPlaceholders adds a value for each ARG before the first FROM that has none.
func withPlaceholders(f *syntax.File, args map[string]string) map[string]string {
	out := maps.Clone(args)
	for _, in := range f.Instructions {
		if in.Keyword != "ARG" || in.Stage >= 0 {
			continue
		}
		for _, pair := range in.Pairs() {
			if _, given := out[pair.Key.S]; !given && pair.Value.S == "" {
				if out == nil {
					out = map[string]string{}
				}
				out[pair.Key.S] = "unknown"
			}
		}
	}
	return out
}

// orElse is the error; where there is none, another one.
func (r *Result) orElse(other *Error) *Error {
	if r.Err == nil {
		return other
	}
	return r.Err
}

// ask gives a text to BuildKit. What it panics at is an error of the text.
func ask(data []byte, o Options) (result *Result) {
	data = quiet(data)
	defer func() {
		if r := recover(); r != nil {
			result = &Result{Err: &Error{Message: fmt.Sprintf("BuildKit panics: %v", r)}}
		}
	}()
	sources := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", data)
	sources.Definition = &llb.Definition{} // BuildKit reads it without a look
	opt := dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{BuildArgs: maps.Clone(o.Args), Target: o.Target},
		SourceMap:    sources,
		MetaResolver: images{o.Resolve},
	}
	if o.Platform.OS != "" {
		opt.TargetPlatform = &o.Platform
	}
	found, err := dockerfile2llb.DockerfileLint(context.Background(), data, opt)
	if err != nil {
		return &Result{Err: &Error{Message: err.Error()}}
	}
	return read(found)
}

// quiet puts the replacement character in the place of what BuildKit would complain about on standard error, which it
// does without saying which file it means: bytes that are no UTF-8, and NUL.
func quiet(data []byte) []byte {
	if utf8.Valid(data) && bytes.IndexByte(data, 0) < 0 {
		return data
	}
	return bytes.ReplaceAll(bytes.ToValidUTF8(data, []byte("\uFFFD")), []byte{0}, []byte("\uFFFD"))
}

// read takes over what BuildKit found.
func read(found *lint.LintResults) *Result {
	r := &Result{}
	for _, w := range found.Warnings {
		out := Warning{Rule: w.RuleName, Message: w.Detail}
		if ranges := w.Location.GetRanges(); len(ranges) > 0 {
			out.Line = int(ranges[0].GetStart().GetLine())
			out.EndLine = int(ranges[len(ranges)-1].GetEnd().GetLine())
		}
		r.Warnings = append(r.Warnings, out)
	}
	if found.Error != nil {
		r.Err = &Error{Message: found.Error.Message}
		if ranges := found.Error.Location.GetRanges(); len(ranges) > 0 {
			r.Err.Line = int(ranges[0].GetStart().GetLine())
		}
	}
	return r
}
