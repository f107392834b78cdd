package dockerfile

// This file repeats, without an engine, what dockerfile2llb in BuildKit v0.33.1
// does between reading a Dockerfile and asking for the first image:
//
//   - FROM sees the ARGs before the first FROM and the platform arguments, and
//     nothing else. Its name is a stage when it is equal to the (lower-case) name
//     of an earlier one; a number is a name like any other.
//   - COPY --from and RUN --mount=from= are never expanded. Their names are
//     compared without case, and with all stages of the file; what is built later
//     cannot be used, which is an error here as it is there. Only COPY takes numbers.
//   - The ONBUILD triggers of an image run in every stage that says FROM it, before
//     the stage's own instructions, and their names mean the stages of that file.
//   - An error in a stage that the target does not need still fails the build.
//
// The known difference: BuildKit lets a number in COPY --from reach the
// anonymous stages that it makes for images; here it is out of range.

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/ociref"
)

// Kind says which instruction names an image.
type Kind string

// The kinds of reference.
const (
	From    Kind = "from"    // FROM image
	Copy    Kind = "copy"    // COPY --from=image
	Mount   Kind = "mount"   // RUN --mount=from=image
	Onbuild Kind = "onbuild" // one of the above as a trigger that the image after FROM brings along
)

// Reference is one place where a Dockerfile names another image.
type Reference struct {
	Text     string // after expansion, as the front end looks it up
	Pos      diag.Position
	Kind     Kind
	Stage    int           // the stage that needs it, from 0
	Platform string        // what --platform says, after expansion; "" for the target's own
	Base     bool          // the target stage stands on it, itself or through earlier stages
	Trigger  diag.Position // of an Onbuild: where the trigger is written; Pos is the FROM that sets it off
}

// Trigger is one image that an ONBUILD instruction names. It needs no image for
// the file it stands in, but for each file that says FROM the image built from it.
type Trigger struct {
	From string // as written: an image, or a stage of the file that sets it off
	Kind Kind   // Copy or Mount
	Pos  diag.Position
}

// Options decide what a Dockerfile needs.
type Options struct {
	Args     map[string]string // build arguments
	Target   string            // name of the stage to build, "" for the last one
	Platform ociref.Platform   // to build for; the zero value means the host's

	// Onbuild gives the triggers of an image that a FROM names, nil for none.
	// It is called with the expanded text, at least once for each reached stage.
	Onbuild func(from string) []Trigger
}

// References are the images that building the target stage needs, without
// regard to triggers that a parent brings along. See ReferencesWith.
func (f *File) References(args map[string]string, target string, platform ociref.Platform) ([]Reference, error) {
	return f.ReferencesWith(Options{Args: args, Target: target, Platform: platform})
}

// ReferencesWith are the images that building the target stage needs, in the
// order of their positions; an image that is named twice is there twice. The
// error holds a *diag.Error for each name that cannot be resolved.
func (f *File) ReferencesWith(opt Options) ([]Reference, error) {
	r := &resolver{file: f, opt: opt, lex: shell.NewLex(f.Escape)}
	target, ok := r.findTarget()
	if !ok {
		return nil, r.problems.Err()
	}
	args := r.globalArgs()
	if err := r.problems.Err(); err != nil {
		return nil, err // a FROM that uses the broken ARG would be reported as well
	}
	r.resolveBases(args)
	r.resolveUses()
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	r.reach(target)
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	return r.collect(target), nil
}

// Triggers are the images that the ONBUILD instructions of the target stage
// name. Those of other stages don't reach the built image.
func (f *File) Triggers(target string) ([]Trigger, error) {
	r := &resolver{file: f, opt: Options{Target: target}}
	i, ok := r.findTarget()
	if !ok {
		return nil, r.problems.Err()
	}
	triggers := r.triggersOf(i)
	return triggers, r.problems.Err()
}

// use is a source that a stage takes files from, or stands on.
type use struct {
	stage int // the source is this stage; -1 when it is an image
	ref   Reference
}

type resolver struct {
	file     *File
	opt      Options
	lex      *shell.Lex
	bases    []use // one a stage; ref.Text is "" for scratch
	uses     [][]use
	reached  []bool
	problems diag.List
}

func (r *resolver) findTarget() (int, bool) {
	last := len(r.file.stages) - 1
	if r.opt.Target == "" {
		return last, true
	}
	if i, ok := r.stageNamed(r.opt.Target); ok {
		return i, true
	}
	var names []string
	for _, s := range r.file.Stages {
		if s.Name != "" {
			names = append(names, s.Name)
		}
	}
	e := diag.Errorf(diag.Position{File: r.file.Path}, "cannot find stage %q", r.opt.Target)
	if near := diag.Nearest(strings.ToLower(r.opt.Target), names); near != "" {
		e.Hint("did you mean %s?", near)
	} else if len(names) > 0 {
		e.Hint("the stages are: %s", strings.Join(names, ", "))
	} else {
		e.Hint("no stage has a name: write FROM … AS %s", r.opt.Target)
	}
	r.problems.Add(e)
	return 0, false
}

// stageNamed finds the last stage of that name, as BuildKit does when two claim one.
func (r *resolver) stageNamed(name string) (int, bool) {
	name = strings.ToLower(name)
	for i := len(r.file.stages) - 1; i >= 0; i-- {
		if s := r.file.stages[i].Name; s != "" && s == name {
			return i, true
		}
	}
	return -1, false
}

func (r *resolver) resolveBases(args *env) {
	names := map[string]int{}
	for i, s := range r.file.stages {
		u := use{stage: -1, ref: Reference{Pos: r.file.pos(s.Location), Kind: From, Stage: i}}
		if text, ok := r.baseName(s.BaseName, u.ref.Pos, args, names); ok {
			if earlier, ok := names[text]; ok {
				u.stage = earlier
			} else if text != ociref.Scratch {
				u.ref.Text = text
			}
		}
		u.ref.Platform = r.platform(s.Platform, u.ref.Pos, args)
		r.bases = append(r.bases, u)
		if s.Name != "" {
			names[s.Name] = i
		}
	}
}

// globalArgs are what FROM sees: the platform arguments, then the ARGs before
// the first FROM in their order, build arguments taking the place of defaults.
func (r *resolver) globalArgs() *env {
	e := platformArgs(r.opt.Platform, r.opt.Args, r.targetName())
	for _, cmd := range r.file.metaArgs {
		for _, kv := range cmd.Args {
			e.declare(kv.Key)
			if v, ok := r.opt.Args[kv.Key]; ok {
				e.set(kv.Key, v)
				continue
			}
			if kv.Value == nil {
				continue
			}
			res, err := r.lex.ProcessWordWithMatches(*kv.Value, e)
			if err != nil {
				r.problems.Add(diag.Errorf(r.file.pos(cmd.Location()), "cannot resolve ARG %s: %s", kv.Key, lexReason(err)))
				continue
			}
			e.set(kv.Key, res.Result)
		}
	}
	return e
}

func (r *resolver) targetName() string {
	if r.opt.Target != "" {
		return r.opt.Target
	}
	return r.file.stages[len(r.file.stages)-1].Name
}

// baseName resolves the ARGs of a FROM to an earlier stage, scratch, or a
// reference. An empty part of the name is an error that says which ARG is to blame.
func (r *resolver) baseName(word string, pos diag.Position, e *env, stages map[string]int) (string, bool) {
	res, err := r.lex.ProcessWordWithMatches(word, e)
	if err != nil {
		r.problems.Add(diag.Errorf(pos, "cannot resolve FROM %s: %s", word, lexReason(err)))
		return "", false
	}
	if res.Result == "" {
		r.problems.Add(r.unset(pos, e, res.Unmatched, "cannot resolve FROM %s: the name is empty", word))
		return "", false
	}
	if _, ok := stages[res.Result]; ok || res.Result == ociref.Scratch {
		return res.Result, true
	}
	if _, err := ociref.Parse(res.Result); err != nil {
		if word == res.Result {
			r.problems.Add(badName(res.Result, pos, err))
			return "", false
		}
		r.problems.Add(r.unset(pos, e, res.Unmatched, "cannot resolve FROM %s: %q: %w", word, res.Result, err))
		return "", false
	}
	return res.Result, true
}

func badName(name string, pos diag.Position, err error) *diag.Error {
	return diag.Errorf(pos, "cannot read image name %q: %w", name, err)
}

// unset is an error about a word whose ARGs have no value, with what to do about each.
func (r *resolver) unset(pos diag.Position, e *env, unmatched map[string]struct{}, format string, args ...any) *diag.Error {
	err := diag.Errorf(pos, format, args...)
	for _, name := range slices.Sorted(maps.Keys(unmatched)) {
		switch {
		case e.declared[name]:
			err.Hint("ARG %s has no value: give it a default (ARG %s=…), or set it under args: in image.yaml", name, name)
		default:
			err.Hint("declare ARG %s=… before the first FROM: FROM sees no other ARG", name)
		}
	}
	return err
}

func (r *resolver) platform(word string, pos diag.Position, e *env) string {
	if word == "" {
		return ""
	}
	res, err := r.lex.ProcessWordWithMatches(word, e)
	if err != nil {
		r.problems.Add(diag.Errorf(pos, "cannot resolve --platform=%s: %s", word, lexReason(err)))
		return ""
	}
	if res.Result == "" {
		r.problems.Add(r.unset(pos, e, res.Unmatched, "cannot resolve --platform=%s: it is empty", word))
		return ""
	}
	text, err := formatPlatform(res.Result)
	if err != nil {
		r.problems.Add(r.unset(pos, e, res.Unmatched, "cannot resolve --platform=%s: %w", word, err))
		return ""
	}
	return text
}

// resolveUses finds the sources of COPY and RUN, and checks those of stages that nobody needs as well.
func (r *resolver) resolveUses() {
	r.uses = make([][]use, len(r.file.stages))
	for i, s := range r.file.stages {
		for _, cmd := range s.Commands {
			for _, src := range sources(cmd) {
				src.Pos = r.file.pos(cmd.Location())
				if u, ok := r.source(src, i); ok {
					u.ref.Pos = src.Pos
					r.uses[i] = append(r.uses[i], u)
				}
			}
		}
	}
}

// sources are the names after --from= and from= in one instruction.
func sources(cmd instructions.Command) []Trigger {
	switch c := cmd.(type) {
	case *instructions.CopyCommand:
		if c.From != "" {
			return []Trigger{{From: c.From, Kind: Copy}}
		}
	case *instructions.RunCommand:
		var out []Trigger
		for _, m := range instructions.GetMounts(c) {
			if m.From != "" {
				out = append(out, Trigger{From: m.From, Kind: Mount})
			}
		}
		return out
	}
	return nil
}

// source says which stage or image src means in stage i. The second result is
// false when it is neither: scratch, or an error.
func (r *resolver) source(src Trigger, i int) (use, bool) {
	u := use{stage: -1, ref: Reference{Text: src.From, Kind: src.Kind, Stage: i}}
	if src.Kind == Copy {
		res, err := r.lex.ProcessWordWithMatches(src.From, newEnv())
		if err != nil || res.Result != src.From {
			r.problems.Add(diag.Errorf(src.Pos, "cannot resolve COPY --from=%s: variables are not expanded there", src.From).
				Hint("name the image in a stage of its own (FROM %s AS source) and copy from that stage", src.From))
			return u, false
		}
		if n, err := strconv.Atoi(src.From); err == nil {
			if n < 0 || n >= len(r.file.stages) {
				r.problems.Add(diag.Errorf(src.Pos, "cannot copy from stage %d: there are %d, counted from 0", n, len(r.file.stages)))
				return u, false
			}
			u.stage = n
		}
	}
	if u.stage < 0 {
		if n, ok := r.stageNamed(src.From); ok {
			u.stage = n
		}
	}
	switch {
	case u.stage >= i:
		r.problems.Add(diag.Errorf(src.Pos, "cannot take files from stage %q: it is not built before this line", src.From).
			Hint("move the stage above the one that uses it"))
		return u, false
	case u.stage < 0 && src.From == ociref.Scratch:
		return u, false
	case u.stage < 0:
		if _, err := ociref.Parse(src.From); err != nil {
			r.problems.Add(badName(src.From, src.Pos, err))
			return u, false
		}
	}
	return u, true
}

// reach marks the stages that the target needs. Triggers of a base can make a
// stage needed, so they are added on the way.
func (r *resolver) reach(target int) {
	r.reached = make([]bool, len(r.file.stages))
	todo := []int{target}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if r.reached[i] {
			continue
		}
		r.reached[i] = true
		r.addTriggered(i)
		if s := r.bases[i].stage; s >= 0 {
			todo = append(todo, s)
		}
		for _, u := range r.uses[i] {
			if u.stage >= 0 {
				todo = append(todo, u.stage)
			}
		}
	}
}

// addTriggered adds what the ONBUILD instructions of the image or stage under stage i name.
func (r *resolver) addTriggered(i int) {
	base := r.bases[i]
	var triggers []Trigger
	switch {
	case base.stage >= 0:
		triggers = r.triggersOf(base.stage)
	case base.ref.Text != "" && r.opt.Onbuild != nil:
		triggers = r.opt.Onbuild(base.ref.Text)
	}
	for _, t := range triggers {
		written := t.Pos
		t.Pos = base.ref.Pos
		u, ok := r.source(t, i)
		if !ok {
			continue
		}
		u.ref.Pos, u.ref.Trigger, u.ref.Kind = base.ref.Pos, written, Onbuild
		r.uses[i] = append(r.uses[i], u)
	}
}

// triggersOf reads the ONBUILD instructions of stage i as BuildKit will read them when they go off.
func (r *resolver) triggersOf(i int) []Trigger {
	var out []Trigger
	for _, cmd := range r.file.stages[i].Commands {
		on, ok := cmd.(*instructions.OnbuildCommand)
		if !ok {
			continue
		}
		pos := r.file.pos(on.Location())
		inner, err := parseTrigger(on.Expression)
		if err != nil {
			reason, suggestion := splitSuggestion(err)
			e := diag.Errorf(pos, "cannot parse ONBUILD: %s", reason)
			if suggestion != "" {
				e.Hint("did you mean %s?", suggestion)
			}
			r.problems.Add(e)
			continue
		}
		for _, t := range sources(inner) {
			t.Pos = pos
			out = append(out, t)
		}
	}
	return out
}

func parseTrigger(expression string) (instructions.Command, error) {
	tree, err := parser.Parse(strings.NewReader(expression))
	if err != nil {
		return nil, err
	}
	if len(tree.AST.Children) != 1 {
		return nil, fmt.Errorf("want one instruction, found %d", len(tree.AST.Children))
	}
	return instructions.ParseCommand(tree.AST.Children[0])
}

// collect lists the images of the reached stages by position.
func (r *resolver) collect(target int) []Reference {
	foundation := target
	for r.bases[foundation].stage >= 0 {
		foundation = r.bases[foundation].stage
	}
	var out []Reference
	for i, reached := range r.reached {
		if !reached {
			continue
		}
		if b := r.bases[i]; b.stage < 0 && b.ref.Text != "" {
			b.ref.Base = i == foundation
			out = append(out, b.ref)
		}
		for _, u := range r.uses[i] {
			if u.stage < 0 {
				out = append(out, u.ref)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Reference) int { return a.Pos.Compare(b.Pos) })
	return out
}

// lexReason is the reason of BuildKit's lexer without its "failed to process" in front.
func lexReason(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}
