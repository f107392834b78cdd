package lint

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

// Effective is the configuration of an image at one point of a Dockerfile, with what it
// inherits. Values are as they are written, with the variables in them that are known in the place of their names.
type Effective struct {
	// Known says that everything is known, from scratch or an image of the catalog up. Without it
	// the image comes from elsewhere, and only what was said since then is here.
	Known bool

	User        Value
	Workdir     Value
	Shell       []string // of RUN steps; the default where nothing says otherwise
	ShellSet    bool
	Healthcheck Value // the arguments of HEALTHCHECK, NONE included
	Entrypoint  Value // the arguments
	Cmd         Value
	StopSignal  Value
	Env         map[string]string // values of ENV
	Args        map[string]string // of ARG in this stage; "" without a value
	Labels      map[string]string
	Expose      []string
	Volumes     []string
	NoShell     bool // there is no shell in the image

	triggers []trigger // of ONBUILD, for what stands on it
	shadowed []string  // names in Env that a later ARG has another value for while the image is built
}

// trigger is an instruction that ONBUILD keeps for the next FROM.
type trigger struct {
	in   *syntax.Instruction
	from string // the image of the catalog that has it, "" for a stage of this file
}

// Value is something that was said, or inherited.
type Value struct {
	S    string
	Set  bool
	From string              // the image of the catalog that said it, "" for this file
	In   *syntax.Instruction // the one that said it, nil when it is inherited from another file
}

// Scratch is what an image that stands on nothing has: root, no environment.
func Scratch() *Effective { return &Effective{Known: true, Shell: DefaultShell} }

// Unknown is what is known of an image from elsewhere.
func Unknown() *Effective { return &Effective{Shell: DefaultShell} }

// clone copies an Effective; maps are copied when they are written.
func (e *Effective) clone() *Effective {
	c := *e
	return &c
}

// begin is what a stage begins with: its parent's state at its end, or the image's.
func (s *Stage) begin() *Effective {
	if s.Base != nil {
		return s.Base
	}
	switch {
	case s.Parent != nil:
		s.Base = s.Parent.After() // with its ARGs, which a stage that stands on it has as well
	case s.IsScratch():
		s.Base = Scratch()
	case s.doc.Image != nil && s.doc.Image.Base != nil:
		s.Base = s.doc.Image.Base(s.Resolved)
	}
	if s.Base == nil {
		s.Base = Unknown()
	}
	s.Base = s.fire(s.Base)
	return s.Base
}

// fire carries out what ONBUILD keeps: once, since what stands on the stage does not get it again.
func (s *Stage) fire(e *Effective) *Effective {
	triggers := e.triggers
	if len(triggers) == 0 {
		return e
	}
	e = e.clone()
	e.triggers = nil
	for _, t := range triggers {
		e = s.apply(e, t.in)
		if t.from != "" {
			e.stamp(t.from)
		}
	}
	return e
}

// Prepare works out what the stages begin with, as far as other files have to be read for it. After it,
// rules may look at the Doc while other Docs of the same catalog are looked at.
func (d *Doc) Prepare() {
	for _, s := range d.Stages {
		s.begin()
	}
}

// Before is the state before the instruction with this index in the stage.
func (s *Stage) Before(i int) *Effective { return s.all()[i] }

// After is the state at the end of the stage.
func (s *Stage) After() *Effective { return s.all()[len(s.Instructions)] }

func (s *Stage) all() []*Effective {
	if s.states == nil {
		s.states = make([]*Effective, 0, len(s.Instructions)+1)
		state := s.begin()
		for _, in := range s.Instructions {
			s.states = append(s.states, state)
			state = s.apply(state, in)
		}
		s.states = append(s.states, state)
	}
	return s.states
}

// apply gives the state behind an instruction.
func (s *Stage) apply(before *Effective, in *syntax.Instruction) *Effective {
	escape := in.File().Escape
	value := func(text string) Value {
		return Value{S: Word(text, escape, before.Lookup), Set: true, In: in}
	}
	e := before.clone()
	switch in.Keyword {
	case "USER":
		e.User = value(in.Args.S)
	case "WORKDIR":
		v := value(in.Args.S)
		switch {
		case strings.HasPrefix(v.S, "$"):
		case path.IsAbs(v.S):
			v.S = path.Clean(v.S)
		case e.Workdir.Set:
			v.S = path.Join(e.Workdir.S, v.S)
		case e.Known:
			v.S = path.Join("/", v.S)
		}
		e.Workdir = v
	case "SHELL":
		if list, ok := in.JSONValues(); ok && len(list) > 0 {
			e.Shell, e.ShellSet = list, true
		}
	case "HEALTHCHECK":
		e.Healthcheck = Value{S: in.Args.S, Set: true, In: in}
	case "ENTRYPOINT":
		e.Entrypoint = Value{S: in.Args.S, Set: true, In: in}
		if cmd := before.Cmd.In; cmd == nil || cmd.Stage != in.Stage {
			e.Cmd = Value{} // ENTRYPOINT resets a CMD that was inherited
		}
	case "CMD":
		e.Cmd = Value{S: in.Args.S, Set: true, In: in}
	case "STOPSIGNAL":
		e.StopSignal = value(in.Args.S)
	case "ENV":
		e.Env = maps.Clone(e.Env)
		for _, p := range in.Pairs() {
			set(&e.Env, p.Name(escape), value(p.Value.S).S)
			e.unshadow(p.Name(escape))
		}
	case "ARG":
		e.Args = maps.Clone(e.Args)
		for _, p := range in.Pairs() {
			v := s.argValue(p, escape, e.Lookup) // each sees those before it
			set(&e.Args, p.Name(escape), v)
			if _, also := e.Env[p.Name(escape)]; also && v != "" {
				e.shadowed = append(e.shadowed[:len(e.shadowed):len(e.shadowed)], p.Name(escape))
			}
		}
	case "LABEL":
		e.Labels = maps.Clone(e.Labels)
		for _, p := range in.Pairs() {
			set(&e.Labels, value(p.Key.S).S, value(p.Value.S).S)
		}
	case "EXPOSE":
		for _, f := range in.Args.Fields() {
			e.Expose = append(e.Expose[:len(e.Expose):len(e.Expose)], value(f.S).S)
		}
	case "VOLUME":
		for _, v := range volumes(in) {
			e.Volumes = append(e.Volumes[:len(e.Volumes):len(e.Volumes)], value(v).S)
		}
	case "ONBUILD":
		if in.Inner == nil {
			return before
		}
		e.triggers = append(e.triggers[:len(e.triggers):len(e.triggers)], trigger{in: in.Inner})
	default:
		return before
	}
	return e
}

// argValue is what an ARG has: the value that is given for the build, its default, or that of
// the ARG of its name before the first FROM.
func (s *Stage) argValue(p Pair, escape byte, lookup func(string) (string, bool)) string {
	name := p.Name(escape)
	if s.doc.Image != nil {
		if v, ok := s.doc.Image.Args[name]; ok {
			return v
		}
	}
	if p.Has {
		return Word(p.Value.S, escape, lookup)
	}
	return s.doc.args[name]
}

// Pair is a name and a value in ENV, LABEL or ARG.
type Pair = syntax.Pair

func volumes(in *syntax.Instruction) (out []string) {
	if list, ok := in.JSONValues(); ok {
		return list
	}
	for _, f := range in.Args.Fields() {
		out = append(out, f.S)
	}
	return out
}

func set(m *map[string]string, name, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[name] = value
}

// unshadow makes the value of ENV count again.
func (e *Effective) unshadow(name string) {
	if slices.Contains(e.shadowed, name) {
		e.shadowed = slices.DeleteFunc(slices.Clone(e.shadowed), func(s string) bool { return s == name })
	}
}

// Lookup gives the value of a variable while the image is built: that of the last ENV or ARG that gives one.
func (e *Effective) Lookup(name string) (string, bool) {
	if v, ok := e.Env[name]; ok && !slices.Contains(e.shadowed, name) {
		return v, true
	}
	v, ok := e.Args[name]
	return v, ok && v != ""
}

// IsRoot says whether a USER is root: by name, by number, with any group. The empty user of an
// image that says nothing is root too.
func IsRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || name == "root" || strings.Trim(name, "0") == ""
}

// Inherited is the state with another file's origin: what a child of an image begins with.
func (e *Effective) Inherited(image string) *Effective {
	c := e.clone()
	c.Args, c.shadowed = nil, nil
	c.triggers = slices.Clone(c.triggers)
	for i := range c.triggers {
		if c.triggers[i].from == "" {
			c.triggers[i].from = image
		}
	}
	c.stamp(image)
	return c
}

// stamp says of the values that instructions of another file gave from which image they are.
func (e *Effective) stamp(image string) {
	for _, v := range []*Value{&e.User, &e.Workdir, &e.Healthcheck, &e.Entrypoint, &e.Cmd, &e.StopSignal} {
		if v.In != nil {
			v.In, v.From = nil, image
		}
	}
}
